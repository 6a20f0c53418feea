"""What the office and the calendar do across all of it: imports, privacy, upkeep, needs, the funnel."""
