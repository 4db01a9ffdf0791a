"""Figures, tables and documents made from a comparison: ``render`` for text, ``write_pdf`` for the report."""

from amrobust.report.pdf import write_pdf
from amrobust.report.render import FORMATS, render

__all__ = ["FORMATS", "render", "write_pdf"]
