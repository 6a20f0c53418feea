"""From several readings of one work to a score, its correction, and the chance of a wrong decision."""
