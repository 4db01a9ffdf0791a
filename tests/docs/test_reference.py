"""What the page on claims says of every kind is what the program does."""

import re
import shlex

import pytest
from click.testing import CliRunner
from pages import ROOT

from amrobust.cli import main
from amrobust.judge.declared import load_claims
from amrobust.judge.kinds import KINDS

PAGE = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", re.findall(r"`amrobust (plan --claim [^`]*)`", PAGE))
def test_a_claim_is_planned_as_the_page_says(command):
    done = CliRunner().invoke(main, [*shlex.split(command), "--seeds", "5", "--replications", "100"])
    assert done.exit_code == 0, done.output
    assert re.search(r"5 seeds per method: power +\d", done.output)


def test_every_kind_is_declared_as_the_page_says(tmp_path):
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "claims.toml").write_text('baseline = "msgd"\n' + "".join(blocks))
    assert [claim.kind for claim in load_claims(tmp_path / "claims.toml").claims] == list(KINDS)
