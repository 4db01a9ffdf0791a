"""Defaults of options from a file: [tool.amrobust] of the nearest pyproject.toml, or the file of --config."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from amrobust.cli import messages
from amrobust.cli.output import OutputPath
from amrobust.errors import UserError

PROJECT = "pyproject.toml"
TABLE = ("tool", "amrobust")
MOST = 1_000_000


@dataclass(frozen=True)
class Inherited:
    """A default from the file of a directory above, which is said where it is taken: click calls it then."""

    path: Path
    key: str
    value: Any

    def __call__(self) -> Any:
        """The value, and a line that says who set it."""
        messages.note(f"{self.key} = {self}, as {self.path} says")
        return self.value

    def __str__(self) -> str:
        return ", ".join(map(str, self.value)) if isinstance(self.value, list) else str(self.value)


def load(
    given: Path | None, commands: Mapping[str, object], command_of: Callable[[str], click.Command]
) -> dict[str, Any]:
    """click's default_map: a table for each command.

    In the file, keys outside a table are defaults of every command that has the option; a table named after a command holds
    that command's own. Raises UserError on an unknown key, or a value that is neither a scalar nor a list of scalars, and
    where a file that was only found says what to write to.
    """
    found = _table(given)
    if found is None:
        return {}
    path, content = found
    inherited = given is None and path.parent != Path.cwd()
    defaults: dict[str, dict[str, Any]] = {}
    everywhere = {key: value for key, value in content.items() if not isinstance(value, dict)}
    names = set(commands) if everywhere else {key for key in content if key in commands}
    options = {name: _options(command_of(name)) for name in names}
    for key, value in everywhere.items():
        having = [name for name in options if _option(key) in options[name]]
        if not having:
            raise UserError(f"{path}: no command has an option {key!r}; remove it, or correct its name")
        value = _checked(path, key, value)
        for name in having:
            option = _settable(path, key, options[name][_option(key)], named=given is not None)
            _set(defaults.setdefault(name, {}), option, value, path, key, inherited)
    for name, table in content.items():
        if not isinstance(table, dict):
            continue
        if name not in commands:
            raise UserError(f"{path}: there is no command {name!r}: choose one of {', '.join(commands)}")
        for key, value in table.items():
            if _option(key) not in options[name]:
                known = ", ".join(sorted(option.replace("_", "-") for option in options[name]))
                raise UserError(f"{path}: {name} has no option {key!r}: it has {known}")
            value = _checked(path, f"{name}.{key}", value)
            option = _settable(path, f"{name}.{key}", options[name][_option(key)], named=given is not None)
            _set(defaults.setdefault(name, {}), option, value, path, key, inherited)
    return dict(defaults)


def _table(given: Path | None) -> tuple[Path, dict[str, Any]] | None:
    """The file and its table of defaults; None where there is none."""
    if given is not None:
        content = _read(given)
        return given, _inside(given, content) if given.name == PROJECT or "tool" in content else content
    try:
        here = Path.cwd()
    except OSError:  # It was deleted, and is in no project any more.
        return None
    path = next((folder / PROJECT for folder in (here, *here.parents) if (folder / PROJECT).is_file()), None)
    # Most projects have no such table, and parsing takes longer than looking.
    if path is None or b"amrobust" not in _bytes(path):
        return None
    return path, _inside(path, _read(path))


def _inside(path: Path, content: dict[str, Any]) -> dict[str, Any]:
    for name in TABLE:
        content = content.get(name, {})
        if not isinstance(content, dict):
            raise UserError(f"{path}: [{'.'.join(TABLE)}] is not a table")
    return content


def _bytes(path: Path) -> bytes:
    from amrobust.runs.files import TooLong, read_bounded, reason

    try:
        return read_bounded(path, MOST, follow=True)
    except TooLong:
        raise UserError(f"{path} has more than {MOST:,} bytes") from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from None


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(_bytes(path).decode("utf-8"))
    except (ValueError, RecursionError) as error:  # of TOML, of its numbers, of UTF-8
        raise UserError(f"{path} is not valid TOML: {error}") from None


def _option(key: str) -> str:
    return key.replace("-", "_")


def _settable(path: Path, key: str, option: click.Option, *, named: bool) -> click.Option:
    """``option``, where the file may set it.

    A file that the user did not name may be anybody's: one in /tmp would be found from every directory below it, and a path to
    write to would let it have any file of the user's overwritten. Nor does a default take edited code for what it was before
    the edit: that is meant once, of one edit.
    """
    if isinstance(option.type, OutputPath) and not named:
        raise UserError(
            f"{path}: {key} says what to overwrite, which only the command line may, or a file that --config names: remove it"
        )
    if option.name == "allow_code" and not named:
        raise UserError(
            f"{path}: {key} would run code that files name without your having read them: remove it, and say it on the command "
            "line of the command that it is meant for"
        )
    if option.name == "accept_new_code" and not named:
        raise UserError(
            f"{path}: {key} would take every edit of your code for the same method: remove it, and say it on the command line "
            "of the run that it is meant for"
        )
    return option


def _set(
    defaults: dict[str, Any], option: click.Option, value: Any, path: Path, key: str, inherited: bool
) -> None:
    """Make ``value`` the option's default; of an option that can be repeated, one value is a list of one."""
    assert option.name is not None
    value = [value] if option.multiple and not isinstance(value, list) else value
    defaults[option.name] = Inherited(path, key, value) if inherited else value


def _options(command: click.Command) -> dict[str, click.Option]:
    """A command's options by their long names as they are written."""
    return {
        _option(name.lstrip("-")): param
        for param in command.params
        if isinstance(param, click.Option) and param.name and param.expose_value
        for name in param.opts
        if name.startswith("--")
    }


def _checked(path: Path, key: str, value: Any) -> Any:
    scalars = value if isinstance(value, list) else [value]
    if not all(isinstance(item, (str, int, float, bool)) for item in scalars):
        raise UserError(f"{path}: {key} is neither a text, a number, true or false, nor a list of them")
    return value
