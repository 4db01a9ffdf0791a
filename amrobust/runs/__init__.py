"""The record of runs, which training and comparing share: what is to run, what came of it, on disk and in memory."""
