"""Variance components, and what they say of reliability and of how many raters are enough."""
