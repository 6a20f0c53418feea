"""Who reads what, and how: eligibility, allocation, holds, sheets, calibration, check items, monitoring."""
