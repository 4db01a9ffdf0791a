"""Training: which runs, in which stacks and processes, from which streams. Importing it loads no torch."""
