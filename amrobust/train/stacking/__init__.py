"""Many seeds of one network as one computation: their parameters are stacked, and nothing of one reaches another."""
