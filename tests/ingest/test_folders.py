"""Folders that may tell methods apart: what would be one method in several of them is refused, with hints that work."""

import re

import numpy as np
import pytest

from amrobust.errors import UserError
from amrobust.ingest.assemble import gather
from amrobust.ingest.logged import LoggedRun
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.policies import Policies


def gathered(paths, fields=None, policies=None, **mappings):
    logged = [
        LoggedRun(path, (fields or {}) | {"name": path}, {"loss": (np.arange(3.0), np.arange(3.0) + i)})
        for i, path in enumerate(paths)
    ]
    return gather(logged, Mappings(**mappings), policies or Policies(), "log")


def methods(paths, *arguments, **mappings):
    found = gathered(paths, *arguments, **mappings).methods
    return {(one.workload, one.method): one.seeds for one in found}


def grid(form):
    """Paths of two outer and two inner folders, each pair with three seeds of its own."""
    pairs = [(outer, inner) for outer in ("adam", "sgd") for inner in ("lr0.1", "lr0.01")]
    return [
        form.format(outer, inner, 3 * k + seed) for k, (outer, inner) in enumerate(pairs) for seed in range(3)
    ]


LAYOUTS = (
    "{}/{}/seed_{}/progress.csv",
    "{}/{}/seed={}.csv",
    "{}/bs32_{}_seed{}/metrics.jsonl",
    "{}/{}/s{}/m.csv",
)


@pytest.mark.parametrize("form", LAYOUTS)
def test_runs_in_folders_of_several_runs_are_refused_with_hints_that_work(form):
    paths = grid(form)
    with pytest.raises(
        UserError, match=r"would be one method, and its 6 runs lie in .* \(adam, sgd\)"
    ) as error:
        gathered(paths)
    pattern = re.search("--method-from '([^']*)'", str(error.value))[1]
    found = methods(paths, method_from=pattern)
    assert len(found) == 4
    assert all(len(seeds) == 3 for seeds in found.values())
    workload = re.search("--workload-from '([^']*)'", str(error.value))[1]
    assert {where for where, _ in methods(paths, workload_from=workload)} == {"adam", "sgd"}
    assert {len(seeds) for seeds in methods(paths, nuisances=frozenset({"path"})).values()} == {6}


def test_a_single_run_in_another_folder_is_not_pooled_either():
    paths = [f"{'adam' if seed < 3 else 'sgd'}/lr0.1/seed_{seed}/m.csv" for seed in range(4)]
    with pytest.raises(UserError, match=r"its 4 runs lie in several folders \(adam, sgd\)"):
        gathered(paths)


def test_seeds_that_clash_in_several_folders_are_no_repeats_either():
    paths = [f"{m}/lr0.1/seed_{s}/m.csv" for m in ("adam", "sgd") for s in range(3)]
    with pytest.raises(UserError, match=r"\(adam, sgd\).*--method-from"):
        gathered(paths, policies=Policies(duplicates="first"))


def test_a_field_as_the_method_says_nothing_of_folders():
    paths = [f"lr{lr}/{seed}/m.csv" for lr, seed in ((0.1, 0), (0.1, 1), (0.01, 2), (0.01, 3))]
    for said in ({}, {"method_from": "optimizer"}):
        with pytest.raises(UserError, match=r"sgd would be one method.*\(lr0.1, lr0.01\)"):
            gathered(paths, {"optimizer": "sgd"}, seed_from=r"re:/(\d+)/", **said)


@pytest.mark.parametrize(
    "form",
    [
        "2026-01-0{day}/sgd-seed{seed}.csv",
        "20260{day}01_101010/{seed}/sgd-seed{seed}.csv",
        "2026-01-0{day}/10-00-0{day}/{job}/sgd-seed{seed}.csv",
        "id{seed}x/sgd-seed{seed}.csv",
        "seed{seed}/sgd-seed{seed}.csv",
    ],
)
def test_dates_and_folders_of_one_run_are_none_of_the_method(form):
    paths = [form.format(seed=seed, day=seed // 2 + 1, job=seed % 2) for seed in range(4)]
    assert methods(paths) == {("log", "sgd"): (0, 1, 2, 3)}


@pytest.mark.parametrize("form", ["{}-{}/{}/eval.csv", "{}/{}/{}/eval.csv"])
def test_a_pattern_that_is_proposed_makes_no_method_of_a_seed_and_pools_no_folders(form):
    with pytest.raises(UserError, match="If the path says it") as error:
        methods_with_seeds(grid(form))
    pattern = re.search("--method-from '([^']*)'", str(error.value))[1]
    found = methods_with_seeds(grid(form), method_from=pattern)
    assert len(found) == 4
    assert all(len(seeds) == 3 for seeds in found.values())


def methods_with_seeds(paths, **mappings):
    """As :func:`methods`, where the seeds are recorded."""
    logged = [
        LoggedRun(path, {"seed": path.split("/")[-2]}, {"loss": (np.arange(3.0), np.arange(3.0) + i)})
        for i, path in enumerate(paths)
    ]
    found = gather(logged, Mappings(**mappings), Policies(), "log").methods
    return {(one.workload, one.method): one.seeds for one in found}


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (["lr0.1_seed0.csv", "lr0.2_seed1.csv"], "lr0.1, lr0.2"),
        (["wd=1e-4/lr0.1/seed0.csv", "wd=1e-4/lr0.2/seed1.csv"], "lr0.1, lr0.2"),
        (["adam_bs64_seed0.csv", "adam_bs64_seed1.csv", "adam_bs128_seed2.csv"], "bs64, bs128"),
        (["cosine_seed0.csv", "linear_seed1.csv"], "cosine, linear"),
        (["cosine/seed0.csv", "linear/seed1.csv"], "cosine, linear"),
    ],
)
def test_paths_that_name_settings_are_not_pooled_though_a_field_names_the_method(paths, said):
    adam = {"optimizer": "adam"}
    with pytest.raises(UserError, match=rf"adam would be one method.*\({said}\)") as error:
        gathered(paths, adam)
    pattern = re.search("--method-from '([^']*)'", str(error.value))[1]
    assert len(methods(paths, adam, method_from=pattern)) == 2
    assert len(methods(paths, adam, nuisances=frozenset({"path"}))) == 1


def test_a_pattern_is_proposed_by_which_no_settings_are_pooled():
    paths = [
        f"{m}/{lr}/seed_{s}.csv"
        for m in ("adam", "sgd")
        for lr, s in ((0.1, 0), (0.1, 1), (0.01, 5), (0.01, 6))
    ]
    with pytest.raises(UserError, match="If the path says it") as error:
        gathered(paths)
    pattern = re.search("--method-from '([^']*)'", str(error.value))[1]
    assert {len(seeds) for seeds in methods(paths, method_from=pattern).values()} == {2}


@pytest.mark.parametrize("form", ["{env}/{method}_{seed}", "seed{seed}/{method}/x.csv"])
def test_environments_and_seeds_before_the_method_are_no_methods(form):
    paths = [form.format(env="Hopper-v4", method=m, seed=s) for m in ("ppo", "sac") for s in range(3)]
    with pytest.raises(UserError, match="If the path says it") as error:
        gathered(paths)
    pattern = re.search("--method-from '([^']*)'", str(error.value))[1]
    found = methods(paths, method_from=pattern)
    assert {method: seeds for (_, method), seeds in found.items()} == {"ppo": (0, 1, 2), "sac": (0, 1, 2)}


def test_seeds_that_paths_say_and_fields_do_not_are_named():
    paths = [f"adam/seed{s}/log.csv" for s in range(3)]
    with pytest.raises(UserError, match="the paths say other seeds") as error:
        gathered(paths, {"optimizer": "adam", "seed": "42"})
    said = re.search("--seed-from '([^']*)'", str(error.value))[1]
    assert methods(paths, {"optimizer": "adam", "seed": "42"}, seed_from=said) == {("log", "adam"): (0, 1, 2)}


@pytest.mark.parametrize("form", ["{}/version_{}/metrics.csv", "{}/{}a2b-{}.txt", "{}/{}/log.csv"])
def test_runs_without_seeds_are_given_a_pattern_and_an_option_that_work(form):
    """Folders of Lightning and files called by hashes: neither a name, a folder nor a file of a run is a method."""
    paths = [form.format(method, *[seed] * 2) for method in ("adam", "sgd") for seed in range(3)]
    with pytest.raises(
        UserError, match=r"every run is a seed: --method-from .* --missing-seeds number$"
    ) as refused:
        methods(paths)
    pattern = re.search("--method-from '(.*)' --missing", str(refused.value))[1]
    found = gathered(paths, policies=Policies(missing_seeds="number"), method_from=pattern)
    assert {one.method: one.seeds for one in found.methods} == {"adam": (0, 1, 2), "sgd": (0, 1, 2)}
    assert "seed = number, in the order of their start" in found.read


def test_a_pattern_that_would_make_a_method_of_every_run_is_not_proposed():
    paths = [f"{method}/version_{seed}/metrics.csv" for method in ("adam", "sgd") for seed in range(3)]
    named = [
        LoggedRun(path, {"name": path.split("/")[1]}, {"loss": (np.arange(3.0), np.arange(3.0) + i)})
        for i, path in enumerate(paths)
    ]
    with pytest.raises(UserError, match=r"version_0 would be one method") as refused:
        gather(named, Mappings(method_from="name"), Policies(), "log")
    pattern = re.search("--method-from '(.*?)'", str(refused.value))[1]
    found = gather(named, Mappings(method_from=pattern), Policies(missing_seeds="number"), "log")
    assert [one.method for one in found.methods] == ["adam", "sgd"]
