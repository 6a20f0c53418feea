"""The charts of the instructor's pages: each with a question and a finding in words."""
