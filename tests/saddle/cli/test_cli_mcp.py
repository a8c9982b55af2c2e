"""`saddle mcp` over standard input and output, asked by the protocol's own client; it writes nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from saddle.cli.agents.tools import StudyTools
from saddle.cli.app import app
from saddle.store.local import LocalStore
from tests.support.in_process import run_in_process
from tests.support.infra_tools import module

STUDIES = """
study: top
question: Where is the top?
trainable: parabola
search: {x: {float: [0, 2]}}
objective: {maximize: validation/score}
sampler: {random: {seed: 1}}
budget: {trials: 2}
---
study: shifted
question: Does a shift help?
ablation:
  baseline: {shift: 0.0}
  factors: {shift: [0.0, 0.5], trouble: [none, raise]}
  seeds: 3
  compare: {metric: test/score}
"""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    store = LocalStore(tmp_path_factory.mktemp("mcp") / "runs")
    run_in_process(store, STUDIES, track=False)
    return store


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_studies", {}),
    ("study_status", {"study": "top"}),
    ("study_answer", {"study": "shifted"}),
    ("study_verdicts", {"study": "shifted", "expect": "helps"}),
    ("study_results", {"study": "shifted"}),
    ("study_report", {"study": "shifted"}),
]


async def ask_all(folder: Path) -> tuple[Any, dict[str, Any]]:
    """The tools that a server over the storage in `folder` lists, and what it answers to `CALLS`."""
    from mcp import Client, StdioServerParameters

    words = ["-m", "saddle.cli", "mcp", "--storage", str(folder)]

    async with Client(StdioServerParameters(command=sys.executable, args=words, env=dict(os.environ))) as client:
        listed = await client.list_tools()
        answers = {name: await client.call_tool(name, arguments) for name, arguments in CALLS}
        trials = answers["study_results"].structured_content["trials"]
        [failed, *_] = [trial["trial"] for trial in trials if trial["outcome"] == "failed"]
        answers["trial_logs"] = await client.call_tool("trial_logs", {"study": "shifted", "trial": failed})
        answers["rest"] = await client.call_tool("study_results", {"study": "shifted", "offset": 7})
        answers["mistake"] = await client.call_tool("study_verdicts", {"study": "shiftd"})
        return listed.tools, answers


@pytest.fixture(scope="module")
def asked(stored: LocalStore) -> tuple[Any, dict[str, Any], dict[str, int], dict[str, int]]:
    module("mcp")
    folder = Path(stored.url)
    before = changes_in(folder)
    tools, answers = asyncio.run(asyncio.wait_for(ask_all(folder), 200))
    return tools, answers, before, changes_in(folder)


def changes_in(folder: Path) -> dict[str, int]:
    """When each file was written last."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_every_tool_is_marked_as_one_that_only_reads(asked: Any) -> None:
    tools = asked[0]
    assert [tool.name for tool in tools] == [tool.__name__ for tool in StudyTools(None).all]  # type: ignore[arg-type]
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)


def test_nothing_is_written(asked: Any) -> None:
    _, _, before, after = asked
    assert before == after


def test_answers_are_those_of_the_commands(asked: Any, stored: LocalStore) -> None:
    said = {name: answer.structured_content for name, answer in asked[1].items() if name != "mistake"}
    results, rest = said["study_results"], said["rest"]
    assert said["list_studies"]["studies"] == printed(stored, "studies")
    assert said["study_status"]["studies"] == printed(stored, "status", "top")
    assert said["study_verdicts"] == printed(stored, "verdict", "shifted", "--expect", "helps")
    assert results["trials"] == printed(stored, "results", "shifted")
    assert (rest["total"], rest["trials"]) == (results["total"], results["trials"][7:])
    assert said["study_answer"]["answers"][0]["answer"] in said["study_report"]["markdown"]
    assert not said["study_report"]["cut"]
    [log] = said["trial_logs"]["logs"]
    assert (log["outcome"], bool(log["reason"])) == ("failed", True)


def test_a_mistake_is_told_to_the_client(asked: Any) -> None:
    mistake = asked[1]["mistake"]
    assert mistake.is_error
    assert "did you mean shifted" in mistake.content[0].text


def printed(store: LocalStore, *words: str) -> Any:
    return json.loads(CliRunner().invoke(app, [*words, "--json", "--storage", store.url]).stdout)


def test_where_the_package_is_missing_the_extra_is_named(stored: LocalStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "saddle.cli.agents.server", raising=False)
    for name in ("mcp", "mcp.server", "mcp.server.mcpserver"):
        monkeypatch.setitem(sys.modules, name, None)
    result = CliRunner().invoke(app, ["mcp", "--storage", stored.url])
    assert result.exit_code == 2
    assert "pip install 'saddle[mcp]'" in result.output
