"""Made from a comparison: ``render`` for text, ``write_report`` for the report, ``write_figures`` for its figures alone."""

from amrobust.report.figure_files import write_figures
from amrobust.report.layout import Layout
from amrobust.report.render import FORMATS, render
from amrobust.report.write import write_report

__all__ = ["FORMATS", "Layout", "render", "write_figures", "write_report"]
