"""Reads of `grading.releases`: no statement in here changes anything."""
