"""Recorders for training frameworks: one thin module each, importing its framework."""
