"""Reads of `grading.programs`: no statement in here changes anything."""
