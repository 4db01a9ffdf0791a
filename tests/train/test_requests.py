"""Files that say what to run, and the specs that combinations of values give."""

import pytest

from amrobust.errors import UserError
from amrobust.train.prepare import make_spec
from amrobust.train.requests import Training, load_request, specs_of

FILE = """
workload = "digits"
seeds = 5
root_seed = 3
paired = true
x0s = 2
workload_params = { epochs = 2, lr_drops = 0 }

[[methods]]
opt = "msgd"
momentum = [0.9, 0.99]

[[methods]]
opt = "am1"
m = [3, 5, 10]

[grid]
batch_size = [16, 32]
"""


def read(tmp_path, text):
    path = tmp_path / "grid.toml"
    path.write_text(text)
    return load_request(path)


def test_every_method_on_every_point_from_every_starting_point(tmp_path):
    request = read(tmp_path, FILE)
    assert request.seeds == 5
    assert len(request.specs) == (2 + 3) * 2 * 2
    expected = make_spec(
        "digits",
        "am1",
        {"epochs": 2, "lr_drops": 0, "batch_size": 32},
        {"m": 10},
        root_seed=3,
        x0_index=1,
        paired=True,
    )
    assert expected in request.specs


def test_a_method_alone_has_the_defaults(tmp_path):
    request = read(tmp_path, 'methods = [{ opt = "sgd" }]')
    assert request.specs == (make_spec("digits", "sgd"),)
    assert request.seeds == 20


def test_the_same_method_twice_is_one_run_but_other_data_are_another():
    assert len(specs_of("digits", [{}], [Training("sgd"), Training("sgd", {"lr": 0.1})])) == 1
    assert len(specs_of("logistic", [{"data": "a1a"}, {"data": "a5a"}], [Training("sgd")])) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'methods' is missing"),
        ("methods = []", "at least one method"),
        ('methods = [{ m = 3 }]', "'opt' is missing"),
        ('methods = [{ opt = "am1", n = 3 }]', "am1 has no 'n'"),
        ('methods = [{ opt = "sgd" }]\nseed = 3', "unknown 'seed'"),
        ('methods = [{ opt = "sgd" }]\nseeds = 0', "at least 1"),
        ('methods = [{ opt = "sgd" }]\nseeds = 2000000', "1,000,000"),
        ('methods = [{ opt = "sgd" }]\nx0s = 1000000000000', "1,000"),
        ('methods = [{ opt = "sgd" }]\npaired = 1', "true or false"),
        ('methods = [{ opt = "sgd" }]\n[grid]\nepochs = 3', "not a list"),
        ('methods = [{ opt = "sgd" }]\nclaims = []', "amrobust analyze"),
        ('methods = [{ opt = "sgd" }', "not valid TOML"),
        (
            'methods = [{ opt = "sgd" }]\n[grid]\n' + "\n".join(f"a{k} = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]" for k in range(6)),
            "1,000,000 combinations",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_named(tmp_path, text, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, text)
