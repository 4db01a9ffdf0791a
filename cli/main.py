"""The ``amrobust`` command: subcommands are imported only when they are called, so that help is quick."""

from __future__ import annotations

import importlib
import sys

import click

from amrobust.errors import AmrobustError

COMMANDS = {
    "run": ("amrobust.cli.run", "Train a method on a workload over many seeds."),
    "compare": ("amrobust.cli.compare", "Judge which method varies less, and how sure that is."),
    "report": ("amrobust.cli.report", "Write the comparison as a PDF."),
    "analyze": ("amrobust.cli.analyze", "Run a declared analysis, judge its claims, write its report."),
    "plan": ("amrobust.cli.plan", "Say how many seeds a study needs."),
    "theory": ("amrobust.cli.theory", "Say what the paper's theorems prescribe and prove for several m."),
    "judge-table": ("amrobust.cli.judge_table", "Judge what a published table alone supports."),
    "calibrate": ("amrobust.cli.calibrate", "Measure the error rates of everything that decides."),
    "list": ("amrobust.cli.list_runs", "List the runs in a directory."),
    "show": ("amrobust.cli.show", "Show one run: spec, seeds, provenance."),
    "export": ("amrobust.cli.export", "Write the curves of runs as CSV or JSON."),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand's module on first use, and turns amrobust's errors into one line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a session's work, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of ``cmd_name`` and return its ``command``."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, naming the nearest command when there is none of that name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else " See 'amrobust --help'."
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands with their one-line help without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand; an AmrobustError becomes one line on stderr and its exit status."""
        try:
            return super().invoke(ctx)
        except AmrobustError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(error.exit_status)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="amrobust")
def main() -> None:
    """Say, honestly, whether one optimizer is more robust than another.

    \b
    amrobust run --opt am1 --m 5 --seeds 20     train AM1-SGD on digits, 20 seeds
    amrobust run --opt msgd --seeds 20          and its baseline
    amrobust compare runs/                      estimates, intervals, tests, verdicts
    amrobust report runs/ -o report.pdf         the same as a PDF
    """
