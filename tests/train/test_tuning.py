"""What is chosen of a search: direction, divergence, ties, edges, and seeds apart from the judged ones."""

import pytest
from made_up_tunings import tuning

from amrobust.errors import RunError, UserError
from amrobust.runs.seeds import MAX_SEED
from amrobust.runs.tuning import FIRST_SEED, MOST_SEEDS, Trial, best_trial, require_disjoint, tuning_seeds
from amrobust.train.prepare import make_spec
from amrobust.train.streams import seed_sequence


def trials(*means):
    return [Trial({"lr": place}, mean, None) for place, mean in enumerate(means)]


@pytest.mark.parametrize(
    ("better", "means", "place"),
    [
        ("higher", (1.0, 3.0, 2.0), 1),
        ("lower", (1.0, 3.0, 2.0), 0),
        ("higher", (None, -3.0, None), 1),
        ("lower", (5.0, None, 4.0), 2),
        ("higher", (2.0, 2.0, 1.0), 0),
        ("lower", (2.0, 1.0, 1.0), 1),
    ],
)
def test_the_best_mean_is_chosen_the_first_of_equal_ones_and_never_a_diverged_one(better, means, place):
    assert best_trial("msgd", trials(*means), better) == place


def test_where_every_combination_diverged_none_is_chosen():
    with pytest.raises(RunError, match="msgd: a seed diverged in each of the 2 combinations"):
        best_trial("msgd", trials(None, None), "higher")


def test_tuning_seeds_are_seeds_and_none_of_the_judged_ones():
    seeds = tuning_seeds(MOST_SEEDS)
    assert seeds[0] == FIRST_SEED
    assert max(seeds) < MAX_SEED
    assert not set(seeds) & set(range(FIRST_SEED))
    for count in (0, MOST_SEEDS + 1):
        with pytest.raises(UserError, match="seeds a combination"):
            tuning_seeds(count)


@pytest.mark.parametrize("paired", [False, True])
def test_no_stream_of_a_tuning_seed_is_that_of_a_judged_one(paired):
    spec = make_spec("digits", "am2", paired=paired)
    for stream in ("order", "augmentation", "dropout", "noise", "rule"):
        words = {
            tuple(seed_sequence(spec, stream, s).generate_state(4)) for s in (*range(50), *tuning_seeds(50))
        }
        assert len(words) == 100


def test_a_judged_seed_that_was_tuned_on_is_refused():
    require_disjoint(range(1000), tuning())
    require_disjoint([FIRST_SEED], None)
    with pytest.raises(UserError, match="900,000 is one of those that the method was tuned on"):
        require_disjoint([0, FIRST_SEED], tuning())


@pytest.mark.parametrize(
    ("means", "searched", "edges"),
    [
        ((1, 3, 2), {"lr": (0.01, 0.1, 1.0)}, ()),
        ((3, 2, 1), {"lr": (0.01, 0.1, 1.0)}, ("lr",)),
        ((1, 2, 3), {"lr": (0.01, 0.1, 1.0)}, ("lr",)),
        ((1, 2, 3), {"lr": (1.0, 0.1, 0.01)}, ("lr",)),
        ((3, 1, 2), {"lr": (0.1, 1.0, 0.01)}, ()),
        ((3, 1), {"weight_decay": (0.0, 0.1)}, ()),
        ((1, 3), {"weight_decay": (0.0, 0.1)}, ("weight_decay",)),
        ((3, 1), {"m": (1, 5)}, ()),
        ((3, 1), {"m": (2, 5)}, ("m",)),
        ((3, 1), {"nesterov": (True, False)}, ()),
        ((3,), {"lr": (0.1,)}, ()),
        ((3,), {}, ()),
        ((1, 2, 3, 9, 5, 6), {"lr": (0.01, 0.1), "m": (3, 5, 7)}, ("lr", "m")),
        ((1, 2, 3, 5, 9, 6), {"lr": (0.01, 0.1), "m": (3, 5, 7)}, ("lr",)),
    ],
)
def test_a_choice_at_the_edge_of_its_grid_is_known(means, searched, edges):
    assert tuning(means, searched=searched).at_edge == edges


def test_the_budget_is_all_epochs_of_all_trainings():
    found = tuning(seeds=3, epochs=4)
    assert (found.trainings, found.budget) == (9, 36)
