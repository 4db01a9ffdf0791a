"""The forms of tables: long, tidy, a column per seed, a column per step; and what is none of them."""

import numpy as np
import pytest

from amrobust.errors import UserError
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.read import read_path
from amrobust.runs.values import absent


def read(tmp_path, text, name="table.csv", **mappings):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return {m.method: m for m in read_path(path, mappings=Mappings(**mappings))[0].methods}


def test_tidy_with_a_column_a_metric(tmp_path):
    found = read(
        tmp_path, "optimizer,seed,epoch,acc,loss\na,0,1,5,1\na,0,2,6,.5\na,1,1,5.5,1\na,1,2,6.5,.6\n"
    )
    assert found["a"].curves["acc"].tolist() == [[5, 6], [5.5, 6.5]]
    assert [m.name for m in found["a"].metrics] == ["acc", "loss"]


def test_a_column_of_words_tells_runs_apart(tmp_path):
    with pytest.raises(UserError, match="there 2 times"):
        read(tmp_path, "optimizer,tag,seed,epoch,acc\na,x,0,1,5\na,y,0,1,6\n")
    found = read(
        tmp_path, "optimizer,tag,seed,epoch,acc\na,x,0,1,5\na,y,0,1,6\n", method_from="optimizer,tag"
    )
    assert list(found) == ["a[tag=x]", "a[tag=y]"]


def test_a_column_of_numbers_and_few_words_names_runs_where_it_is_asked_to(tmp_path):
    text = "opt,lr,seed,epoch,acc\na,0.1,0,1,5\na,0.2,0,1,6\na,auto,0,1,7\n"
    with pytest.raises(UserError, match=r"line 4: lr 'auto' is not a number.*name it in --method-from"):
        read(tmp_path, text)
    assert list(read(tmp_path, text, method_from="opt,lr")) == ["a[lr=0.1]", "a[lr=0.2]", "a[lr=auto]"]


def test_a_number_may_name_a_method(tmp_path):
    found = read(tmp_path, "opt,lr,seed,epoch,acc\na,0.1,0,1,5\na,0.2,0,1,6\n", method_from="opt,lr")
    assert list(found) == ["a[lr=0.1]", "a[lr=0.2]"]


@pytest.mark.parametrize(
    "header",
    [
        "step,adam_seed0,adam_seed1,sgd_seed0",
        "epoch,adam seed=0,adam seed=1,sgd seed=0",
        "step,adam/rep0,adam/rep1,sgd/rep0",
        "step,adam (seed 0),adam (seed 1),sgd (seed 0)",
    ],
)
def test_a_column_a_seed(tmp_path, header):
    found = read(tmp_path, header + "\n1,5,6,7\n2,8,9,10\n")
    assert found["adam"].curves["value"].tolist() == [[5, 8], [6, 9]]
    assert found["sgd"].seeds == (0,)


@pytest.mark.parametrize(
    "header",
    ["step,adam_0,adam_1", "step,0,1", "epoch,lr=0.1,lr=0.2", "epoch,top1,top5", "step,am1_m3,am1_m5"],
)
def test_a_digit_is_no_seed_until_it_is_called_one(tmp_path, header):
    with pytest.raises(UserError, match="end in numbers, which may be seeds, settings or metrics"):
        read(tmp_path, header + "\n1,5,6\n2,8,9\n")
    found = read(tmp_path, header + "\n1,5,6\n2,8,9\n", seed_from=r"re:(\d+)$")
    assert [len(method.seeds) for method in found.values()] in ([2],)


def test_a_column_a_seed_of_the_method_that_the_file_is_called_after(tmp_path):
    found = read(tmp_path, "step,seed0,seed1,seed2\n1,5,6,7\n2,8,9,10\n", "adam.csv", metrics=("acc=value",))
    assert found["adam"].curves["acc"].shape == (3, 2)


def test_a_column_a_step(tmp_path):
    found = read(tmp_path, "method,seed,10,20,30\na,0,1,2,3\na,1,4,5,6\n")
    assert found["a"].steps == (10, 20, 30)
    assert found["a"].curves["value"].tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_delimiters_marks_and_an_index_of_pandas(tmp_path, delimiter):
    text = "\ufeff,method,seed,step,value\n0,a,0,1,5\n1,a,0,2,6\n".replace(",", delimiter)
    assert read(tmp_path, text)["a"].curves["value"].tolist() == [[5, 6]]


def test_a_folder_of_tables_named_after_their_runs(tmp_path):
    for method in ("adam", "sgd"):
        for seed in range(3):
            (tmp_path / f"{method}-seed{seed}.csv").write_text(f"epoch,loss\n1,{seed}\n2,{seed + 1}\n")
    found = {m.method: m for m in read_path(tmp_path)[0].methods}
    assert found["adam"].curves["loss"].tolist() == [[0, 1], [1, 2], [2, 3]]
    assert found["sgd"].seeds == (0, 1, 2)


def test_in_an_empty_cell_nothing_was_measured_and_nan_is_divergence(tmp_path):
    assert read(tmp_path, "method,seed,step,value\na,0,1,5\na,0,2,nan\n")["a"].diverged == (0,)
    found = read(tmp_path, "method,seed,step,value\na,0,1,5\na,0,2,\na,1,1,6\na,1,2,7\n")["a"]
    assert found.diverged == ()
    assert absent(found.curves["value"]).tolist() == [[False, True], [False, False]]
    found = read(tmp_path, "method,seed,epoch,acc,loss\na,0,1,5,\na,0,1,,1\na,0,2,6,\na,0,2,,2\n")["a"]
    assert {name: curve.tolist() for name, curve in found.curves.items()} == {
        "acc": [[5, 6]],
        "loss": [[1, 2]],
    }


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-inf"])
def test_words_for_what_is_no_number(tmp_path, word):
    found = read(tmp_path, f"method,seed,epoch,acc\na,0,1,5\na,0,2,{word}\n")["a"]
    assert found.diverged == (0,)
    assert not np.isfinite(found.curves["acc"][0, 1])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("method,seed,epoch,acc\n", "no rows"),
        ("method,seed\na,0\n", "neither steps nor final values"),
        ("method,seed,epoch,acc\na,0,1\n", "line 2"),
        ("method,method,epoch,acc\na,b,1,2\n", "there twice"),
        ("0.5,1.5,2.5\n0.6,1.6,2.6\n", "no header"),
        ("method,seed,step,value,extra\na,0,1,2,3\n", "'extra' is unknown"),
        ("method;seed;epoch;acc\na;0;1;90,4\na;0;2;91,0\n", r"acc have decimal commas \(90,4\)"),
        (
            "method,seed,epoch,acc\na,0,1,0.5\na,0,2,0.90.844\na,0,3,.7\n",
            "line 3: acc '0.90.844' is not a number.*2 of.*3",
        ),
        (
            "method,seed,epoch,acc\na,0,1,90.4%\na,0,2,91%\n",
            "line 2: the numbers of acc have percent signs.*--unit acc=%",
        ),
        ("method,seed,step,value\na,0,1,0.90.844\n", "line 2: value '0.90.844' is not a number"),
        ("method,seed,step,value\n" + "x" * 200_000 + ",0,1,2\n", "as CSV"),
        ("method,seed,step,value\na,0,1,2\nb,1,\x00,3\n", "line 3"),
    ],
)
def test_what_is_no_table_is_refused_in_a_line(tmp_path, text, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert "\x00" not in str(caught.value)


def test_names_with_escape_codes_are_shown_not_acted_on(tmp_path):
    with pytest.raises(UserError) as caught:
        read(tmp_path, "method,seed,step,value\n\x1b[31mred,0,1,2\n\x1b[31mred,0,1,3\n")
    assert "\x1b" not in str(caught.value)
    assert "\\x1b" in str(caught.value)


def test_text_that_is_not_utf_8(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b"method,seed,step,value\n\xe9,0,1,2\n")
    with pytest.raises(UserError, match="not UTF-8"):
        read_path(path)


def test_a_table_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    from amrobust.ingest import limits

    path = tmp_path / "x.csv"
    with path.open("wb") as file:
        file.truncate(limits.MAX_TEXT + 1)
    with pytest.raises(UserError, match="more than the 256,000,000"):
        read_path(path)


def test_a_parquet_file_that_announces_too_much(tmp_path, monkeypatch):
    import pyarrow
    import pyarrow.parquet

    from amrobust.ingest import parquet_tables

    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"method": ["a"] * 50, "seed": [0] * 50}), path)
    monkeypatch.setattr(parquet_tables, "MAX_TABLE_CELLS", 99)
    with pytest.raises(UserError, match="announces more than 99 cells"):
        read_path(path)


@pytest.mark.parametrize("clock", ["time (s)", "seconds", "Time", "samples", "wall_time"])
def test_a_clock_counts_steps_where_nothing_else_does(tmp_path, clock):
    rows = [
        f"{m},{s},{90 + s + t / 10},{10 * t + s / 7 + (m == 'b')}"
        for m in "ab"
        for s in (0, 1)
        for t in range(1, 5)
    ]
    found = read(tmp_path, "\n".join([f"method,seed,acc,{clock}", *rows]))
    assert found["a"].axis.name == clock.removesuffix(" (s)")
    assert found["a"].seeds == (0, 1)
    assert len(found["a"].steps) == 8
    # Of one row per run it is a result like others.
    finals = read(tmp_path, f"method,seed,acc,{clock}\na,0,91,5\na,1,92,6\nb,0,93,4\n")
    assert finals["a"].curves["acc"].tolist() == [[91], [92]]


def test_what_stands_in_brackets_behind_a_seed_tells_methods_apart(tmp_path):
    path = tmp_path / "power.csv"
    path.write_text(
        "step,A seed=1 [kWh],A seed=2 [kWh],B seed=1 [kWh],B seed=2 [kWh]\n1,3,4,5,6\n2,2,3,4,5\n"
    )
    methods = read_path(path)[0].methods
    assert {one.method: one.seeds for one in methods} == {"A [kWh]": (1, 2), "B [kWh]": (1, 2)}


def test_a_column_in_a_hint_is_quoted_for_the_shell(tmp_path):
    path = tmp_path / "finals.csv"
    path.write_text("optimizer,my seed no,accuracy\n" + "".join(f"sgd,{s},0.{s}\n" for s in range(1, 6)))
    with pytest.raises(UserError, match=r"--seed-from 'my seed no'"):
        read_path(path)


def test_a_log_of_keras_is_a_table_and_other_logs_are_none(tmp_path):
    for seed in (0, 1):
        folder = tmp_path / f"adam_seed{seed}"
        folder.mkdir()
        (folder / "training.log").write_text(f"epoch,loss,val_loss\n0,2,NA\n1,{seed},{seed + 1}\n")
        (folder / "train.log").write_text("epoch 1, loss 2\nepoch 2, loss 1\n")
        (folder / "empty.log").write_text("")
    found, form = read_path(tmp_path)
    assert form == "csv"
    assert {one.method: one.seeds for one in found.methods} == {"adam": (0, 1)}
    assert found.methods[0].curves["loss"].tolist() == [[2, 0], [2, 1]]


@pytest.mark.parametrize("form", ["0:00:{:02}", "2024-05-01T10:00:{:02}.5Z", "1 days 03:00:{:02}"])
def test_words_that_say_when_a_row_was_logged_name_no_runs(tmp_path, form):
    path = tmp_path / "adam_seed0.csv"
    path.write_text("epoch,passed,val_acc\n" + "".join(f"{e},{form.format(e)},0.{e}\n" for e in (1, 2, 3)))
    assert read_path(path)[0].methods[0].curves["val_acc"].tolist() == [[0.1, 0.2, 0.3]]


def test_a_ratio_is_no_time(tmp_path):
    path = tmp_path / "t.csv"
    rows = [f"adam,{ratio},{seed},{e},0.{e}" for ratio in ("1:10", "1:50") for seed in (0, 1) for e in (1, 2)]
    path.write_text("\n".join(["method,imbalance,seed,epoch,val_acc", *rows]))
    assert {one.method for one in read_path(path)[0].methods} == {
        "adam[imbalance=1:10]",
        "adam[imbalance=1:50]",
    }


@pytest.mark.parametrize("ends", [(True, True), (True, False)])
def test_a_truth_in_the_last_row_of_runs_says_that_they_ended(tmp_path, ends):
    path = tmp_path / "t.csv"
    rows = [f"adam,{s},{e},{e == 3 and ends[s]},{s + e}" for s in (0, 1) for e in (1, 2, 3)]
    path.write_text("\n".join(["method,seed,epoch,done,loss", *rows]))
    assert {one.method: one.seeds for one in read_path(path)[0].methods} == {"adam": (0, 1)}
    rows = [f"adam,{s},{e},{e > 1},{s + e}" for s in (0, 1) for e in (1, 2, 3)]
    path.write_text("\n".join(["method,seed,epoch,frozen,loss", *rows]))
    assert len(read_path(path)[0].methods) == 2
