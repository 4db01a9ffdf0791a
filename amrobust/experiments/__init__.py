"""What to run, on which random streams, and where."""
