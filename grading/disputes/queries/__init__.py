"""Reads of `grading.disputes`: no statement in here changes anything."""
