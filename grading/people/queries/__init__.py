"""Reads of `grading.people`: no statement in here changes anything."""
