"""The command line: parse, call one library function, print."""

from amrobust.cli.main import main

__all__ = ["main"]
