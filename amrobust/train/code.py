"""The code that others bring to a run: the files of what a spec names, and of the local modules that these import.

A class, a function or a workload of another's is what its files say, so their digests are compared before seeds are added to a
run. A file counts by its module's name and its bytes, wherever it lies. What an installed package announces, or a path into
one, counts by the package's name and version; what else is installed, the standard library, torch and amrobust do not count.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import linecache
import symtable
import sys
import sysconfig
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import distribution, packages_distributions, version
from pathlib import Path
from typing import Any

from amrobust import plugins, workloads
from amrobust.errors import UserError
from amrobust.runs.code import PACKAGE, Files, code_digest
from amrobust.runs.spec import Spec
from amrobust.train import composed, foreign, foreign_rules
from amrobust.train.optimizers import OPTIMIZERS
from amrobust.train.unit import CoBatch, Work

RECORDED_OTHERWISE = ("amrobust", "torch")
"""Packages whose versions every run records."""

IN_A_WORKER = "__mp_main__"
"""What a worker process calls the script, of which it has a copy under both names."""

IMPORTING = ("import_module", "__import__")
"""Functions that import the module that they are given the name of."""


@dataclass(frozen=True)
class Code:
    """What others brought to a run."""

    files: Files | None
    """Empty where all is amrobust's and torch's own; None where the source of something cannot be had."""
    versions: Mapping[str, str]
    """Of the distributions that what the spec names comes from."""


def code_of(spec: Spec) -> Code:
    """The code of the optimizer or rule and of the workload of ``spec``; read once in a process."""
    return _code_of(spec.workload, spec.optimizer)


def digest_of(work: Work) -> str | None:
    """One digest of all the code that ``work`` depends on; None where it is nobody else's, or not known."""
    specs = [spec for spec, _ in work.entries] if isinstance(work, CoBatch) else [work]
    return code_digest(_merged(code_of(spec).files for spec in specs))


def dependence(work: Work) -> dict[str, Any]:
    """What the state of a training of ``work`` depends on besides its seeds, as plain JSON data."""
    digest = digest_of(work)
    return {"spec": work.identity()} | ({"code": digest} if digest is not None else {})


@plugins.forgettable
@cache
def _code_of(workload: str, optimizer: str) -> Code:
    parts = []
    if workload not in workloads.WORKLOADS:
        parts.append(_named(workload, workloads.GROUP, workloads.get(workload)))
    for part in composed.parts(optimizer):
        if part not in OPTIMIZERS and foreign_rules.maker(part) is not None:
            parts.append(_named(part, foreign_rules.GROUP, foreign_rules.maker(part)))
        elif part not in OPTIMIZERS and part not in foreign.torch_names():
            parts.append(_named(part, foreign.GROUP, foreign.optimizer_class(part)))
    versions = {name: found for each in parts for name, found in each.versions.items()}
    return Code(_merged(each.files for each in parts), versions)


def _merged(parts: Iterable[Files | None]) -> Files | None:
    merged: dict[str, str] = {}
    for files in parts:
        if files is None:
            return None
        merged |= files
    return dict(sorted(merged.items()))


def _named(name: str, group: str, found: Any) -> Code:
    """The code of ``found``, which is called ``name`` or announced so."""
    root = plugins.module_of(name, group)
    top = root.partition(".")[0]
    if top in RECORDED_OTHERWISE:
        return Code({}, {})
    versions = {owner: version(owner) for owner in _owners().get(top, ())}
    file, _ = _located(root)
    if root == "__main__" or file is None:
        return Code(_source_of(name, found, root), versions)
    if versions and _is_installed(root, file):
        return Code({f"{PACKAGE}{owner}": number for owner, number in versions.items()}, versions)
    return Code(_files([found.__module__], root), versions)


def _source_of(name: str, found: Any, root: str) -> Files | None:
    """Of what was defined in a notebook or a script: its own source, that of the functions and classes defined there that it
    uses, and the local modules that the script imports, or of a notebook those that these use.

    The script's other lines say what to run, and change with every call.
    """
    defined = vars(sys.modules[root])
    waiting = {name: found if inspect.isroutine(found) or inspect.isclass(found) else type(found)}
    sources: dict[str, str] = {}
    modules: set[str] = set()
    while waiting:
        called, each = waiting.popitem()
        try:
            source = textwrap.dedent(_source(each))
        except (OSError, TypeError):
            if called == name:
                return None
            continue  # Such as a class that a call made: what made it stands in a source, or among the script's other lines.
        sources[called] = hashlib.sha256(source.encode()).hexdigest()
        for used in _globals_of(source):
            other = defined.get(used)
            if inspect.ismodule(other):
                modules.add(other.__name__)
            elif getattr(other, "__module__", None) not in (None, root, IN_A_WORKER):
                modules.add(other.__module__)
            if (
                (inspect.isroutine(other) or inspect.isclass(other))
                and other.__module__ in (root, IN_A_WORKER)
                and other is not each
                and f"{root}:{used}" not in sources
            ):
                waiting[f"{root}:{used}"] = other
    file, _ = _located(root)
    imported = imports(root, Path(file).read_bytes(), is_package=False) if file is not None else modules
    return {**dict(sorted(sources.items())), **_files(imported)}


def _source(defined: Any) -> str:
    """As ``inspect.getsource``; also of a class in a notebook, whose module has no file while its methods know their cell.

    Raises OSError or TypeError where there is none.
    """
    try:
        return inspect.getsource(defined)
    except (OSError, TypeError):
        methods = [each for each in vars(defined).values() if inspect.isfunction(each)]
        for method in methods:
            cell = linecache.getlines(method.__code__.co_filename)
            for node in ast.walk(ast.parse("".join(cell))):
                if isinstance(node, ast.ClassDef) and node.name == defined.__name__:
                    first = min((each.lineno for each in node.decorator_list), default=node.lineno)
                    return "".join(cell[first - 1 : node.end_lineno])
        raise


def _globals_of(source: str) -> set[str]:
    """The names in ``source``, a class or a function, that are not its own."""
    try:
        waiting = [symtable.symtable(source, "source", "exec")]
    except (SyntaxError, ValueError):
        return set()
    found = {each.get_name() for each in waiting[0].get_symbols() if each.is_referenced()}
    while waiting:
        table = waiting.pop()
        waiting += table.get_children()
        found |= {each.get_name() for each in table.get_symbols() if each.is_global()}
    return found


def _files(names: Iterable[str], root: str | None = None) -> Files:
    """The files of the module ``root``, of the local ones among ``names`` and of those that they import.

    Of a package that is reached, all modules in its folder count. Raises UserError where a file cannot be read.
    """
    waiting, seen, files = [*names, *([root] if root else [])], {""}, dict[str, str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting.append(name.rpartition(".")[0])
        file, folders = _located(name)
        if file is None or (_is_installed(name, file) and name != root):
            continue
        path = Path(file)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise UserError(f"{file}, part of the code of {name}, cannot be read: {error.strerror}") from None
        inside = len(name.split(".")) + (folders is not None)
        files["/".join(path.parts[-inside:])] = hashlib.sha256(content).hexdigest()
        waiting += imports(name, content, is_package=folders is not None)
        if folders is not None:
            waiting += [f"{name}.{each.stem}" for each in path.parent.glob("*.py") if each != path]
    return files


def _located(name: str) -> tuple[str | None, Iterable[str] | None]:
    """The file of a module, and the folders of its own modules where it is a package. Nothing is imported.

    Both are None where there is no such module; a package without a file of its own has folders alone.
    """
    loaded = sys.modules.get(name)
    if loaded is not None:
        file, folders = getattr(loaded, "__file__", None), getattr(loaded, "__path__", None)
    else:
        parent = name.rpartition(".")[0]
        try:
            if parent:
                within = _located(parent)[1]
                spec = PathFinder.find_spec(name, list(within)) if within is not None else None
            else:
                spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        file, folders = (None, None) if spec is None else (spec.origin, spec.submodule_search_locations)
    return (file if file is not None and Path(file).is_file() else None), folders


def imports(name: str, content: bytes, *, is_package: bool) -> Iterator[str]:
    """The modules that the module ``name`` imports anywhere in its source, and names that may be such."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):
        return
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            within = package.split(".")
            if node.level > len(within):
                continue
            outer = within[: len(within) - node.level + 1] if node.level else []
            base = ".".join([*outer, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in IMPORTING:
            literals = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
            yield from (value for value in literals[:1] if isinstance(value, str))


@cache
def _owners() -> Mapping[str, list[str]]:
    """The distributions by the top-level modules that they install."""
    return packages_distributions()


def _is_installed(name: str, file: str) -> bool:
    """Whether a module is of the standard library, or a package manager put it where it is, and not where it is edited."""
    path = Path(file)
    standard = {sysconfig.get_path(which) for which in ("stdlib", "platstdlib")}
    if {"site-packages", "dist-packages"} & set(path.parts) or any(
        path.is_relative_to(at) for at in standard
    ):
        return True
    top = name.partition(".")[0]
    if top in RECORDED_OTHERWISE:
        return True
    return any(path in _recorded_by(owner) for owner in _owners().get(top, ()))


@cache
def _recorded_by(owner: str) -> frozenset[Path]:
    """The files that a distribution says it installed; of one that is edited in place, none of its modules."""
    found = distribution(owner)
    files = found.files if found.read_text("RECORD") is not None else None
    return frozenset(Path(str(found.locate_file(each))) for each in files or ())
