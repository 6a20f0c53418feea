"""Capstone grading: graded by people, and able to prove what the grades are worth."""
