"""From sealed ratings to a score: settling, adjusting, statistics, routing, readings that are set aside.

A score is computed in `settling.settle`, which asks `grading.measurement.scoring.resolution`.
"""
