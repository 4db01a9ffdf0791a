"""Runs as a stranger could make them: whatever they say, their checksums and identities fit."""

import json
from dataclasses import replace

import numpy as np
from made_up_runs import describe, spec

from amrobust.runs.curves import describe_bytes, encode, metric_names
from amrobust.runs.manifest import Manifest, Plan, SeedRecord, Session, identity
from amrobust.runs.metric import Metric
from amrobust.runs.spec import content_digest

MARKUP = (
    "#panic()",
    "\\input{/etc/passwd}",
    "a|b<script>alert(1)</script>",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "=cmd()|' /C calc'!A0",
    " +1+cmd()",
    "＝1+1",
    "$x^2$ `raw` *b* _i_ [l](u)",
    "new\nline\r\u202etfel\x00\x9b2J",
    "[item] & 5 % ~ \\\\",
    "日本語 \ud800",
)
"""Names that are commands, formulas, markup or escape codes in one place or another."""


def seal(path, content):
    """Write a manifest with a checksum that fits."""
    content = {key: value for key, value in content.items() if key != "checksum"}
    path.write_text(json.dumps(content | {"checksum": content_digest(content)}))


def edit(path, change):
    """Change the content of a manifest and seal it again."""
    content = json.loads(path.read_text())
    change(content)
    seal(path, content)


def record(path, *, seeds=5, changes=None, data=None, **of_spec):
    """A run of complete seeds in ``path``; ``changes`` are to its facts, ``data`` is its curves file's content."""
    made = spec(**of_spec)
    facts = replace(describe(made), **(changes or {}))
    rng = np.random.default_rng([len(path.name), seeds])
    curves = {
        seed: {o: {name: 90 + rng.normal(size=facts.epochs) for name in metric_names(facts)} for o in facts.outputs}
        for seed in range(seeds)
    } if data is None else {}  # fmt: skip
    data = encode(curves, facts) if data is None else data
    entry = describe_bytes(data)
    manifest = Manifest(
        identity(made, facts),
        made,
        facts,
        {seed: SeedRecord("complete") for seed in range(seeds)},
        curves=entry,
    )
    path.mkdir(parents=True, exist_ok=True)
    (path / entry.file).write_bytes(data)
    (path / "manifest.json").write_bytes(manifest.to_json())
    return manifest


def record_with_names(directory):
    """Runs in ``directory`` in which every text that a manifest holds is one of ``MARKUP``, some of them failed."""
    for place, name in enumerate(MARKUP):
        path = directory / f"digits-am1-{place:012x}"
        made = record(
            path,
            optimizer=name,
            hyperparameters={"m": 5, name: name, "lr": 0.1 * (place + 1)},
            workload_params={"epochs": 4, name: name},
            changes={
                "methods": {"I": name, "II": f"{name}/II"},
                "metrics": (
                    Metric(MARKUP[0], "higher", MARKUP[3]),
                    *(Metric(n, "lower", n) for n in MARKUP[1:3]),
                ),
                "workload_label": MARKUP[2],
                "versions": {name: name},
                "device": name,
            },
        )
        session = Session(name, name, 1, name, {name: name}, name, 2, name, True, 5, 1.0)
        failed = {
            **made.seeds,
            7: SeedRecord("failed", error=name),
            8: SeedRecord("failed", error=name * 100),
        }
        made = replace(made, seeds=failed, provenance=(session,), plans=(Plan((0, 1), name, 0, False),))
        (path / "manifest.json").write_bytes(made.to_json())
