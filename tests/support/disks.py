"""A small file system for one test, which it fills, empties and makes read-only; needs root."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SECONDS = 120


@dataclass
class Disk:
    """A tmpfs at `folder`."""

    folder: Path

    @property
    def filler(self) -> Path:
        return self.folder / "filler"

    def fill(self, leave: int = 0) -> None:
        """Fill all space except about `leave` bytes."""
        with self.filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        if leave:
            os.truncate(self.filler, max(0, self.filler.stat().st_size - leave))

    def empty(self) -> None:
        """Free the space that `fill` took."""
        self.filler.unlink(missing_ok=True)

    def remount(self, *options: str) -> None:
        """Change the options of the mount, such as `ro` or `size=64m`."""
        subprocess.run(
            ["mount", "-o", ",".join(("remount", *options)), self.folder], check=True, timeout=SECONDS
        )  # fmt: skip


@contextlib.contextmanager
def mounted(folder: Path, size: str) -> Iterator[Disk]:
    """A tmpfs of `size` (`1m`) at `folder`; skips the test if this user may not mount."""
    folder.mkdir(parents=True)
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root can mount a small disk")
    answer = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True, timeout=SECONDS
    )
    if answer.returncode != 0:
        pytest.skip(f"no small disk can be mounted here: {answer.stderr.strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True, timeout=SECONDS)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Disk]:
    """A file system of 256 KiB."""
    with mounted(tmp_path / "small-disk", "256k") as disk:
        yield disk
