"""A method is its optimizer, hyperparameters and output; text is made of it, and read back in one place."""

import copy
import pickle

import pytest

from amrobust.errors import UserError
from amrobust.runs.method import TITLES, Method, from_name, in_parts, swept, value_of
from amrobust.train.optimizers import OPTIMIZERS

AM1 = Method("am1", {"lr": 0.05, "momentum": 0.9, "m": 5}, ("m",), "II")


def test_a_name_is_made_of_what_it_tells_and_a_title_reads_as_the_paper():
    assert AM1.name == "am1[m=5]/II"
    assert AM1.title == "AM1-SGD (m = 5), II"
    assert Method("msgd", {"lr": 0.05}).title == "M-SGD"
    both = Method("am1", {"m": 5, "lr": 1e-05}, ("m", "lr"), "I")
    assert (both.name, both.title) == ("am1[lr=1e-05,m=5]/I", "AM1-SGD (lr = 1e-05, m = 5), I")


def test_every_optimizer_of_amrobust_has_a_title_of_its_own():
    assert set(TITLES) == set(OPTIMIZERS)
    assert len(set(TITLES.values())) == len(TITLES)


def test_an_import_path_is_called_by_its_last_part():
    mine = Method("pkg.mylion:Lion", {"lr": 0.1}, ("lr",))
    assert (mine.name, mine.title) == ("Lion[lr=0.1]", "Lion (lr = 0.1)")


def test_the_label_is_for_display_alone():
    ours = Method("am1", dict(AM1.hyperparameters), ("m",), "II", label="Ours")
    assert ours.title == "Ours"
    assert ours.name == "am1[m=5]/II"
    assert ours == AM1
    assert hash(ours) == hash(AM1)


def test_what_a_log_called_it_stays_its_name_and_title():
    logged = from_name("sgd[lr=1e-1]")
    assert logged.name == logged.title == "sgd[lr=1e-1]"
    assert logged.hyperparameters == {"lr": 0.1}


def test_hyperparameters_and_output_make_another_method():
    assert Method("am1", {**AM1.hyperparameters, "lr": 0.1}, ("m",), "II") != AM1
    assert Method("am1", AM1.hyperparameters, ("m",), "I") != AM1
    with pytest.raises(TypeError):
        AM1.hyperparameters["m"] = 7


def test_methods_can_be_pickled_and_copied():
    assert pickle.loads(pickle.dumps(AM1)) == AM1 == copy.deepcopy(AM1)
    assert pickle.loads(pickle.dumps(AM1)).name == AM1.name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("msgd", ("msgd", {}, None)),
        ("am1/II", ("am1", {}, "II")),
        ("am1[m=5]/II", ("am1", {"m": ("5",)}, "II")),
        (" am1[ m = 3 , lr=0.1 ] ", ("am1", {"m": ("3",), "lr": ("0.1",)}, None)),
        ("am1[m=3,5,10]", ("am1", {"m": ("3", "5", "10")}, None)),
        ("adam[betas=(0.9,0.99),lr=1]", ("adam", {"betas": ("(0.9,0.99)",), "lr": ("1",)}, None)),
        ("adam[x=[1,2],y={a,b}]", ("adam", {"x": ("[1,2]",), "y": ("{a,b}",)}, None)),
        ("am1[]", ("am1", {}, None)),
        ("runs/adam[lr=0.1]", ("runs/adam", {"lr": ("0.1",)}, None)),
        ("mod:Class[path=a/b]", ("mod:Class", {"path": ("a/b",)}, None)),
    ],
)
def test_the_grammar_of_names(text, parts):
    assert in_parts(text) == parts


@pytest.mark.parametrize(
    "text",
    ["", "[m=5]", "am1[m=5", "am1[m]", "am1[=5]", "am1[m=]", "am1[m=5]x", "am1[m=5]/", "a[m=(1]", "a[m=1)]", "a[m=1]b[m=2]"],
)  # fmt: skip
def test_what_is_no_name_is_refused_and_from_a_log_a_name_by_itself(text):
    with pytest.raises(UserError, match="not of the form"):
        in_parts(text)
    assert from_name(text) == Method(text)
    assert from_name(text).name == text


def test_a_parameter_is_given_once():
    with pytest.raises(UserError, match="gives a parameter twice"):
        in_parts("am1[m=5,m=6]")


@pytest.mark.parametrize(
    ("text", "value"), [("5", 5), ("0.1", 0.1), ("nan", "nan"), ("1e999", "1e999"), ("cosine", "cosine")]
)
def test_values_of_names_are_finite_numbers_or_words(text, value):
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("am1[m=5]/II", True),
        ("am1[m=5.0]/II", True),
        ("am1[lr=0.05,m=5]/II", True),  # its default, told
        ("am1[m=*]/II", True),
        ("am1[lr=*,m=5]/II", True),
        ("am1[lr=*]/II", False),  # m is told by its name, and not given
        ("am1[m=5,nu=*]/II", False),
        ("am1[m=5]/I", False),
        ("am1[m=5]", False),
        ("am2[m=5]/II", False),
        ("am1[m=6]/II", False),
    ],
)
def test_a_name_fits_the_method_that_it_tells(name, fits):
    assert AM1.fits(from_name(name)) is fits


def test_a_truth_is_told_as_either_language_spells_it():
    mine = Method("torch:SGD", {"nesterov": True}, ("nesterov",))
    assert mine.fits(from_name("SGD[nesterov=True]"))
    assert mine.fits(from_name("SGD[nesterov=true]"))
    assert not mine.fits(from_name("SGD[nesterov=false]"))


def test_a_sweep_is_over_the_one_thing_in_which_methods_differ():
    assert swept([from_name(f"adam[lr={lr},b=0.9]") for lr in (1, 2, 3)]) == "lr"
    # One of the values is the default, which the name leaves out.
    usual = [Method("sgd", {"lr": lr}, ("lr",) if lr != 0.1 else ()) for lr in (0.01, 0.1, 1)]
    assert swept(usual) == "lr"
    for names, what in (
        (["a[x=1]", "a[x=1]"], "none"),
        (["a[x=1]", "b[x=2]"], "optimizer, x"),
        (["a[x=1]/I", "a[x=2]/II"], "output, x"),
        (["a[x=1,y=1]", "a[x=2,y=2]"], "x, y"),
        (["a[x=1]", "a"], "x, which not all of them tell"),
    ):
        with pytest.raises(UserError, match=rf"these differ in {what}$"):
            swept([from_name(name) for name in names])
