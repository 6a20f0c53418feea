"""Reads of `grading.readings`: no statement in here changes anything."""
