"""Figures, tables and documents made from a comparison: ``render`` for text, ``write_report`` for the report."""

from amrobust.report.layout import Layout
from amrobust.report.render import FORMATS, render
from amrobust.report.write import write_report

__all__ = ["FORMATS", "Layout", "render", "write_report"]
