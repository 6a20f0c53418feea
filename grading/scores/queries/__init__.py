"""Reads of `grading.scores`: no statement in here changes anything."""
