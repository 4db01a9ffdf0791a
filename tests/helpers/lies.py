"""Lies: what is done to sound data on its way to a comparison, and what has to come of each.

A lie changes the rows of sound data before they are written, or the files behind them. The test is tests/ingest/test_lies.py,
the page docs/what-amrobust-notices.md.
"""

from __future__ import annotations

import random
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sound_data import FORMS, Files, Row, Rows, sound, without

REFUSED, WARNED, SAME, BELIEVED = "refused", "warned", "the same numbers", "believed"

EVERY = tuple(FORMS)
NAMED, CURVES, LONG = ("table", "finals", "jsonl"), ("table", "wide", "logs", "jsonl"), ("table", "jsonl")
TEXT, CELLS, STEPS = (
    ("table", "wide", "finals", "logs"),
    ("table", "finals", "logs"),
    ("table", "logs", "jsonl"),
)


@dataclass(frozen=True)
class Pick:
    """Where a lie strikes: a seed of sgd, half of its seeds, an epoch inside the training, the last one; and chance."""

    seed: int
    half: frozenset[int]
    epoch: int
    last: int
    chance: random.Random


Where = Callable[[Row, Pick], bool]
Lies = Callable[[Rows, Pick], Rows]
Liars = Callable[[Files, Pick], Files]


@dataclass(frozen=True)
class Lie:
    """``says`` is what the message has (an option at the least, ``--``), or where nothing can be noticed, what the line
    ``read:`` shows was believed."""

    title: str
    forms: Sequence[str]
    ends: str
    says: str
    rows: Lies = lambda rows, pick: rows
    files: Liars = lambda files, pick: files


def every(row: Row, pick: Pick) -> bool:
    return True


def one_seed(row: Row, pick: Pick) -> bool:
    return bool(row["seed"] == pick.seed)


def half(row: Row, pick: Pick) -> bool:
    return row["seed"] in pick.half


def first(row: Row, pick: Pick) -> bool:
    return one_seed(row, pick) and row["epoch"] == 1


def inside(row: Row, pick: Pick) -> bool:
    return one_seed(row, pick) and row["epoch"] == pick.epoch


def last(row: Row, pick: Pick) -> bool:
    return one_seed(row, pick) and row["epoch"] == pick.last


def after(row: Row, pick: Pick) -> bool:
    return one_seed(row, pick) and row["epoch"] > pick.epoch


def put(where: Where = every, **cells: Any) -> Lies:
    """A lie on the rows of sgd that are meant: new cells, or what a function makes of a row."""
    return lambda rows, pick: [
        {**row, **{name: cell(row) if callable(cell) else cell for name, cell in cells.items()}}
        if row["method"] == "sgd" and where(row, pick)
        else row
        for row in rows
    ]


def everywhere(**cells: Any) -> Lies:
    """A lie on the rows of both methods."""
    return lambda rows, pick: [{**row, **{name: cell(row) for name, cell in cells.items()}} for row in rows]


def by_half(name: str, one: Any, other: Any) -> Lies:
    """A lie by which the halves of sgd's seeds differ."""
    return lambda rows, pick: put(**{name: lambda row: one if half(row, pick) else other})(rows, pick)


def both(*lies: Lies) -> Lies:
    """One lie after the other."""
    return lambda rows, pick: both(*lies[1:])(lies[0](rows, pick), pick) if lies else rows


def drop(where: Where) -> Lies:
    """A lie that leaves rows of sgd out."""
    return lambda rows, pick: [row for row in rows if row["method"] != "sgd" or not where(row, pick)]


def copied(of: str = "sgd", where: Where = one_seed, **cells: Any) -> Lies:
    """A lie that adds rows to sgd: those of a seed under a number of its own, or of another method."""

    def lie(rows: Rows, pick: Pick) -> Rows:
        more = 1 + max(row["seed"] for row in rows)
        taken = [row for row in rows if row["method"] == of and where(row, pick)]
        return rows + put(**cells)(
            [{**row, "method": "sgd", "lr": 0.1, "seed": row["seed"] + more} for row in taken], pick
        )

    return lie


def other_run(more: int) -> Lies:
    """A lie that appends another run of the same methods, its seeds numbered from ``more``."""

    def lie(rows: Rows, pick: Pick) -> Rows:
        seeds, epochs = 1 + max(row["seed"] for row in rows), max(row["epoch"] for row in rows)
        return rows + [{**row, "seed": row["seed"] + more} for row in sound(seeds, epochs, chance=99)]

    return lie


def drop_rate(rows: Rows, pick: Pick) -> Rows:
    """The column of learning rates dropped."""
    return [without(row, "lr") for row in rows]


def named(names: dict[str, str], method: str | None = None) -> Lies:
    """A lie on the names of columns, in the rows of a method or of both."""
    return lambda rows, pick: [
        {names.get(name, name): cell for name, cell in row.items()}
        if method in (None, row["method"])
        else row
        for row in rows
    ]


def texts(change: Callable[[str], Any]) -> Liars:
    """A lie on the text of every file."""
    return lambda files, pick: {name: change(text) for name, text in files.items()}


def one_of(choices: str | Sequence[str], change: Callable[[str, str], str]) -> Liars:
    """A lie on every text with one of several signs."""
    return lambda files, pick: (lambda sign: texts(lambda text: change(text, sign))(files, pick))(
        pick.chance.choice(choices)
    )


def one_file(change: Callable[[str, str], Files]) -> Liars:
    """A lie on the file of one seed of sgd, given its name and text."""
    return lambda files, pick: {**files, **change(name := f"sgd-seed{pick.seed}.csv", files[name])}


def moved(files: Files, pick: Pick) -> Files:
    """Half of the runs of sgd in a folder of their own."""
    into = {f"sgd-seed{seed}.csv": f"slow/sgd-seed{seed}.csv" for seed in pick.half}
    return {into.get(name, name): text for name, text in files.items()}


def inserted(line: str | None) -> Liars:
    """A line more in the middle of every file; its header where none is given."""

    def change(text: str) -> str:
        lines = text.splitlines()
        return "\n".join([*lines[: len(lines) // 2], line or lines[0], *lines[len(lines) // 2 :]]) + "\n"

    return texts(change)


def delimited(text: str, sign: str) -> str:
    """Another sign between cells."""
    return text.replace(",", sign)


def indexed(text: str, name: str, *more: str) -> str:
    """A text with a column of row numbers before the others."""
    return "\n".join(
        [*(f"{row - 1 if row else name},{line}" for row, line in enumerate(text.splitlines())), *more]
    )


def timed(text: str) -> str:
    """A text with a column of the time at which each row was logged."""
    return "".join(f"{line},{f'10:{row}:00' if row else 'time'}\n" for row, line in enumerate(text.split()))


def value(change: Callable[[float], Any]) -> Callable[[Row], Any]:
    return lambda row: change(row["val_acc"])


def share(row: Row) -> float:
    return round(row["val_acc"] / 100, 6)


def comma(row: Row) -> str:
    return str(row["val_acc"]).replace(".", ",")


def grouped(sign: str, point: str) -> Callable[[Row], str]:
    return lambda row: f"{1000 * row['val_acc']:,.1f}".translate({ord(","): sign, ord("."): point})


NAN, NFC, NFD = float("nan"), unicodedata.normalize("NFC", "sgdé"), unicodedata.normalize("NFD", "sgdé")
REWARD, ERROR = named({"val_acc": "reward"}), named({"val_acc": "val_err"})

# fmt: off
LIES: dict[str, tuple[Lie, ...]] = {
    "Parameters and methods": (
        Lie("the column of a learning rate dropped whose values share their seeds", NAMED, REFUSED, "--method-from",
            both(other_run(0), drop_rate)),
        Lie("the column of a learning rate dropped whose values have seeds of their own", NAMED, BELIEVED, "method = method ·",
            both(other_run(50), drop_rate)),
        Lie("another learning rate in half of the seeds", NAMED, WARNED, "told apart by lr", put(half, lr=0.3)),
        Lie("a learning rate empty in half of the seeds", NAMED, WARNED, "told apart by lr", put(half, lr="")),
        Lie("a learning rate written 0.1 and 1e-1", NAMED, SAME, "", put(half, lr="1e-1")),
        Lie("two learning rates, one of them written in two ways", NAMED, WARNED, "told apart by lr",
            both(put(lr="3e-1"), put(half, lr="0.3"), put(one_seed, lr=0.01))),
        Lie("a second column of methods", NAMED, WARNED, "told apart by optimizer", by_half("optimizer", "a", "b")),
        Lie("a tag that differs in half of the seeds", NAMED, WARNED, "told apart by tag", by_half("tag", "old", "new")),
        Lie("a version that differs in half of the seeds", NAMED, WARNED, "told apart by version", by_half("version", 1, 2)),
        Lie("a number of a name nobody knows that differs in half of the seeds", ("finals",), REFUSED,
            "--method-from method,coarseness", by_half("coarseness", 4, 64)),
        Lie("a truth that differs in half of the seeds", ("finals",), WARNED, "told apart by clipped",
            by_half("clipped", True, False)),
        Lie("two learning rates in nested settings", ("jsonl",), WARNED, "told apart by critic.lr, actor.lr",
            both(by_half("critic", {"lr": 1}, {"lr": 2}), put(actor=lambda row: {"lr": row["seed"] % 2}))),
        Lie("half of the runs in a folder of their own", ("logs",), WARNED, "several folders", files=moved),
        Lie("a method called sgd and SGD", EVERY, WARNED, "differ in case", put(half, method="SGD")),
        Lie("a method's name with one space and with two", NAMED, WARNED, "differ in case", by_half("method", "s  gd", "s gd")),
        Lie("a method's é as one sign (NFC) and as two (NFD)", NAMED, WARNED, "differ in case", by_half("method", NFC, NFD)),
        Lie("a space behind a method's name", NAMED, REFUSED, "differ in spaces", put(half, method="sgd ")),
        Lie("no method in the rows of a seed", NAMED, REFUSED, "the method has no name", put(one_seed, method="")),
        Lie("nan as the method of a seed", NAMED, REFUSED, "the method has no name", put(one_seed, method="nan")),
    ),
    "Seeds": (
        Lie("a curve copied under another number", CURVES, REFUSED, "identical to the last bit", copied()),
        Lie("a final value copied under another number", ("finals",), BELIEVED, "seed = seed", copied()),
        Lie("a curve copied and rounded", CURVES, WARNED, "agree to 5 digits everywhere",
            copied(val_acc=value(lambda x: round(x, 3)))),
        Lie("a curve copied with another beginning", CURVES, WARNED, "agree to 5 digits in their second half",
            copied(val_acc=lambda row: row["val_acc"] - (row["epoch"] == 1))),
        Lie("a curve of another method copied", CURVES, WARNED, "can be found in", copied(of="adam")),
        Lie("all final values copied under other numbers", ("finals",), WARNED, "each several times", copied(where=every)),
        Lie("another run appended, with the same seeds", ("table", "finals", "logs", "jsonl"), REFUSED, "--duplicates",
            other_run(0)),
        Lie("another run appended, with other seeds", EVERY, BELIEVED, "seed = ", other_run(50)),
        Lie("every row twice", ("table", "finals", "logs", "jsonl"), REFUSED, "--duplicates", lambda rows, pick: rows + rows),
        Lie("a seed missing from one method", EVERY, WARNED, "Some seeds are missing", drop(one_seed)),
        Lie("no number in a seed's cells", NAMED, REFUSED, "have no seed", put(one_seed, seed="")),
        Lie("the word mean as a seed", ("finals",), REFUSED, "leave the row out", put(last, seed="mean")),
    ),
    "Steps": (
        Lie("epochs of one method counted from 0", STEPS, REFUSED, "from 0, the other from 1",
            put(epoch=lambda row: row["epoch"] - 1)),
        Lie("epochs of one seed counted from 0", STEPS, REFUSED, "--grid shift",
            put(one_seed, epoch=lambda row: row["epoch"] - 1)),
        Lie("all epochs counted from 0", CURVES, BELIEVED, "step = epoch 0…", everywhere(epoch=lambda row: row["epoch"] - 1)),
        Lie("epochs of one method multiplied by 100", STEPS, REFUSED, "measured at different places",
            put(epoch=lambda row: row["epoch"] * 100)),
        Lie("all epochs multiplied by 100", CURVES, BELIEVED, "step = epoch 100…",
            everywhere(epoch=lambda row: row["epoch"] * 100)),
        Lie("an epoch that stands still, beside a count of steps", LONG, REFUSED, "is there twice",
            both(everywhere(step=lambda row: 100 * row["epoch"]), everywhere(epoch=lambda row: 0))),
        Lie("a curve that ends early", CURVES, REFUSED, "--lengths", drop(after)),
        Lie("the names of seed and epoch exchanged", LONG, BELIEVED, "step = epoch 0…",
            named({"seed": "epoch", "epoch": "seed"})),
        Lie("the names of epoch and metric exchanged", STEPS, REFUSED, "--", named({"epoch": "val_acc", "val_acc": "epoch"})),
        Lie("the names of method and seed exchanged", NAMED, REFUSED, "-from", named({"method": "seed", "seed": "method"})),
    ),
    "Units and directions": (
        Lie("percentages in one method, shares in the other", EVERY, REFUSED, "as a share of 1", put(val_acc=share)),
        Lie("percentages and shares within a method", EVERY, REFUSED, "as a share of 1", put(half, val_acc=share)),
        Lie("a curve that goes on in shares", CURVES, REFUSED, "as a share at some steps", put(after, val_acc=share)),
        Lie("an error in percent in one method, as a share in the other", CELLS, REFUSED, "as a share of 1",
            both(everywhere(val_acc=value(lambda x: 100 - x)), put(val_acc=share), ERROR)),
        Lie("all percentages as shares", EVERY, BELIEVED, "share)", everywhere(val_acc=share)),
        Lie("a percentage above 100", CURVES, WARNED, "which no share can be", put(inside, val_acc=value(lambda x: 100 * x))),
        Lie("-1 where nothing was measured", EVERY, WARNED, "which no share can be", put(last, val_acc=-1)),
        Lie("an accuracy called an error", CELLS, BELIEVED, "val_err (lower is better", ERROR),
        Lie("a metric whose name says no direction", CELLS, REFUSED, "better high or low", named({"val_acc": "quality"})),
        Lie("another name of the metric in one method", ("logs", "jsonl"), WARNED, "has no val_acc",
            named({"val_acc": "val_accuracy"}, "sgd")),
        Lie("the names of metric and learning rate exchanged", LONG, BELIEVED, "val_acc (higher is better, by its name; share)",
            named({"lr": "val_acc", "val_acc": "lr"})),
        Lie("the names of final value and learning rate exchanged", ("finals",), REFUSED, "another in every run",
            named({"lr": "val_acc", "val_acc": "lr"})),
    ),
    "Values": (
        Lie("NaN at a seed's first epoch", CURVES, WARNED, "some seed was not measured", put(first, val_acc=NAN)),
        Lie("NaN inside a curve", CURVES, WARNED, "diverged", put(inside, val_acc=NAN)),
        Lie("NaN at the end", EVERY, WARNED, "diverged", put(last, val_acc=NAN)),
        Lie("an empty cell inside a curve", CURVES, REFUSED, "--grid intersection", put(inside, val_acc=None)),
        Lie("NA for a value of a curve", CURVES, REFUSED, "--lengths", put(last, val_acc="NA")),
        Lie("NA for a final value", ("finals",), WARNED, "Some seeds are missing", put(last, val_acc="NA")),
        Lie("a word for a value", EVERY, REFUSED, "is not a number", put(last, val_acc="none")),
        Lie("percent signs", EVERY, REFUSED, "percent signs", everywhere(val_acc=value("{}%".format))),
        Lie("percent signs in one method", EVERY, REFUSED, "percent signs", put(val_acc=value("{}%".format))),
        Lie("one percent sign", EVERY, REFUSED, "percent signs", put(last, val_acc=value("{} %".format))),
        Lie("decimal commas", EVERY, REFUSED, "decimal commas", everywhere(val_acc=comma)),
        Lie("decimal commas in one method", EVERY, REFUSED, "decimal commas", put(val_acc=comma)),
        Lie("commas between thousands", NAMED, REFUSED, "thousands", both(everywhere(val_acc=grouped(",", ".")), REWARD)),
        Lie("points between thousands", NAMED, REFUSED, "thousands", both(everywhere(val_acc=grouped(".", ",")), REWARD)),
        Lie("spaces between thousands", NAMED, REFUSED, "thousands", both(everywhere(val_acc=grouped(" ", ".")), REWARD)),
        Lie("points between thousands of whole numbers, smaller ones beside them", ("table", "finals"), REFUSED, "thousands?",
            both(everywhere(val_acc=value(lambda x: int(3 * x))), put(val_acc=value("{}.125".format)), REWARD)),
        Lie("points between thousands of whole numbers, none smaller", CELLS, BELIEVED, "reward (higher is better",
            both(everywhere(val_acc=value("{:.3f}".format)), REWARD)),
    ),
    "Files": (
        Lie("rows in another order", EVERY, SAME, "", lambda rows, pick: pick.chance.sample(rows, len(rows))),
        Lie("a column of dates", LONG, SAME, "", everywhere(date=lambda row: f"2026-01-01 00:{row['epoch']:02}")),
        Lie("a column of times", ("wide", "logs"), SAME, "", files=texts(timed)),
        Lie("columns in another order", NAMED, SAME, "", lambda rows, pick: [dict(sorted(row.items())) for row in rows]),
        Lie("the header again in the middle", CELLS, REFUSED, "is the header again", files=inserted(None)),
        Lie("a comment in the middle", CELLS, REFUSED, "is not that of the header", files=inserted("# resumed")),
        Lie("semicolons or tabs between cells", TEXT, SAME, "", files=one_of(";\t", delimited)),
        Lie("spaces, bars or colons between cells", TEXT, REFUSED, "separated by", files=one_of(" |:", delimited)),
        Lie("semicolons in the header alone", CELLS, REFUSED, "is not that of the header",
            files=texts(lambda text: text.replace(",", ";", text.split("\n")[0].count(",")))),
        Lie("a spreadsheet's line sep=;", TEXT, SAME, "", files=texts(lambda text: "sep=;\n" + text.replace(",", ";"))),
        Lie("spaces around cells", TEXT, SAME, "", files=texts(lambda text: text.replace(",", " , "))),
        Lie("quotes around cells", TEXT, SAME, "",
            files=texts(lambda text: "".join('"' + line.replace(",", '","') + '"\n' for line in text.split()))),
        Lie("a byte order mark", EVERY, SAME, "", files=texts(lambda text: text.encode("utf-8-sig"))),
        Lie("UTF-16 with a byte order mark", EVERY, SAME, "", files=texts(lambda text: text.encode("utf-16"))),
        Lie("UTF-16 without one", TEXT, REFUSED, "UTF-16", files=texts(lambda text: text.encode("utf-16-le"))),
        Lie("Latin-1", NAMED, REFUSED, "is not UTF-8 text", put(method="sgdé"), texts(lambda text: text.encode("latin-1"))),
        Lie("ends of lines of Windows, or of an old Mac", TEXT, SAME, "",
            files=one_of(["\r\n", "\r"], lambda text, sign: text.replace("\n", sign))),
        Lie("rows of empty cells at the end", TEXT, SAME, "",
            files=texts(lambda text: text + 2 * ("," * text.split("\n")[0].count(",") + "\n"))),
        Lie("an index without a name, or Unnamed: 0", TEXT, SAME, "", files=one_of(["", "Unnamed: 0"], indexed)),
        Lie("rows of means below an index without a name", ("finals",), REFUSED, "the first column has no name",
            files=texts(lambda text: indexed(text, "", "mean,sgd,0.1,99,60"))),
        Lie("a column's name twice", CELLS, REFUSED, "is there twice",
            files=texts(lambda text: "".join(f"{line},{line.split(',')[-1]}\n" for line in text.split()))),
        Lie("a name twice in an object", ("jsonl",), REFUSED, "is there twice in one object",
            files=texts(lambda text: text.replace("}", ', "val_acc": 12.5}'))),
        Lie("a last line that is cut off", ("table", "finals", "jsonl"), REFUSED, "line",
            files=texts(lambda text: text[: text.rindex(",")])),
        Lie("a last number that is cut off", CELLS, BELIEVED, "val_acc (higher is better", files=texts(lambda text: text[:-3])),
        Lie("an empty file", ("logs",), REFUSED, "is empty", files=one_file(lambda name, text: {name: ""})),
        Lie("a file with its header alone", ("logs",), REFUSED, "has no rows",
            files=one_file(lambda name, text: {name: text.split("\n")[0]})),
        Lie("a copy made by a file manager", ("logs",), REFUSED, "cannot be told",
            files=one_file(lambda name, text: {name.replace(".csv", " (1).csv"): text})),
        Lie("an older run in a folder beside", ("logs",), REFUSED, "--duplicates",
            files=one_file(lambda name, text: {f"old/{name}": text})),
    ),
}
# fmt: on
EVERY_LIE = [lie for lies in LIES.values() for lie in lies]
