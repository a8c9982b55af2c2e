"""A study that runs in a terminal: its screen while it runs, and what is left on it afterwards."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.support.terminal_screen import screens

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[4]

SCRIPT = """
import sys
sys.path.insert(0, sys.argv[3])
from saddle.cli.output.display import conclude, display
from saddle.store.open import open_store
from tests.support import in_process

in_process.keeping_output = lambda messages, start: messages  # the trials are trained in the process of the display
in_process.run_in_process(open_store(sys.argv[1]), sys.argv[2], track=False, listener=display, settled=conclude)
"""
STUDY = """\
study: hunt
question: Where is the top of the parabola?
trainable: parabola
fixed: {epochs: 5, pause: 0.5}
search: {x: {float: [0, 2]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 4}
"""


def test_a_table_is_live_and_gone_at_the_end(tmp_path: Path) -> None:
    seen = list(screens([sys.executable, "-c", SCRIPT, str(tmp_path / "kept"), STUDY, str(ROOT)]))
    while_running = "\n".join(seen)
    assert re.search(r"━+ +0/4 trials +time left unknown", while_running)
    assert re.search(r"trial-00000 +[1-5]/5 +[\d.-]+", while_running), "the epoch and the value of a trial under way"
    assert re.search(r"━+ +3/4 trials +[\w. ]+ left +3 completed", while_running)
    best = [screen for screen in seen if "best so far" in screen and "3/4 trials" in screen][-1]
    assert len(re.findall(r"^ +trial-0000\d +-?\d\.\d{3}$", best, re.MULTILINE)) == 3
    last = seen[-1]
    assert [f"[{number}/4] trial-0000{number - 1}" in last for number in range(1, 5)] == [True] * 4
    assert "The best of 4 trials is trial" in last
    assert "━" not in last
    assert "best so far" not in last
