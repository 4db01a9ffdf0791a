"""Methods that differ in one hyperparameter alone form a sweep over it."""

from made_up import told

from amrobust.report.sweeps import Series, sweeps


def test_a_sweep_of_m_has_a_series_for_each_output() -> None:
    methods = ["msgd", *(f"am1[m={m}]/{o}" for m in (10, 1, 5) for o in ("I", "II")), "am2[m=5]/I"]
    (sweep,) = sweeps(told(methods))
    assert sweep.parameter == "m"
    assert sweep.series == (
        Series("am1/I", ("am1[m=1]/I", "am1[m=5]/I", "am1[m=10]/I"), (1.0, 5.0, 10.0)),
        Series("am1/II", ("am1[m=1]/II", "am1[m=5]/II", "am1[m=10]/II"), (1.0, 5.0, 10.0)),
    )


def test_a_grid_is_swept_both_ways() -> None:
    methods = [f"adam[lr={lr},momentum={b}]" for lr in (0.1, 0.01, 0.001) for b in (0.9, 0.95, 0.99)]
    found = {sweep.parameter: [one.label for one in sweep.series] for sweep in sweeps(told(methods))}
    assert found == {
        "lr": ["adam[momentum=0.9]", "adam[momentum=0.95]", "adam[momentum=0.99]"],
        "momentum": ["adam[lr=0.1]", "adam[lr=0.01]", "adam[lr=0.001]"],
    }


def test_two_values_words_and_odd_names_are_no_sweep() -> None:
    assert sweeps(told(["am1[m=1]", "am1[m=5]", "sgd"])) == ()
    assert sweeps(told([f"a[mode={word}]" for word in ("x", "y", "nan")])) == ()
    assert sweeps(told(["", "[", "]/", "a[b", "a[=1]", "a[x=1]b[x=2]", "$x^2$"])) == ()
