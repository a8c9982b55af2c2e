"""What is printed for cron, systemd, GitHub and Kubernetes is what they read."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from saddle.errors import UserError
from saddle.nightly.schedules.crontab import crontab
from saddle.nightly.schedules.github import github
from saddle.nightly.schedules.kubernetes import kubernetes
from saddle.nightly.schedules.schedule import Schedule, parse_time
from saddle.nightly.schedules.systemd import systemd
from saddle.study.models import Study
from saddle.studyfile.loader import load_studies

COMMAND = (sys.executable, "nightly", "run", "/home/ada/100 %/night.yaml", "--storage", "runs $x")


def schedule(*settings: str, folder: str = "/tmp", storage: str = "s3://bucket/saddle") -> Schedule:
    study: Study = load_studies("nightly", ["nightly.notify=[{webhook: env:NIGHT_URL}]", *settings])[0]
    return Schedule(study, 2, 30, folder, COMMAND, storage)


def test_a_crontab_has_one_line_that_runs_the_command(tmp_path: Path) -> None:
    lines = [line for line in crontab(schedule(folder="/home/ada/my work")).splitlines() if not line.startswith("#")]
    [line] = lines
    minute, hour, *days, command = line.split(None, 5)
    assert (minute, hour, days) == ("30", "2", ["*", "*", "*"])
    # cron cuts a command at every % without a backslash, and takes the backslash away
    assert not re.search(r"(?<!\\)%", command)
    words = shlex.split(command.replace(r"\%", "%"))
    assert words[:3] == ["cd", "/home/ada/my work", "&&"]
    assert tuple(words[3:9]) == COMMAND
    assert "NIGHT_URL" in crontab(schedule())


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for name, unit in systemd(schedule()).items():
        (tmp_path / name).write_text(unit)
    units = [str(path) for path in tmp_path.iterdir()]
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, timeout=60)
    complaints = [line for line in done.stderr.splitlines() if str(tmp_path) in line or "saddle-nightly" in line]
    assert complaints == []
    assert done.returncode == 0, done.stderr


def test_systemd_runs_the_very_command() -> None:
    units = systemd(schedule("nightly.missed=catch_up", "nightly.timezone=Europe/Berlin"))
    service, timer = units["saddle-nightly.service"], units["saddle-nightly.timer"]
    [line] = [line for line in service.splitlines() if line.startswith("ExecStart=")]
    words = shlex.split(line.removeprefix("ExecStart="))
    assert tuple(word.replace("%%", "%").replace("$$", "$") for word in words) == COMMAND
    assert "OnCalendar=*-*-* 02:30:00 Europe/Berlin" in timer
    assert "Persistent=true" in timer


def test_github_and_kubernetes_get_yaml_without_a_secret_in_it() -> None:
    yaml = YAML(typ="safe")
    workflow, job = yaml.load(github(schedule())), yaml.load(kubernetes(schedule("nightly.timezone=Europe/Berlin")))
    [step] = [step for step in workflow["jobs"]["night"]["steps"] if step.get("name") == "night"]
    assert step["env"]["NIGHT_URL"] == "${{ secrets.NIGHT_URL }}"
    assert workflow["jobs"]["night"]["steps"][0]["with"]["fetch-depth"] == 0
    assert job["kind"] == "CronJob"
    assert job["spec"]["schedule"] == "30 2 * * *"
    assert job["spec"]["timeZone"] == "Europe/Berlin"
    [container] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    said = container["command"][-1].removeprefix("exec ").partition(" --date ")[0]
    assert shlex.split(said) == ["saddle", *COMMAND[1:]]
    assert container["envFrom"] == [{"secretRef": {"name": "saddle-nightly", "optional": True}}]


def test_github_says_that_its_runners_keep_no_folder() -> None:
    assert "--storage s3://" in github(schedule(storage="/home/ada/runs"))
    assert "--storage s3://" not in github(schedule())


@pytest.mark.parametrize("text", ["24:00", "2", "02:60", "noon"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="write it as 02:30"):
        parse_time(text)
