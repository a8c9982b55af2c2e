"""What Ray would find on this machine, asked of it once and noted until the machine is another one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from saddle.cluster.ray_internals import machine_resources
from saddle.execute.plan import local_resources as module
from saddle.execute.plan.checked_data import notes_folder

ASKED = """
import json, sys
from saddle.execute.plan.local_resources import local_resources
print(json.dumps([local_resources(), "ray" in sys.modules]))
"""


def ask(monkeypatch: pytest.MonkeyPatch, count: float) -> list[dict[str, float]]:
    """What is said of a machine of `count` CPUs in a process without Ray."""
    monkeypatch.setattr(module, "machine_resources", lambda: {"CPU": count, "GPU": 0.0})
    with monkeypatch.context() as patched:
        patched.delitem(sys.modules, "ray", raising=False)
        return module.local_resources()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path))


def test_ray_is_asked_once_and_agrees() -> None:
    asked = []
    for _ in range(2):
        printed = subprocess.run(
            [sys.executable, "-c", ASKED], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        asked.append(json.loads(printed))
    assert [imported for _, imported in asked] == [True, False]
    assert [resources for resources, _ in asked] == [[machine_resources()]] * 2


def test_it_is_asked_again_once_the_machine_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit, devices = tmp_path / "cpu.max", tmp_path / "dev"
    limit.write_text("max 100000")
    devices.mkdir()
    monkeypatch.setattr(module, "LIMITS", (limit,))
    monkeypatch.setattr(module, "DEVICES", devices)
    assert ask(monkeypatch, 8.0) == ask(monkeypatch, 7.0) == [{"CPU": 8.0, "GPU": 0.0}]
    limit.write_text("600000 100000")
    assert ask(monkeypatch, 6.0)[0]["CPU"] == 6.0
    (devices / "nvidia0").touch()
    assert ask(monkeypatch, 5.0)[0]["CPU"] == 5.0
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert ask(monkeypatch, 4.0)[0]["CPU"] == 4.0
    monkeypatch.setattr(module.metadata, "version", lambda name: "99.0")
    assert ask(monkeypatch, 3.0)[0]["CPU"] == 3.0
    assert ask(monkeypatch, 2.0)[0]["CPU"] == 3.0


@pytest.mark.parametrize("content", ["", "[]", "{", '{"CPU": "two"}', '{"CPU": null}', "{}"])
def test_a_damaged_note_is_asked_anew(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(monkeypatch, 8.0)
    [note] = notes_folder().iterdir()
    note.write_text(content)
    assert ask(monkeypatch, 6.0) == [{"CPU": 6.0, "GPU": 0.0}]


def test_a_process_with_ray_asks_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ask(monkeypatch, 8.0)
    monkeypatch.setitem(sys.modules, "ray", object())  # type: ignore[arg-type]
    monkeypatch.setattr(module, "machine_resources", lambda: {"CPU": 6.0, "GPU": 0.0})
    assert module.local_resources() == [{"CPU": 6.0, "GPU": 0.0}]
