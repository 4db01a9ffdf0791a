"""``amrobust data`` as a user types it."""

import json

import pytest
from click.testing import CliRunner

from amrobust.cli import main
from amrobust.workloads import catalogue, data
from amrobust.workloads.catalogue import Source


@pytest.fixture(autouse=True)
def _no_setting(monkeypatch, tmp_path):
    monkeypatch.setenv(data.ENVIRONMENT, str(tmp_path / "unused"))


def amrobust(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments], catch_exceptions=False)


def test_list_says_what_is_there_and_where(tmp_path):
    (tmp_path / "libsvm").mkdir()
    (tmp_path / "libsvm" / "a5a").touch()
    done = amrobust("data", "list", "--data-dir", tmp_path)
    assert done.exit_code == 0
    assert str(tmp_path) in done.stdout
    lines = {line.split()[0]: line for line in done.stdout.splitlines()[1:]}
    assert "present" in lines["a5a"]
    assert all("absent" in lines[name] for name in catalogue.DATA_SETS if name != "a5a")
    rows = json.loads(amrobust("data", "list", "--data-dir", tmp_path, "--format", "json").stdout)
    assert {row["name"] for row in rows["data_sets"]} == set(catalogue.DATA_SETS)


def test_fetch_ends_in_one_line_where_there_is_no_network(tmp_path, monkeypatch):
    offline = catalogue.DataSet(
        "offline", "", "f", {"x": "md5:0"}, 10, (Source("http://127.0.0.1:9/x", "0", 10),)
    )
    monkeypatch.setattr(catalogue, "DATA_SETS", {"offline": offline})
    done = amrobust("data", "fetch", "offline", "--data-dir", tmp_path)
    assert done.exit_code == 1
    assert "cannot be fetched" in done.stderr
    assert str(tmp_path / "f") in done.stderr


def test_fetch_of_an_unknown_set_is_bad_usage():
    done = amrobust("data", "fetch", "fashion")
    assert done.exit_code == 2
    assert "did you mean 'fashion-mnist'" in done.stderr


def test_fetch_of_what_is_put_there_by_hand_says_where_to():
    done = amrobust("data", "fetch", "imagenet")
    assert done.exit_code == 2
    assert "https://image-net.org" in done.stderr
    assert "imagenet/train/CLASS/" in done.stderr
    assert done.stderr.count("\n") == 1
