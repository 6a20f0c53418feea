"""From scores to grades: who is ready, what hinders the rest, release, points, recomputing."""
