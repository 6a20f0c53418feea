"""Who rates what, where the next reading buys most, and simulated cohorts to try both on."""
