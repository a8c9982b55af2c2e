"""The nightly without Kubernetes: systemd's own check, GitHub's schema, cron's line, and one command in all of them."""

from __future__ import annotations

import importlib.resources
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.infra_commands import calls_of_line, parse
from tests.support.infra_tools import INFRA, documents, module, program

SYSTEMD = INFRA / "systemd"
SERVICE = (SYSTEMD / "saddle-nightly.service").read_text()
TIMER = (SYSTEMD / "saddle-nightly.timer").read_text()
CRON = (INFRA / "cron/saddle-nightly").read_text()
WORKFLOWS = sorted((INFRA / "github").glob("*.yml"))


def workflow(path: Path) -> dict[str, Any]:
    [document] = documents(path.read_text())
    document["on"] = document.pop(True)  # YAML 1.1's word for true
    return document


def commands() -> dict[str, str]:
    """The line of each scheduler that runs the night, without the folder of the program."""
    [service] = re.findall(r"^ExecStart=/opt/saddle/bin/(.*)$", SERVICE, re.MULTILINE)
    [cron] = re.findall(r"(saddle nightly .*)$", CRON, re.MULTILINE)
    [github] = re.findall(r"\.venv/bin/(saddle nightly .*)$", (INFRA / "github/nightly.yml").read_text(), re.MULTILINE)
    return {"systemd": service, "cron": cron.replace("\\%", "%"), "github": github.replace("${NIGHT:-$(", "$(")}


@pytest.mark.parametrize("scheduler", commands())
def test_each_runs_the_nightly(scheduler: str) -> None:
    [words] = list(calls_of_line(commands()[scheduler].replace('%F)}"', '%F)"')))
    assert words[:4] == ["saddle", "nightly", "run", "nightly"]
    assert words[4:] in ([], ["--date", "2026-11-30"])
    parse(words)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    analyze = program("systemd-analyze")
    # it looks whether the program is there
    service = SERVICE.replace("/opt/saddle/bin/saddle", "/bin/true")
    (tmp_path / "saddle-nightly.service").write_text(service)
    (tmp_path / "saddle-nightly.timer").write_text(TIMER)
    units = [str(tmp_path / f"saddle-nightly.{kind}") for kind in ("service", "timer")]
    done = subprocess.run([analyze, "verify", "--man=no", *units], capture_output=True, text=True, timeout=120)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "saddle-nightly" in line]
    assert ours == []


def test_systemd_knows_the_next_tick() -> None:
    [when] = re.findall(r"^OnCalendar=(.*)$", TIMER, re.MULTILINE)
    done = subprocess.run(
        [program("systemd-analyze"), "calendar", when], capture_output=True, text=True, timeout=60, check=True
    )  # fmt: skip
    assert "01:30:00" in done.stdout


def test_answers_are_not_tried_again() -> None:
    assert "RestartPreventExitStatus=1 2 4" in SERVICE


def test_the_bash_of_crons_line_runs_the_night_with_the_variables_of_the_file(tmp_path: Path) -> None:
    """The line as cron hands it to its shell, with a stand-in for the program and the folders of this test."""
    [line] = [line for line in CRON.splitlines() if re.match(r"\d+ \d+ ", line)]
    *_, user, command = line.split(maxsplit=6)
    assert user == "saddle"
    (tmp_path / "nightly.env").write_text("SADDLE_STORAGE=s3://b/x\n")
    stand_in = tmp_path / "saddle"
    stand_in.write_text('#!/bin/sh\necho "$SADDLE_STORAGE" "$@"\n')
    stand_in.chmod(0o755)
    command = command.replace("/var/lib/saddle", str(tmp_path)).replace("/etc/saddle", str(tmp_path))
    done = subprocess.run(
        ["/bin/bash", "-c", command.replace("\\%", "%")], capture_output=True, text=True, timeout=60, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    assert re.fullmatch(r"s3://b/x nightly run nightly --date \d{4}-\d\d-\d\d\n", done.stdout)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_githubs_schema_takes_the_workflows(path: Path) -> None:
    schemas = importlib.resources.files(module("check_jsonschema").__name__) / "builtin_schemas/vendor"
    jsonschema.validate(workflow(path), json.loads((schemas / "github-workflows.json").read_text()))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_ask_for_little_and_run_no_text_of_others_as_code(path: Path) -> None:
    read = workflow(path)
    assert read["permissions"].pop("contents") == "read"
    assert set(read["permissions"]) <= {"id-token"}
    for job in read["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "an expression in a script is code"
