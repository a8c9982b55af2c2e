"""The nightly without Kubernetes: systemd's own check, GitHub's schema, cron's line, and one command in all of them."""

from __future__ import annotations

import importlib.resources
import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from saddle.nightly.dates import parse_date
from saddle.nightly.decision.decision import EXIT_CODES
from saddle.nightly.schedules.command import ANSWERS, NIGHT
from saddle.nightly.schedules.kubernetes import kubernetes
from saddle.nightly.schedules.schedule import Schedule
from saddle.studyfile.loader import load_studies
from tests.support.infra_commands import calls_of_line, parse
from tests.support.infra_tools import INFRA, documents, module, program

SYSTEMD = INFRA / "systemd"
SERVICE = (SYSTEMD / "saddle-nightly.service").read_text()
TIMER = (SYSTEMD / "saddle-nightly.timer").read_text()
CRON = (INFRA / "cron/saddle-nightly").read_text()
CRON_JOB = (INFRA / "kubernetes/base/nightly.yaml").read_text()
WORKFLOWS = sorted((INFRA / "github").glob("*.yml"))


def cron_job() -> dict[str, Any]:
    [document] = documents(CRON_JOB)
    return document


def workflow(path: Path) -> dict[str, Any]:
    [document] = documents(path.read_text())
    document["on"] = document.pop(True)  # YAML 1.1's word for true
    return document


def commands() -> dict[str, str]:
    """The line of each scheduler that runs the night, without the folder of the program."""
    [service] = re.findall(r"^ExecStart=/opt/saddle/bin/(.*)$", SERVICE, re.MULTILINE)
    [cron] = re.findall(r"(saddle nightly .*)$", CRON, re.MULTILINE)
    [github] = re.findall(r"\.venv/bin/(saddle nightly .*)$", (INFRA / "github/nightly.yml").read_text(), re.MULTILINE)
    kubernetes = cron_job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"][-1]
    return {"systemd": service, "cron": cron, "github": github, "kubernetes": kubernetes}


@pytest.mark.parametrize("scheduler", commands())
def test_each_runs_the_nightly(scheduler: str) -> None:
    [words] = list(calls_of_line(commands()[scheduler]))
    assert words[:4] == [*NIGHT, "nightly"]
    assert words[4:] in ([], ["--date", "value"], ["--date", "2026-11-30"])
    parse(words)


@pytest.mark.parametrize(("given", "words"), [("", []), ("2026-11-29", ["--date", "2026-11-29"])])
def test_a_workflow_that_is_started_by_hand_runs_the_night_it_was_given(given: str, words: list[str]) -> None:
    line = commands()["github"].replace("saddle", "echo", 1)
    environment = {"NIGHT": given, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=True, env=environment)
    assert done.stdout.split() == ["nightly", "run", "nightly", *words]


def test_the_cron_job_says_what_saddle_prints_for_one() -> None:
    """But for what belongs to the cluster of `infra/kubernetes`: security, volumes, sizes, time."""
    [study] = load_studies("nightly")
    schedule = Schedule(study, 1, 30, "/", [*NIGHT, "nightly"], "s3://bucket/saddle")
    [printed] = documents(kubernetes(schedule))
    ours = cron_job()
    jobs = [each["spec"]["jobTemplate"]["spec"] for each in (ours, printed)]
    mine, theirs = (job["template"]["spec"]["containers"][0] for job in jobs)
    assert mine["command"] == theirs["command"]
    assert mine["env"] == theirs["env"]
    assert jobs[0]["backoffLimit"] == jobs[1]["backoffLimit"]
    named = json.dumps(jobs[0]["podFailurePolicy"]).replace('"nightly"', '"night"')
    assert json.loads(named) == jobs[1]["podFailurePolicy"]
    for part in ("schedule", "concurrencyPolicy", "startingDeadlineSeconds"):
        assert ours["spec"][part] == printed["spec"][part]


def test_the_cron_jobs_shell_runs_the_night_of_its_tick(tmp_path: Path) -> None:
    stand_in = tmp_path / "saddle"
    stand_in.write_text('#!/bin/sh\necho "$@"\n')
    stand_in.chmod(0o755)
    tick = datetime(2025, 11, 29, 1, 30, tzinfo=UTC)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "JOB_NAME": f"nightly-{round(tick.timestamp()) // 60}"}
    command = cron_job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)
    *words, moment = done.stdout.split()
    assert words == ["nightly", "run", "nightly", "--date"]
    assert [parse_date(moment, zone) for zone in ("UTC", "America/New_York")] == ["2025-11-29", "2025-11-28"]


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
    assert set(ANSWERS) == {code for code in EXIT_CODES.values() if code not in (0, 3)} | {2}
    assert f"RestartPreventExitStatus={' '.join(map(str, ANSWERS))}" in SERVICE


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
        ["/bin/bash", "-c", command], capture_output=True, text=True, timeout=60, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    assert re.fullmatch(r"s3://b/x nightly run nightly\n", done.stdout)


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
