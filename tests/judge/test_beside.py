"""What the paper prints, matched with what was measured."""

import pytest

from amrobust.analysis import analysis_names, load_analysis
from amrobust.errors import UserError
from amrobust.judge.beside import printed_beside


def rows(*arguments):
    printed = printed_beside(*arguments)
    return {row.measured: (row.mean, row.std, row.avg_std) for row in printed.rows}


def test_table_1_row_by_row():
    assert rows("table1", ["msgd", "am1[m=5]/I", "am1[m=5]/II", "am1[m=1]/II"]) == {
        "msgd": (94.71, 0.17, 1.00),
        "am1[m=5]/I": (94.68, 0.18, 0.59),
        "am1[m=5]/II": (94.62, 0.15, 0.31),
    }
    printed = printed_beside("table1", ["msgd"])
    assert (printed.setup, printed.decimals) == ("CIFAR-10, ResNet34, 90 epochs, 20 seeds", 2)


def test_om_sgd_is_am1s_option_ii_at_m_1():
    found = rows("table4", ["am1[m=1]/I", "am1[m=1]/II", "am2[m=20]/II"])
    assert found["am1[m=1]/I"] == (94.67, 0.14, 0.91)
    assert found["am1[m=1]/II"] == (94.73, 0.11, 0.63)
    assert found["am2[m=20]/II"] == (94.41, 0.14, 0.25)
    assert rows("figure2", ["am1[m=1]/II"]) == {"am1[m=1]/II": (94.73, 0.11, 0.63)}


def test_rows_of_several_models_are_those_of_the_one_that_was_run():
    assert rows("table2", ["msgd"], "resnet50") == {"msgd": (75.71, 0.06, None)}
    assert rows("table2", ["msgd"], "resnet152") == {"msgd": (78.07, 0.10, None)}
    assert printed_beside("table2", ["msgd"], "small-cnn") is None


def test_perplexities_and_losses():
    assert rows("table3", ["ntasgd", "msgd"]) == {"ntasgd": (61.28, None, None), "msgd": (60.75, None, None)}
    printed = printed_beside("table5", ["am1[m=5]/II"])
    assert (printed.rows[0].avg_std, printed.avg_decimals) == (0.006, 3)


def test_tables_without_cells_print_nothing_and_unknown_ones_are_an_error():
    assert printed_beside("table6", ["msgd"]) is None
    with pytest.raises(UserError, match="choose one of table1"):
        printed_beside("table99", ["msgd"])


def test_every_table_that_an_analysis_names_prints_one_of_its_methods():
    for name in analysis_names():
        analysis = load_analysis(name)
        if analysis.published is not None:
            assert printed_beside(analysis.published, ["msgd"], "resnet50") is not None, name
