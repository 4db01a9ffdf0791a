"""Logs of reinforcement learning: an array per seed, Stable-Baselines3's files, a table a task in a folder per method."""

import json

import numpy as np
import pandas as pd
import pytest

from amrobust.errors import UserError
from amrobust.ingest.mappings import Mappings
from amrobust.ingest.naming import name_runs
from amrobust.ingest.read import read_path
from amrobust.ingest.registry import detect, get

IN_FILE_NAME = r"re:(?P<method>[^/_]+)_(?P<workload>[^/]+)_(?P<seed>\d+)\.\w+$"
IN_FOLDERS = r"re:(?P<method>[^/]+)/(?P<workload>[^/]+)_(?P<seed>\d+)$"


def methods_of(path, **mappings):
    gathered, _ = read_path(path, mappings=Mappings(**mappings))
    return {(m.method, m.workload): m for m in gathered.methods}


def monitor(path, episodes, started=100.0, env="Acrobot-v1"):
    path.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps({"t_start": started, "env_id": env})
    path.write_text(f"#{header}\nr,l,t\n" + "".join(f"{r},{steps},{t}\n" for r, steps, t in episodes))


class TestArraysOfOneSeed:
    @pytest.fixture
    def folder(self, tmp_path):
        for task in ("Hopper-v1", "Walker-v1"):
            (tmp_path / task).mkdir()
            for seed in range(3):
                np.save(tmp_path / task / f"TD3_{task}_{seed}.npy", np.arange(4.0) + 10 * seed)
        return tmp_path

    def test_their_steps_are_positions_and_their_names_say_the_rest(self, folder):
        gathered, form = read_path(folder, mappings=Mappings(method_from=IN_FILE_NAME))
        assert form == "npz"
        assert "step = position 0…3" in gathered.read
        assert f"workload, method, seed = groups of {IN_FILE_NAME}" in gathered.read
        assert [(m.workload, m.method, m.seeds) for m in gathered.methods] == [
            ("Hopper-v1", "TD3", (0, 1, 2)),
            ("Walker-v1", "TD3", (0, 1, 2)),
        ]
        assert gathered.methods[0].axis.label == "position"
        assert gathered.methods[0].curves["value"].tolist() == [
            [0, 1, 2, 3],
            [10, 11, 12, 13],
            [20, 21, 22, 23],
        ]

    def test_the_steps_between_them_can_be_said(self, folder):
        (first, _) = methods_of(folder, method_from=IN_FILE_NAME, step_from="every:5000").values()
        assert first.axis.label == "step"
        assert first.steps == (0, 5000, 10000, 15000)

    def test_without_an_option_the_message_has_one_that_works(self, folder):
        with pytest.raises(UserError, match="cannot be told: name it with --method-from") as refused:
            read_path(folder)
        option = str(refused.value).rpartition("--method-from ")[2].strip("'")
        assert list(methods_of(folder, method_from=option)) == [("TD3", "Hopper-v1"), ("TD3", "Walker-v1")]

    def test_the_word_seed_is_enough(self, tmp_path):
        for method in ("sgd", "adam"):
            for seed in (3, 4):
                np.save(tmp_path / f"{method}_seed{seed}.npy", np.arange(3.0) + seed)
        found = methods_of(tmp_path, workload_from="=digits")
        assert {key: m.seeds for key, m in found.items()} == {
            ("adam", "digits"): (3, 4),
            ("sgd", "digits"): (3, 4),
        }

    def test_nothing_is_unpickled(self, tmp_path):
        np.save(tmp_path / "sgd_seed0.npy", np.array([{"a": 1}], object))
        with pytest.raises(UserError, match="nothing is unpickled"):
            read_path(tmp_path)

    def test_arrays_with_their_steps_beside_them_are_the_metrics_of_one_run(self, tmp_path):
        for seed in (0, 1):
            np.savez(
                tmp_path / f"sgd_seed{seed}.npz",
                epoch=[1, 2],
                val_acc=[0.5, 0.6 + seed / 10],
                val_loss=[2.0, 1.0],
            )
        (method,) = methods_of(tmp_path).values()
        assert (method.seeds, method.steps, method.axis.label) == ((0, 1), (1, 2), "epoch")
        assert method.curves["val_acc"].tolist() == [[0.5, 0.6], [0.5, 0.7]]
        np.savez(tmp_path / "sgd_seed0.npz", val_acc=[0.5, 0.6])
        with pytest.raises(UserError, match=r"val_acc has the shape \(2,\).*an array of its steps beside it"):
            read_path(tmp_path)

    def test_an_option_of_its_own_goes_before_the_group(self, folder):
        found = methods_of(folder, method_from=IN_FILE_NAME, workload_from="re:^([^-]+)", seed_from="number")
        assert {key: m.seeds for key, m in found.items()} == {
            ("TD3", "Hopper"): (0, 1, 2),
            ("TD3", "Walker"): (0, 1, 2),
        }


class TestStableBaselines:
    def test_environments_of_one_training_are_joined_in_the_order_in_which_episodes_ended(self, tmp_path):
        run = tmp_path / "ppo" / "Acrobot-v1_1"
        monitor(run / "0.monitor.csv", [(-5, 10, 1.0), (-4, 20, 3.0)])
        monitor(run / "1.monitor.csv", [(-9, 7, 1.5), (-8, 5, 1.9)], started=100.5)
        found = methods_of(tmp_path, method_from=IN_FOLDERS, metrics=("episode_return",))
        (method,) = found.values()
        assert (method.method, method.workload, method.seeds) == ("ppo", "Acrobot-v1", (1,))
        assert method.steps == (10, 17, 22, 42)
        assert method.curves["episode_return"].tolist() == [[-5, -9, -8, -4]]
        assert (method.metrics[0].better, method.metrics[0].better_by) == ("higher", "source")

    def test_the_environment_in_the_header_is_the_workload(self, tmp_path):
        for seed in (0, 1):
            monitor(tmp_path / f"ppo_seed{seed}" / "monitor.csv", [(1 + seed, 10, 1.0), (2 + seed, 10, 2.0)])
        assert list(methods_of(tmp_path)) == [("ppo", "Acrobot-v1")]

    def test_monitors_with_names_of_their_own_are_trainings_of_their_own(self, tmp_path):
        for seed in (0, 1):
            monitor(tmp_path / f"ppo_seed{seed}.monitor.csv", [(1 + seed, 10, 1.0), (2 + seed, 10, 2.0)])
        (method,) = methods_of(tmp_path).values()
        assert method.seeds == (0, 1)
        assert method.curves["episode_return"].tolist() == [[1, 2], [2, 3]]

    def test_evaluations_are_means_over_their_episodes_and_go_before_the_monitor(self, tmp_path):
        run = tmp_path / "ppo_seed0"
        monitor(run / "monitor.csv", [(-5, 10, 1.0)])
        np.savez(
            run / "evaluations.npz",
            timesteps=[10, 20],
            results=[[1.0, 3.0], [4.0, 4.0]],
            ep_lengths=[[5, 7], [7, 9]],
        )
        gathered, form = read_path(tmp_path)
        assert form == "sb3"
        (method,) = gathered.methods
        assert method.steps == (10, 20)
        assert {name: c.tolist() for name, c in method.curves.items()} == {
            "eval/mean_reward": [[2, 4]],
            "eval/mean_ep_length": [[6, 8]],
        }
        assert any("left out beside evaluations" in note for note in gathered.notes)
        (method,) = methods_of(tmp_path, metrics=("episode_return",)).values()
        assert method.curves["episode_return"].tolist() == [[-5]]

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("#{\nr,l,t\n1,2,3\n", "line 1 is not the JSON"),
            ("#{}\nr,l\n1,2\n", "no column 't'"),
            ("#{}\nr,l,t\n", "no episode"),
            ("#{}\nr,l,t\n1,2,3\n1,x,3\n", "line 4: l 'x' is not a number"),
            ("#{}\nr,l,t\n1,2,3\n1,2\n", "the number of cells"),
        ],
    )
    def test_a_damaged_monitor_is_refused_in_a_line(self, tmp_path, text, message):
        path = tmp_path / "ppo_seed0" / "monitor.csv"
        path.parent.mkdir()
        path.write_text(text)
        with pytest.raises(UserError, match=message):
            read_path(tmp_path)

    def test_evaluations_of_another_shape_are_refused_with_it(self, tmp_path):
        np.savez(tmp_path / "evaluations.npz", timesteps=[10, 20], results=[[1.0, 3.0]])
        with pytest.raises(UserError, match=r"results has the shape \(1, 2\) beside 2 timesteps"):
            read_path(tmp_path)

    def test_arrays_that_happen_to_be_called_evaluations_are_arrays(self, tmp_path):
        np.savez(tmp_path / "evaluations.npz", sgd=np.ones((3, 2)), adam=np.ones((3, 2)))
        assert detect(tmp_path) == "npz"


def test_the_tools_own_table_of_progress_counts_in_total_timesteps(tmp_path):
    for seed in (0, 1):
        path = tmp_path / f"ppo_seed{seed}" / "progress.csv"
        path.parent.mkdir()
        rows = "".join(f"{t * 10 + seed},{90 + t},{2048 * t},0.001\n" for t in (1, 2))
        path.write_text("rollout/ep_rew_mean,time/fps,time/total_timesteps,train/learning_rate\n" + rows)
    (method,) = methods_of(tmp_path, metrics=("rollout/ep_rew_mean",)).values()
    assert (method.seeds, method.steps, method.axis.quantity) == ((0, 1), (2048, 4096), "step")
    assert method.curves["rollout/ep_rew_mean"].tolist() == [[10, 20], [11, 21]]


class TestPublicResults:
    """Excerpts of public result files get in with one option."""

    def test_td3(self, shared):
        root = shared("corpus/real/td3")
        found = methods_of(root, method_from=IN_FILE_NAME)
        assert list(found) == [("TD3", "HalfCheetah-v1"), ("TD3", "Hopper-v1")]
        for (_, task), method in found.items():
            assert method.seeds == tuple(range(6))
            for row, seed in enumerate(method.seeds):
                expected = np.load(
                    root / task.removesuffix("-v1") / f"TD3_{task}_{seed}.npy", allow_pickle=False
                )
                assert np.array_equal(method.curves["value"][row], expected)

    def test_stable_baselines(self, shared):
        root = shared("corpus/real/sb3")
        found = methods_of(root, method_from=IN_FOLDERS)
        assert list(found) == [("a2c", "Acrobot-v1"), ("ppo", "Acrobot-v1")]
        returns = {
            m: methods_of(root / m, method_from=f"={m}", seed_from="number", metrics=("episode_return",))
            for m in ("a2c", "ppo")
        }
        for (name, _), method in found.items():
            folder = root / name / "Acrobot-v1_1"
            with np.load(folder / "evaluations.npz", allow_pickle=False) as arrays:
                assert method.steps == tuple(arrays["timesteps"].astype(float))
                np.testing.assert_allclose(
                    method.curves["eval/mean_reward"][0], arrays["results"].mean(axis=1), rtol=1e-15
                )
            # As stable_baselines3's load_results and ts2xy have it.
            frames = []
            for file in sorted(folder.glob("*monitor.csv")):
                frame = pd.read_csv(file, skiprows=1)
                frame["t"] += json.loads(file.read_text().splitlines()[0][1:])["t_start"]
                frames.append(frame)
            joined = pd.concat(frames).sort_values("t")
            (episodes,) = returns[name].values()
            assert episodes.steps == tuple(joined.l.cumsum().astype(float))
            assert episodes.curves["episode_return"][0].tolist() == joined.r.tolist()

    def test_a_table_a_task_in_a_folder_a_method(self, shared):
        root = shared("corpus/real/tdmpc2")
        mappings = Mappings(method_from=r"re:(?P<method>[^/]+)/(?P<workload>[^/]+)\.csv$")
        named, _ = name_runs(list(get("csv").read(root, mappings.wanted)), mappings, "tdmpc2")
        expected = {
            (file.parent.name, file.stem, seed): rows.reward.to_numpy()
            for file in root.rglob("*.csv")
            for seed, rows in pd.read_csv(file).groupby("seed")
        }
        found = {(one.method, one.workload, one.seed): one.run.series["reward"][1] for one in named}
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], expected[key]) for key in expected)
        with pytest.raises(UserError, match="If the path says it: --method-from") as refused:
            read_path(root)
        option = str(refused.value).rpartition("--method-from ")[2].strip("'")
        again, _ = name_runs(
            list(get("csv").read(root, Mappings().wanted)), Mappings(method_from=option), "tdmpc2"
        )
        assert {(one.method, one.workload, one.seed) for one in again} == expected.keys()

    def test_an_agent_that_is_named_as_the_method(self, shared):
        path = shared("corpus/real/sac_excerpt.csv")
        frame = pd.read_csv(path)
        found = methods_of(path, method_from="agent")
        assert {w: m.seeds for (_, w), m in found.items()} == {
            env: tuple(sorted(rows.seed.unique())) for env, rows in frame.groupby("env")
        }
        for (_, env), method in found.items():
            wide = frame[frame.env == env].pivot_table(index="seed", columns="step", values="episode_reward")
            assert np.array_equal(method.curves["episode_reward"], wide.to_numpy())
