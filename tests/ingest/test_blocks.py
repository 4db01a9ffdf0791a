"""Large tables, read block by block: the same columns, refusals and lines as small ones, whatever is in them."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amrobust.errors import UserError
from amrobust.ingest import column_builder, csv_blocks, csv_tables
from amrobust.ingest.logged import Wanted
from amrobust.ingest.tables import runs_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


@pytest.fixture(autouse=True)
def _small_blocks():
    """Blocks of a few lines, and few different cells make a column of numbers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_blocks, "BLOCK", 64)
        patch.setattr(csv_blocks, "ROWS", 3)
        for module in (csv_blocks, column_builder):
            patch.setattr(module, "FEW", 3)
        yield


def read(path, large, wanted=None):
    """What the runs of a table are, or why there are none."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_tables, "LARGE", 0 if large else 10**9)
        try:
            found = list(runs_of(csv_tables.read_table(path, path.name), wanted or Wanted()))
        except UserError as error:
            # Of what is no finite number, a column of numbers does not know how it was written.
            return str(error).replace("' '", "''").replace("'nan'", "nan").replace("'-inf'", "-inf")
    return [
        (
            run.fields,
            run.line,
            run.steps_in,
            {n: [a.tolist() for a in pair] for n, pair in run.series.items()},
        )
        for run in found
    ]


def both(folder, content, wanted=None):
    """What both ways say of a table, which has to be the same."""
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    small, large = read(path, False, wanted), read(path, True, wanted)
    np.testing.assert_equal(large, small)
    return large


def long_table(rows=40, cell=lambda row: f"{row / 7:.17g}", end="\n"):
    lines = [f"adam,{row // 20},{row % 20},{cell(row)},0.5" for row in range(rows)]
    return end.join(["method,seed,step,val_loss,val_acc", *lines, ""])


def test_large_ones_are_read_in_blocks_and_small_ones_are_not(folder, monkeypatch):
    blocks = []
    taken = csv_blocks.Rows._regular
    monkeypatch.setattr(
        csv_blocks.Rows, "_regular", lambda self, *block: blocks.append(taken(self, *block)) or blocks[-1]
    )
    both(folder, long_table())
    assert sum(blocks) == 40
    assert len(blocks) > 10


def test_a_column_a_step_is_read_as_a_whole_where_there_are_thousands(folder, monkeypatch):
    monkeypatch.setattr(csv_blocks, "Rows", None)
    header, row = ("method,seed," + ",".join(map(str, range(2500))), "a,0," + ",".join(["0.5"] * 2500))
    ((_, _, _, series),) = both(folder, f"{header}\n{row}\n")
    assert len(series["value"][1]) == 2500


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lines", "windows", "mac"])
def test_the_numbers_are_the_same_to_the_last_bit(folder, end):
    runs = both(folder, long_table(end=end))
    assert [len(series["val_loss"][1]) for _, _, _, series in runs] == [20, 20]
    assert runs[1][3]["val_loss"][1] == [row / 7 for row in range(20, 40)]
    assert [line for _, line, _, _ in runs] == [2, 22]


def test_without_a_line_break_at_the_end(folder):
    assert len(both(folder, long_table().rstrip("\n"))) == 2


@pytest.mark.parametrize(
    "word", ["nan", "NaN", "-inf", "Infinity", "1e400", "1_0", " 3.5 ", "+4", "", "  ", "١"]
)
def test_words_that_python_reads_as_numbers_or_nothing(folder, word):
    runs = both(folder, long_table(cell=lambda row: word if row == 30 else f"{row / 7:.17g}"))
    assert len(runs) == 2


@pytest.mark.parametrize("word", ["nan(ind)", "0.90.844", "0x1p3", "1e", "five"])
def test_a_mistyped_number_is_refused_with_its_line(folder, word):
    text = long_table(cell=lambda row: f'"{word}"' if row == 30 else f"{row / 7:.17g}")
    assert f"line 32: val_loss {word!r} is not a number, as 39 of the column's 40 cells are" in both(
        folder, text
    )


@pytest.mark.parametrize(
    ("word", "what"),
    [
        ("12,5", "decimal commas"),
        ("1,234.5", "thousands"),
        ("12.5%", "percent signs"),
        ("9 %", "percent signs"),
    ],
)
@pytest.mark.parametrize("name", ["val_loss", "value_seen"])
def test_a_number_as_people_write_it_is_refused_by_name(folder, word, what, name):
    text = long_table(cell=lambda row: f'"{word}"' if row == 30 else f"{row / 7:.17g}")
    message = both(folder, text.replace("val_loss", name))
    assert f"line 32: the numbers of {name} have " in message
    assert what in message


def test_a_header_again_and_rows_of_empty_cells(folder):
    lines = long_table().splitlines()
    again = [*lines[:30], lines[0], *lines[30:]]
    assert "line 31 is the header again" in both(folder, "\n".join(again))
    assert "line 31 is the header again" in both(folder, "\r\n".join(again))
    # Its words alone are none.
    assert len(both(folder, long_table().replace("adam", "method"))) == 2
    for end in ("\n", "\r\n"):
        for place in (1, 20, 41):
            runs = both(folder, end.join([*lines[:place], ",,,,", *lines[place:]]) + end * (place < 41))
            assert len(runs) == 2
            assert sum(len(series["val_acc"][0]) for *_, series in runs) == 40
    # A row of some empty cells is one.
    assert len(both(folder, "\n".join([*lines[:20], ",,,,0.5", *lines[20:]]))) == 3


def test_texts_of_other_programs(folder):
    text = long_table()
    runs = both(folder, text)
    assert both(folder, text.encode("utf-16")) == runs
    assert "UTF-16" in both(folder, text.encode("utf-16-le"))
    moved = [(fields, line + 1, *rest) for fields, line, *rest in runs]
    assert both(folder, "sep=;\n" + text.replace(",", ";")) == moved
    assert "separated by '|'" in both(folder, text.replace(",", "|"))
    indexed = "\n".join(f"{row},{line}" if row else f",{line}" for row, line in enumerate(text.split()))
    assert both(folder, indexed) == runs
    assert "the first column has no name, and words" in both(folder, indexed + "\nmean,sgd,0,1,1,1")


def test_points_between_thousands_are_asked_about_where_few_cells_differ(folder):
    text = long_table(cell=lambda row: ("1.050", "876", "2.125")[row % 3])
    assert "are these thousands?" in both(folder, text.replace("val_loss", "reward"))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (lambda row: f"{row}.5%", "line 2: the numbers of val_loss have percent signs"),
        (lambda row: f"{row},5", "decimal commas"),
    ],
    ids=["percent", "comma"],
)
def test_percent_signs_and_decimal_commas_are_refused_by_name(folder, cell, message):
    text = long_table().replace(",", ";").splitlines()
    lines = [";".join([*line.split(";")[:3], cell(row), "1"]) for row, line in enumerate(text[1:])]
    assert message in both(folder, "\n".join([text[0], *lines]))


def test_empty_lines_and_line_breaks_in_quotes_do_not_shift_the_lines_of_messages(folder):
    lines = long_table().splitlines()
    lines[8:8] = ["", '"two\nlines",7,1,0.5,0.5', ""]
    lines[20] = "adam,0"
    assert "line 22: the number of cells is not that of the header" in both(folder, "\n".join(lines))


@pytest.mark.parametrize("quoted", ['"adam"', '"ad""am"', 'ad"am', '"adam"x', '" a,b"'])
def test_quotes_in_every_place(folder, quoted):
    text = long_table().replace("adam", quoted)
    assert len(both(folder, text)) == 2


def test_a_setting_is_named_as_it_was_written(folder):
    lines = [
        f"a,{seed},{step},{lr},{step / 3}" for lr in ("0.10", "1e-3") for seed in (0, 1) for step in range(5)
    ]
    runs = both(folder, "\n".join(["method,seed,epoch,lr,loss", *lines]))
    assert {fields["lr"] for fields, *_ in runs} == {"0.10", "1e-3"}


@pytest.mark.parametrize(
    "content",
    [
        "method,seed,step,value\n",
        "a\n1\n\n2\n3\n",
        "\ufeffmethod,seed,step,value\na,0,1,2\n",
        "method,method,step,value\na,0,1,2\n",
        b"method,seed,step,value\na,0,1,2\n" * 1 + b"a,0,2,3\n" * 20 + b"\xe9,0,1,2\n",
        b"m\xe9thod,seed,step,value\na,0,1,2\n",
        'method,seed,step,value\n"a,0,1,2\n' + "a,0,1,2\n" * 30,
        "method,seed,step,value\n" + "".join(f"a,0,{row},\n" for row in range(30)),
        "method,seed,step,value\n" + "".join(f"a,0,x{row},1\n" for row in range(30)),
        "method,seed,step,value\n" + "".join(f"a,{row % 3},{row // 3},{row}\n" for row in range(40)),
    ],
)  # fmt: skip
def test_what_else_may_be_in_a_file(folder, content):
    both(folder, content)


CELLS = st.sampled_from(
    [
        "0",
        "1",
        "2.5",
        "0.1",
        "nan",
        "",
        " ",
        "x",
        "y",
        '"q"',
        '"a,b"',
        '"l\nm"',
        'st"ray',
        "1e5",
        "7%",
        "-inf",
        "3,5",
        "12345678",
    ]
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.lists(CELLS, min_size=4, max_size=4) | st.lists(CELLS, max_size=5), max_size=40),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["method,seed,step,value", "opt,seed,epoch,loss", "opt,lr,epoch,loss", "name,seed,a,b"]),
)
def test_any_table_reads_alike_in_blocks_and_as_a_whole(folder, rows, delimiter, end, header):
    lines = [header.replace(",", delimiter), *(delimiter.join(row) for row in rows)]
    both(folder, end.join(lines))


def test_rows_in_any_order_are_the_same_runs(folder):
    lines = long_table().splitlines()
    shuffled = lines[1:]
    random.Random(0).shuffle(shuffled)
    runs = {fields["seed"]: series for fields, _, _, series in both(folder, "\n".join([lines[0], *shuffled]))}
    for seed, series in runs.items():
        order = np.argsort(series["step"][1])
        np.testing.assert_array_equal(
            np.array(series["val_loss"][1])[order],
            [row / 7 for row in range(20 * int(seed), 20 * int(seed) + 20)],
        )


class TestLimits:
    def test_a_line_without_an_end_is_refused_before_it_is_in_memory(self, folder):
        assert "line 3: it has more than 64 bytes" in self.refused(
            folder, "m,seed,step,value\na,0,1,2\n" + "9" * 500
        )

    def test_too_many_cells_are_refused(self, folder, monkeypatch):
        monkeypatch.setattr(csv_blocks, "MAX_TABLE_CELLS", 100)
        assert self.refused(folder, long_table()).endswith("has more than 100 cells")

    def test_a_column_of_texts_that_never_repeat_is_refused_by_name(self, folder, monkeypatch):
        monkeypatch.setattr(column_builder, "MAX_TEXTS", 20)
        said = self.refused(folder, long_table(cell=lambda row: f"2026-01-01T00:00:{row}"))
        assert "val_loss has more than 20 different texts, such as '2026-01-01T00:00:0'" in said
        assert "leave that column out" in said

    def test_a_table_of_too_many_runs_is_refused_naming_the_column(self, folder, monkeypatch):
        from amrobust.ingest import rows, tables

        for module in (rows, tables):
            monkeypatch.setattr(module, "MAX_RUNS", 10)
        said = self.refused(folder, long_table(cell=lambda row: f"at {row}"))
        assert "tell 40 runs apart, more than the 10 that are read: leave out val_loss" in said
        said = self.refused(folder, "\n".join(["method,loss", *(f"a,{row}.5" for row in range(20))]))
        assert "20 rows and no column of steps: each would be a run, of which 10 are read" in said

    def refused(self, folder, text):
        path = folder / "table.csv"
        path.write_text(text)
        said = read(path, True)
        assert isinstance(said, str)
        assert "\n" not in said
        return said


def test_a_file_of_too_many_bytes_is_refused_before_it_is_read(folder):
    path = folder / "huge.csv"
    with path.open("wb") as file:
        file.write(b"method,seed,step,value\na,0,1,2\n")
        file.truncate(4_000_000_001)
    assert "has 4,000,000,001 bytes, more than the 4,000,000,000 that are read" in read(path, True)
    path.unlink()


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64"])
def test_categories_of_pandas_are_texts_in_parquet(folder, kind):
    import pyarrow
    import pyarrow.parquet

    from amrobust.ingest import parquet_tables

    texts = ["sgd", None, "am1", "sgd"] * 3
    codes = pyarrow.array([None if t is None else ["sgd", "am1"].index(t) for t in texts], kind)
    column = pyarrow.DictionaryArray.from_arrays(codes, ["sgd", "am1"])
    pyarrow.parquet.write_table(pyarrow.table({"method": column, "acc": range(12)}), folder / "t.parquet")
    table = parquet_tables.read_table(folder / "t.parquet", "t")
    assert list(table.columns["method"]) == texts


def test_parquet_keeps_whole_numbers_truths_texts_and_what_is_not_there(folder):
    import pyarrow
    import pyarrow.parquet

    from amrobust.ingest import parquet_tables

    columns = {
        "method": ["a", "b"] * 10,
        "nesterov": [True, False, None, True] * 5,
        "seed": list(range(20)),
        "value": [0.5, None, float("nan"), 1.0] + [row / 3 for row in range(16)],
    }
    table = pyarrow.table(columns)
    coded = table.set_column(0, "method", table["method"].dictionary_encode())
    for name, written in (("plain", table), ("coded", coded)):
        pyarrow.parquet.write_table(written, folder / f"{name}.parquet")
        found = parquet_tables.read_table(folder / f"{name}.parquet", name).columns
        for column, cells in columns.items():
            np.testing.assert_equal(list(found[column]), cells)
    assert isinstance(found["value"], column_builder.Numbers)
    assert [type(cell) for cell in found["nesterov"][:3]] == [bool, bool, type(None)]
