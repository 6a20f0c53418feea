"""A rater over time and against agreed papers: effects, control charts, whether they are cleared."""
