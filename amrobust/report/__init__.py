"""Made from a comparison: ``render`` for text, ``write_pdf`` for the report, ``write_figures`` for its figures alone."""

from amrobust.report.figure_files import write_figures
from amrobust.report.pdf import write_pdf
from amrobust.report.render import FORMATS, render

__all__ = ["FORMATS", "render", "write_figures", "write_pdf"]
