"""Reads of `grading.office`: no statement in here changes anything."""
