"""`saddle` as a process: started in a folder, watched, killed, with all processes that it started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def processes_naming(text: str) -> list[int]:
    """Processes whose command line or environment contains `text`."""
    pids = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                description = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except OSError:
                continue
            if text.encode() in description:
                pids.append(int(folder.name))
    return pids


class Command:
    """`saddle` in a folder and with a mark in its environment, which identifies all processes that it starts.

    `environment` are further variables.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder, self.environment = folder, environment or {}
        self.mark = f"SADDLE_TEST_MARK={folder}"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        name, _, value = self.mark.partition("=")
        return subprocess.Popen(
            [sys.executable, "-m", "saddle.cli", *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment, name: value},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0, seconds: float = 300) -> str:
        """Its output until it ends, with the exit code `code`."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=seconds)
        assert process.returncode == code, output
        return output

    def rows(self, study: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = json.loads(self.run("results", study, "--json"))
        return rows

    def entries(self, study: str) -> int:
        return len(list((self.folder / f"runs/studies/{study}/ledger").glob("*.parquet")))

    def leftovers(self) -> list[int]:
        return processes_naming(self.mark)

    def kill_leftovers(self) -> None:
        """End all processes that were started here and still run."""
        for process in self.leftovers():
            os.kill(process, signal.SIGKILL)


def essence(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The fields that must not differ between an interrupted run and an undisturbed one."""
    same = ("outcome", "params", "seed", "arm", "epochs", "selected_epoch", "test_last")
    return {
        row["trial"]: {
            **{name: row[name] for name in same},
            "metrics": {name: value for name, value in row["metrics"].items() if name != "test/process"},
        } | {"test_last": {n: v for n, v in row["test_last"].items() if n != "test/process"}}
        for row in rows
    }  # fmt: skip
