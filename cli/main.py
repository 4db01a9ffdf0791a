"""The ``amrobust`` command: subcommands are imported only when they are called, so that help is quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import click

from amrobust.cli import config, messages
from amrobust.cli.output import standard_output
from amrobust.cli.streams import usable_streams
from amrobust.errors import AmrobustError, RunError

COMMANDS = {
    "run": ("amrobust.cli.run", "Train methods on a workload over many seeds."),
    "exec": ("amrobust.cli.exec_command", "Run any command over seeds and values, and compare."),
    "tune": ("amrobust.cli.tune", "Choose each method's hyperparameters on a validation split."),
    "compare": ("amrobust.cli.compare", "Judge which method varies less, and how sure that is."),
    "tails": ("amrobust.cli.tails", "Say how bad the worst runs are, and how sure that is."),
    "report": ("amrobust.cli.report", "Write the comparison as a PDF."),
    "analyze": ("amrobust.cli.analyze", "Run a declared analysis, test its claims, write its report."),
    "plan": ("amrobust.cli.plan", "Say how many seeds a study needs."),
    "theory": ("amrobust.cli.theory", "Say what the paper's theorems prescribe and prove for several m."),
    "judge-table": ("amrobust.cli.judge_table", "Judge what a published table alone supports."),
    "calibrate": ("amrobust.cli.calibrate", "Measure the error rates of everything that decides."),
    "data": ("amrobust.cli.data", "List or fetch the data sets that workloads read."),
    "import": ("amrobust.cli.import_runs", "Import runs that other tools logged."),
    "status": ("amrobust.cli.status", "Say what of a grid is finished while the rest runs."),
    "list": ("amrobust.cli.list_runs", "List the runs in a directory."),
    "show": ("amrobust.cli.show", "Show one run: spec, seeds, provenance."),
    "check": ("amrobust.cli.check", "Check that runs are whole, and set broken ones aside."),
    "export": ("amrobust.cli.export", "Write the curves of runs as CSV or JSON."),
}


class LazyGroup(click.Group):
    """A group that imports a subcommand's module on first use, and turns every error into one line."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """As click's, whatever the standard streams are."""
        with usable_streams():
            return super().main(*args, **extra)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of a session's work, not of the alphabet."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of ``cmd_name`` and return its ``command``."""
        return command_of(cmd_name) if cmd_name in COMMANDS else None

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

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """As click's, which prints --help and --version."""
        with _errors_in_one_line():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand."""
        with _errors_in_one_line():
            result = super().invoke(ctx)
            messages.farewell()
            return result


@contextmanager
def _errors_in_one_line() -> Iterator[None]:
    """Make an error one line on stderr and its exit status; what is none of amrobust's own is one of its mistakes."""
    try:
        with standard_output():
            yield
    except AmrobustError as error:
        _end(str(error), error.exit_status)
    except KeyboardInterrupt:
        _end("interrupted", INTERRUPTED)
    except MemoryError:
        _end("not enough memory: give less data at once, or free some", RunError.exit_status)
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except Exception as error:
        from amrobust.cli.crash import crashed, is_here

        if not is_here():
            _end("the working directory was deleted: change to one that is there", RunError.exit_status)
        if isinstance(error, OSError):  # What the system refuses is no mistake of amrobust's.
            _end(f"{error.filename or 'the system'}: {error.strerror or error}", RunError.exit_status)
        _end(crashed(error), RunError.exit_status)


def _end(text: str, status: int) -> NoReturn:
    """Say ``text``, with --verbose where the error that is being handled comes from, and exit."""
    messages.explain()
    messages.error(text)
    sys.exit(status)


def command_of(name: str) -> click.Command:
    """The subcommand ``name``, with the options that every command has."""
    command = importlib.import_module(COMMANDS[name][0]).command
    assert isinstance(command, click.Command)
    taken = {opt for param in command.params for opt in param.opts}
    for option in (messages.quiet_option(), messages.verbose_option()):
        if not taken & set(option.opts):
            command.params.append(option)
    return command


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from amrobust.cli.environment import environment

    click.echo(environment())
    ctx.exit()


INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""
EXIT_STATUSES = (
    "Exit status: 0 done; 1 something failed while it was carried out; 2 bad usage or bad input; 3 the verdict that "
    "--fail-unless asks for was not reached; 130 interrupted."
)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EXIT_STATUSES)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version,
    help="Show the version and the environment, and exit.",
)  # fmt: skip
@click.option(
    "--config", "config_file", type=click.Path(exists=True, dir_okay=False, path_type=Path), envvar="AMROBUST_CONFIG",
    help="A TOML file with defaults of options [default: [tool.amrobust] of the nearest pyproject.toml, which may set all "
    "but --output, --figures, --accept-new-code and --allow-code].",
)  # fmt: skip
@click.pass_context
def main(ctx: click.Context, config_file: Path | None) -> None:
    """Say, honestly, whether one optimizer is more robust than another.

    \b
    amrobust run --opt am1 --m 5 --seeds 20     train AM1-SGD on digits, 20 seeds
    amrobust run --opt msgd --seeds 20          and its baseline
    amrobust compare runs/                      estimates, intervals, tests, verdicts
    amrobust report runs/ -o report.pdf         the same as a PDF
    """
    ctx.default_map = config.load(config_file, COMMANDS, command_of)
    messages.listen()


main.params += [messages.quiet_option(), messages.verbose_option()]
