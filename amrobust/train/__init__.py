"""Training: which runs, in which stacks and processes, from which streams; nothing here judges. Importing it loads no torch."""
