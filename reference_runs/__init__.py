"""Published numbers, and runs measured with this package."""
