"""What is said against a result: appeals, questions, third readings, suspicions, and how they are decided."""
