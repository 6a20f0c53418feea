"""Reads of `grading.cohorts`: no statement in here changes anything."""
