"""Claims as data, and the verdicts on them."""
