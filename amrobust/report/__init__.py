"""Figures, tables and documents made from a comparison."""
