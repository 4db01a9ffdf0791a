"""The CSV is one tidy table: a row a record."""

import csv
import io

from amrobust.judge.comparison import Comparison
from amrobust.report import render


def test_a_row_for_each_estimate_verdict_warning_and_problem(comparison: Comparison) -> None:
    rows = list(csv.DictReader(io.StringIO(render(comparison, "csv"))))
    compared = comparison.groups[0]
    by_record: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_record.setdefault(row["record"], []).append(row)
    assert [row["quantity"] for row in by_record["method"]] == ["mean", "STD", "Avg. STD"] * len(
        compared.arms
    )
    assert len(by_record["claim"]) == len(compared.verdicts)
    for row, verdict in zip(by_record["claim"], compared.verdicts, strict=True):
        assert verdict.interval is not None
        assert (row["method"], row["claim"], row["outcome"]) == (
            verdict.claim.method, verdict.claim.kind, verdict.outcome,
        )  # fmt: skip
        assert float(row["estimate"]) == verdict.interval.estimate
        assert float(row["p_adjusted"]) == verdict.p_adjusted
        assert (row["n"], row["n_baseline"]) == ("20", "20")
    assert [row["hint"] for row in by_record["warning"]] == [compared.warnings[0].hint]
    assert [row["message"] for row in by_record["problem"]] == list(comparison.problems)
