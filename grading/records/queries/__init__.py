"""Reads of `grading.records`: no statement in here changes anything."""
