r"""Tables as they stand in papers: Markdown, LaTeX and CSV with cells such as ``$95.1 \pm 0.2$``."""

import pytest

from amrobust.errors import UserError
from amrobust.judge.published_tables import load_tables

LATEX = r"""
% \begin{tabular}{c} an old one \end{tabular}
\begin{table}[t]
\caption{Test accuracy (\%) on two data sets, mean $\pm$ std over five random seeds~\cite{us}.}
\label{tab:main}
\begin{tabular}{l@{\hspace{2pt}}cc}
\toprule
 & \multicolumn{2}{c}{Test accuracy} \\ \cmidrule(lr){2-3}
Optimizer & CIFAR-10 & CIFAR-100 \\
\midrule
SGD \citep{sgd} & $94.1 \pm 0.2$ & 76.2 $\pm$ 0.4 \\
\textbf{Ours} ($\beta=0.9$) & $\mathbf{95.0}_{\pm 0.1}$ & \textbf{78.1}\,$\pm$\,0.3$^{\dagger}$ \\[2pt]
Adam\_W & -- & 75.0 $\pm$ 1.20\% \\
\bottomrule
\end{tabular}
\end{table}
"""

MARKDOWN = """
# Results

Mean ± std over 5 seeds.

| Method | Accuracy (%) ↑ | note |
|:---|---:|---|
| SGD | 94.1 ± 0.2 | |
| **Ours** | **95.0 +/- 0.1** | bold |
| Adam | `93.0&plusmn;0.30` | |

```text
| no | table |
|---|---|
| x | 1 ± 2 |
```
"""


def rows(path, *arguments, **options):
    return {
        table.name: [(row.method, row.n, row.mean, row.std) for row in table.rows]
        for table in load_tables(path, *arguments, **options)
    }


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_latex_table_of_two_data_sets(tmp_path):
    path = written(tmp_path, "paper.tex", LATEX)
    # The columns' names say "accuracy": they are metrics, of which one is chosen.
    with pytest.raises(UserError, match=r"has means of .*: choose one with --metric"):
        load_tables(path)
    plain = written(tmp_path, "plain.tex", LATEX.replace(r"{Test accuracy}", "{}"))
    found = rows(plain, metric="accuracy")
    assert found == {
        "CIFAR-10": [("SGD", 5, 94.1, 0.2), ("Ours (beta=0.9)", 5, 95.0, 0.1)],
        "CIFAR-100": [("SGD", 5, 76.2, 0.4), ("Ours (beta=0.9)", 5, 78.1, 0.3), ("Adam_W", 5, 75.0, 1.2)],
    }
    assert [table.name for table in load_tables(plain, "CIFAR-100", "accuracy")] == ["CIFAR-100"]
    assert rows(path, metric="Test accuracy CIFAR-10")["paper"][0] == ("SGD", 5, 94.1, 0.2)
    assert rows(path, metric="test_accuracy_cifar_100")["paper"][2] == ("Adam_W", 5, 75.0, 1.2)


def test_a_markdown_table_with_what_its_header_and_its_text_say(tmp_path):
    path = written(tmp_path, "README.md", MARKDOWN)
    (table,) = load_tables(path)
    assert [(row.method, row.n, row.mean, row.std) for row in table.rows] == [
        ("SGD", 5, 94.1, 0.2), ("Ours", 5, 95.0, 0.1), ("Adam", 5, 93.0, 0.3),
    ]  # fmt: skip
    assert (table.metric.name, table.metric.unit, table.metric.better) == ("accuracy", "%", "higher")


def test_an_arrow_is_a_direction(tmp_path):
    path = written(tmp_path, "t.md", "|method|quux ↓|n|\n|-|-|-|\n|a|1 ± 0.1|3|\n|b|2±0.2|4|\n")
    (table,) = load_tables(path)
    assert (table.name, table.metric.better, [row.n for row in table.rows]) == ("quux", "lower", [3, 4])


def test_cells_with_both_numbers_in_csv(tmp_path):
    path = written(tmp_path, "t.csv", "method,c10,c100\nsgd,95.1 ± 0.2,77 ± 0.4\nam1,95.9 ± 0.1,78 ± 1\n")
    counted = written(
        tmp_path, "counted.csv", "method,c10 (n=4),c100\na,95.1 ± 0.2,70.1 ± 0.2\nb,95.3 ± 0.1,71 ± 0.1\n"
    )
    assert len(load_tables(counted, metric="acc", seeds=4)) == 2
    with pytest.raises(UserError, match="its header says 4 seeds, and --seeds 7"):
        load_tables(counted, metric="acc", seeds=7)
    assert rows(path, metric="acc", seeds=5) == {
        "c10": [("sgd", 5, 95.1, 0.2), ("am1", 5, 95.9, 0.1)],
        "c100": [("sgd", 5, 77.0, 0.4), ("am1", 5, 78.0, 1.0)],
    }
    with pytest.raises(
        UserError, match=r"is not said .no column 'n'; there are method, c10, c100.: say it with --seeds"
    ):
        load_tables(path)


def test_numbers_in_brackets_are_standard_deviations_where_that_is_said(tmp_path):
    text = "|method|acc (std)|\n|-|-|\n|a|95.1 (0.2)|\n|b|95.3 (0.1)|\n"
    assert rows(written(tmp_path, "t.md", text), seeds=4)["t"] == [("a", 4, 95.1, 0.2), ("b", 4, 95.3, 0.1)]
    bare = text.replace(" (std)", "")
    with pytest.raises(UserError, match=r"in brackets, such as 95.1 .0.2., which may be standard deviations"):
        load_tables(written(tmp_path, "t.md", bare), seeds=4)
    assert (
        len(load_tables(written(tmp_path, "t.md", "Standard deviations in brackets.\n\n" + bare), seeds=4))
        == 1
    )
    with pytest.raises(UserError, match=r"95.1 \(2\) may mean the last digits"):
        load_tables(written(tmp_path, "t.md", text.replace("(0.2)", "(2)")), seeds=4)


@pytest.mark.parametrize(
    ("caption", "message"),
    [
        (
            "Mean ± standard error over 5 seeds.",
            "has 'standard error' with its means, and no standard deviations",
        ),
        ("Mean and 95% CI, 5 seeds.", "has '95% CI' with its means"),
        ("Means over 3 seeds for a and 10 seeds for b.", "is said as 3 and as 10 in the caption"),
        ("No word of it.", "is not said .no column 'n'"),
    ],
)
def test_what_a_caption_makes_of_the_numbers(tmp_path, caption, message):
    text = f"{caption}\n\n|method|acc|\n|-|-|\n|a|95.1 ± 0.2|\n|b|95.3 ± 0.1|\n"
    with pytest.raises(UserError, match=message):
        load_tables(written(tmp_path, "t.md", text))


def test_of_several_tables_each_has_its_name_and_one_is_chosen(tmp_path):
    one = "|optimizer|loss|\n|-|-|\n|a|1.1 ± 0.2|\n|b|1.3 ± 0.1|\n"
    text = f"Table 1: means of 3 runs\n\n{one}\nTable 2: of n = 4\n\n{one}\n|size|parameters|\n|-|-|\n|s|1|\n"
    path = written(tmp_path, "t.md", text)
    assert [row[1] for row in rows(path, "Table 1")["Table 1"]] == [3, 3]
    assert [row[1] for row in rows(path, "Table 2")["Table 2"]] == [4, 4]
    with pytest.raises(UserError, match="t 3 has no column 'method'"):
        load_tables(path)
    with pytest.raises(UserError, match="no table is called 'Table 9'"):
        load_tables(written(tmp_path, "u.md", text.partition("|size")[0]), "Table 9")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("t.md", "no table here\n", "has no table: rows between . bars"),
        ("t.tex", "\\begin{table}\\end{table}", "has no table: a tabular"),
        ("t.md", "|method|acc|n|\n|-|-|-|\n|a|95,1 ± 0,2|3|\n|b|1 ± 2|3|\n", "line 3: .* lacks a number, or garbles one"),
        ("t.md", "|method|acc|n|\n|-|-|-|\n|a|95.1 ± 0.2|\n", "line 3: 'a,95.1 ± 0.2' has 2 cells, and there are 3"),
        ("t.md", "|method|acc|n|FLOPs|\n|-|-|-|-|\n|a|95.1 ± 0.2|3|7|\n", "the column 'flops' is not known"),
        ("t.tex", "\\begin{tabular}\na & 1 ± 2 \\\\\n\\end{tabular}", "line 1: the columns of a tabular are not said"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_with_its_place(tmp_path, name, text, message):
    with pytest.raises(UserError, match=message):
        load_tables(written(tmp_path, name, text))


def test_cells_over_several_rows_and_columns(tmp_path):
    text = r"""\begin{tabular}{llcr} Dataset & Method & Error $\downarrow$ & \# seeds \\ \hline
\multirow{2}{*}{MNIST} & A & $1.0{\pm}0.1$ & 5 \\ & B & \makecell{2.0 $\pm$ \\ 0.2} & 6 \\ \hline
Digits & A & 3 $\pm$ .3 & 5 \\ Digits & B & 4 $\pm$ .4 & 5 \end{tabular}"""
    assert rows(written(tmp_path, "t.tex", text)) == {
        "MNIST": [("A", 5, 1.0, 0.1), ("B", 6, 2.0, 0.2)],
        "Digits": [("A", 5, 3.0, 0.3), ("B", 5, 4.0, 0.4)],
    }


@pytest.mark.parametrize("name", ["t.tex", "t.md"])
def test_a_file_of_nothing_but_tables_is_refused_in_a_moment(tmp_path, name):
    one = "\\begin{tabular}{l}a\\end{tabular}\n" if name == "t.tex" else "|a|\n|-|\n|b|\n\n"
    with pytest.raises(UserError, match="has more than 200 tables"):
        load_tables(written(tmp_path, name, one * 20_000))
    if name == "t.tex":
        with pytest.raises(UserError, match="has no table"):
            load_tables(written(tmp_path, name, "\\begin{tabular}" * 200_000))
