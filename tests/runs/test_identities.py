"""Content digests do not move: identities of the committed reference runs, what a commit would write of them, declarations.

``identities.json`` beside this file is what they were. A change of one of them makes every run that there is another one.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_tunings import tuning

from amrobust.analysis import analysis_names, load_analysis, specs_of_setting
from amrobust.judge.declaration import digest_of
from amrobust.runs.find import MANIFEST
from amrobust.runs.manifest import Manifest, identity
from amrobust.runs.spec import Spec
from amrobust.runs.store import read_run
from amrobust.runs.tuning_record import TunedMethod, TuningFile, write_tuning

RUNS = Path(__file__).parents[2] / "reference_runs"
WERE = json.loads(Path(__file__).with_name("identities.json").read_text())


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", WERE["runs"])
def test_a_reference_run_is_what_it_was(name):
    manifest = read_run(RUNS / name).manifest
    found = {"identity": identity(manifest.spec, manifest.facts), "rewritten": sha256(manifest.to_json())}
    assert found == WERE["runs"][name]


def test_every_reference_run_is_held_to_it():
    assert {str(path.parent.relative_to(RUNS)) for path in RUNS.rglob(MANIFEST)} == set(WERE["runs"])


def test_a_manifest_with_a_tuning_and_a_file_of_it_are_written_as_they_were(tmp_path):
    manifest = read_run(RUNS / next(iter(WERE["runs"]))).manifest
    spec = Spec("digits", {"epochs": 4, "clip": None}, "am1", {"lr": 0.1, "m": 5}, 3, 1, True, "order")
    tuned: Manifest = replace(manifest, spec=spec, identity=identity(spec, manifest.facts), tuning=tuning())
    assert {"identity": tuned.identity, "rewritten": sha256(tuned.to_json())} == WERE["tuned"]
    file = TuningFile("digits", {"epochs": 4}, (TunedMethod("am1", {"lr": 0.1, "m": 5}, tuning()),))
    write_tuning(tmp_path / "t.json", file)
    content = json.loads((tmp_path / "t.json").read_text())
    del content["amrobust_version"], content["checksum"]
    assert sha256(json.dumps(content).encode()) == WERE["tuning file"]


@pytest.mark.parametrize("name", WERE["declarations"])
def test_a_shipped_analysis_declares_what_it_did(name):
    assert declaration(name) == WERE["declarations"][name]


def test_every_shipped_analysis_is_held_to_it():
    assert set(analysis_names()) == set(WERE["declarations"])


def declaration(name: str) -> str:
    analysis = load_analysis(name)
    settings = [(specs_of_setting(analysis, setting), setting.claims) for setting in analysis.settings]
    return digest_of(settings, analysis.selection, analysis.rules, analysis.seeds)
