"""Statistics of spread, location and curves over seeds: NumPy and SciPy in, dataclasses out."""
