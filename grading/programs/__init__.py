"""What is offered: programs, their courses and rubric versions, and which completed courses they ask for."""
