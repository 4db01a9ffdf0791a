"""The commands say of the committed reference runs what they said before: numbers to 1e-12, everything else to the letter."""

import goldens
import pytest


@pytest.fixture(scope="module")
def runs():
    with goldens.a_copy_of_the_runs() as place:
        yield place


@pytest.mark.parametrize("name", goldens.COMMANDS)
def test_a_golden_comparison_is_as_it_was(name, runs):
    golden = (goldens.GOLDEN / name).read_text(encoding="utf-8")
    found = goldens.differences(name, golden, goldens.made(name, runs))
    assert not found, "\n".join(found[:40])


def test_a_changed_number_a_missing_field_and_another_word_are_found():
    golden = '{"p": 0.25, "method": "am1", "n": [5, 20]}'
    assert not goldens.differences(
        "x.json", golden, '{"p": 0.2500000000000001, "method": "am1", "n": [5, 20]}'
    )
    for now in (
        '{"p": 0.25000000001, "method": "am1", "n": [5, 20]}',
        '{"p": 0.25, "method": "am2", "n": [5, 20]}',
        '{"p": 0.25, "method": "am1", "n": [5]}',
        '{"p": 0.25, "method": "am1", "n": [5, 20], "unit": null}',
        '{"p": null, "method": "am1", "n": [5, 20]}',
    ):
        assert len(goldens.differences("x.json", golden, now)) == 1
    assert goldens.differences("x.txt", "a\nb\n", "a\nc\n") == ["x.txt line 2: 'b' -> 'c'"]
    assert goldens.differences("x.csv", "p\n0.1\n", "p\n0.2\n") == ["x.csv [1].p: 0.1 -> 0.2"]
