"""Models of the network workloads."""
