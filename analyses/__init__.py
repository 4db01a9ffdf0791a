"""Declared analyses: one TOML file a table, figure or demonstration."""
