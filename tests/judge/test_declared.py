"""Claims about runs that are there already, from a TOML file."""

import pytest

from amrobust import Claim
from amrobust.errors import UserError
from amrobust.judge.declared import load_claims

FILE = """
question = "As accurate, and steadier?"
metric = "accuracy"
baseline = "sgd"

[[claims]]
kind = "composite"
method = "adam"
parts = [{ kind = "equivalent mean", margin = 0.5 }, { kind = "less Avg. STD" }]

[[claims]]
kind = "less Avg. STD"
method = "adam"
baseline = "lion"
epochs = [1, 10]
"""


def written(tmp_path, text):
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_claims_and_what_they_are_about_are_read(tmp_path):
    declared = load_claims(written(tmp_path, FILE))
    whole, early = declared.claims
    assert whole.parts == (
        Claim("equivalent mean", "adam", "sgd", margin=0.5),
        Claim("less Avg. STD", "adam", "sgd"),
    )
    assert early == Claim("less Avg. STD", "adam", "lion", epochs=(1, 10))
    assert (declared.metric, declared.baseline) == ("accuracy", "sgd")
    assert declared.question == "As accurate, and steadier?"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('baseline = "sgd"\n', "", "'baseline' is missing"),
        ('kind = "composite"', 'kind = "better"', "no claim is called 'better'"),
        ("margin = 0.5", "margin = -1", "above 0"),
        ("epochs = [1, 10]", "phase = [0.5, 0.2]", "two growing shares"),
        ("epochs = [1, 10]", "phase = [0, 0.3]\nepochs = [1, 2]", "no epochs"),
        ('metric = "accuracy"', "metric = 3", "wrong type"),
        ('metric = "accuracy"', "metrics = 3", "unknown 'metrics'"),
        (
            "margin = 0.5",
            "margn = 0.5",
            r"claim 1: part 1: 'margin' is missing: did you mean it by 'margn'\?",
        ),
        (
            "margin = 0.5",
            "margin = 'x'",
            r"claim 1: part 1: 'margin' has the wrong type \('x'\): give a number$",
        ),
        ("epochs = [1, 10]", "epochs = 3", r"claim 2: 'epochs' has the wrong type \(3\): give a list"),
        (
            '{ kind = "less Avg. STD" }',
            '{ kind = "less Avg. STD", method = "x" }',
            "part 2: unknown 'method' in a claim$",
        ),
        ("[[claims]]", "[[methods]]", "amrobust analyze"),
        ('question = "', "question = ", "not valid TOML"),
    ],
)
def test_mistakes_are_named_with_the_file(tmp_path, old, new, message):
    with pytest.raises(UserError, match=message) as caught:
        load_claims(written(tmp_path, FILE.replace(old, new)))
    assert "claims.toml" in str(caught.value)


def test_a_file_without_claims_or_without_a_file_is_refused(tmp_path):
    with pytest.raises(UserError, match="at least one claim"):
        load_claims(written(tmp_path, "claims = []"))
    with pytest.raises(UserError, match="cannot read"):
        load_claims(tmp_path / "none.toml")
