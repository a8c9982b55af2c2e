"""Makes the storages of `tests/assets/storages`: those of a saddle of some commit with a half-finished search.

    python -m tests.support.make_storages COMMIT TREE [local | s3 | postgres | gone-on]

TREE is a clean checkout of COMMIT. Its own command runs `STUDIES` on Ray, in a local folder with MLflow, in a bucket,
and with Optuna in PostgreSQL, and is interrupted in the middle of a trial. An archive of each storage is written, with
this saddle's rows of results; `gone-on` writes the rows after the same saddle has continued with the search.
Nothing about the machine is included: names of hosts and users are made up.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.support.commands import essence
from tests.support.earlier_storages import ASSETS, BUCKET, HALF, STUDIES, dump_database, fetch_bucket, unpack
from tests.support.pages import ROOT
from tests.support.postgres import Postgres
from tests.support.s3 import S3, environment, serving_s3
from tests.support.waiting import wait_until

SEARCH_SECONDS = 1200.0
ENDED = 4
"""Trials of the search that end before it is interrupted."""

ELSEWHERE = """\
import getpass, platform, socket

socket.gethostname = platform.node = lambda: "machine"
getpass.getuser = lambda: "somebody"
"""
"""A `sitecustomize` with which a process appears to be on another machine."""

LEFT_OUT = re.compile(r"report\.html$")
"""Files that are not read again, and contain the path of their folder."""


@dataclass
class Making:
    """One storage in use: where it is, the environment of its processes, and how its files are listed."""

    folder: Path
    tree: Path
    storage: str
    tracked: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    names: Callable[[], list[str]] = list

    @property
    def environment(self) -> dict[str, str]:
        clean = {n: v for n, v in os.environ.items() if not n.startswith(("SADDLE_", "MLFLOW_", "AWS_", "RAY_"))}
        paths = (self.folder / "site", self.tree / "platform", self.tree, self.tree / "tests/support/methods")
        own = {"PYTHONPATH": os.pathsep.join(map(str, paths)), "SADDLE_STORAGE": self.storage, "LOGNAME": "somebody"}
        return {**clean, **own, "SADDLE_HOME": str(self.folder / "home"), **self.variables}

    def saddle(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "saddle.cli", *arguments], cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def rows(self, study: str) -> list[dict[str, Any]]:
        output, _ = self.saddle("results", study, "--json").communicate(timeout=120)
        rows: list[dict[str, Any]] = json.loads(output)
        return rows

    def run_half(self) -> None:
        """Run the studies, and interrupt the search in the middle of a trial after `ENDED` others."""
        (self.folder / "site").mkdir()
        (self.folder / "site/sitecustomize.py").write_text(ELSEWHERE)
        (self.folder / "studies.yaml").write_text(STUDIES)
        process = self.saddle("run", "studies.yaml", *([] if self.tracked else ["--no-mlflow"]))
        try:
            wait_until(
                lambda: is_half_done(self.names()), "half of the search", SEARCH_SECONDS, process=process,
                show=lambda: "" if process.poll() is None else process.communicate()[0],
            )  # fmt: skip
            process.send_signal(signal.SIGINT)
            output, _ = process.communicate(timeout=300)
        finally:
            process.kill()
        assert process.returncode == 130, output
        assert is_half_done(self.names()), "the trial ended before it was interrupted"


def is_half_done(names: list[str]) -> bool:
    """Whether `ENDED` trials of the search are in the ledger, and another one has stored its second epoch."""
    text = "\n".join(names)
    ended = set(re.findall(r"studies/half/ledger/(trial-\d+)\.parquet", text))
    under_way = set(re.findall(r"studies/half/trials/(trial-\d+)/checkpoints/epoch-00002", text)) - ended
    return len(ended) == ENDED and bool(under_way)


def files_below(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


@contextmanager
def local(folder: Path, tree: Path) -> Iterator[Making]:
    runs = folder / "runs"
    yield Making(folder, tree, str(runs), tracked=True, names=lambda: files_below(runs))


@contextmanager
def bucket(folder: Path, tree: Path) -> Iterator[Making]:
    with serving_s3() as endpoint:
        os.environ |= environment(endpoint)
        server = S3(endpoint)
        server.bucket(BUCKET)
        storage, variables = f"s3://{BUCKET}/saddle", environment(endpoint)
        yield Making(folder, tree, storage, variables=variables, names=lambda: server.keys(BUCKET))
        fetch_bucket(server, folder / "bucket")


@contextmanager
def database(folder: Path, tree: Path) -> Iterator[Making]:
    server, runs = Postgres(), folder / "runs"
    try:
        server.start()
        url = server.new_database()
        variables = {"SADDLE_OPTUNA_URL": url}
        yield Making(folder, tree, str(runs), variables=variables, names=lambda: files_below(runs))
        (folder / "optuna.sql").write_text(dump_database(server, url))
    finally:
        server.remove()


KINDS = {"local": local, "s3": bucket, "postgres": database}


def refuse_private(folder: Path, private: Mapping[str, str]) -> None:
    """Raise if a file of the storage contains private text."""
    for path in files_below(folder):
        content = (folder / path).read_bytes()
        for what, text in private.items():
            if text.encode() in content:
                raise ValueError(f"{path} contains {what}: {text}")


def pack(folder: Path, archive: Path) -> None:
    """Write the storage to `archive`, with made-up owners and in the order of names."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if LEFT_OUT.search(member.name):
            return None
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        return member

    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for part in ("runs", "bucket", "home", "optuna.sql", "rows.json"):
            if (folder / part).exists():
                tar.add(folder / part, part, filter=anonymous)


def make(commit: str, tree: Path, kind: str) -> Path:
    """Make one storage and its archive."""
    with tempfile.TemporaryDirectory(prefix="saddle-") as name:
        folder = Path(name)
        with KINDS[kind](folder, tree) as making:
            making.run_half()
            rows = {study: essence(making.rows(study)) for study in ("sides", "half")}
            (folder / "rows.json").write_text(json.dumps(rows, indent=1))
        for part in ("runs", "bucket", "home"):
            refuse_private(folder / part, {"the tree's path": str(ROOT), "the checkout's path": str(tree)})
        archive = ASSETS / f"{commit}-{kind}.tar.xz"
        pack(folder, archive)
    return archive


def go_on(commit: str, tree: Path) -> Path:
    """Let the saddle of `tree` continue the search of the one of `commit`; its results are kept."""
    with tempfile.TemporaryDirectory(prefix="saddle-") as name:
        folder = Path(name)
        unpack(commit, "local", folder)
        (folder / "site").mkdir()
        (folder / "half.yaml").write_text(HALF)
        making = Making(folder, tree, str(folder / "runs"))
        process = making.saddle("run", "half.yaml", "--no-mlflow")
        output, _ = process.communicate(timeout=SEARCH_SECONDS)
        assert process.returncode == 0, output
        facts = {"optuna": version("optuna"), "half": essence(making.rows("half"))}
    path = ASSETS / "gone-on.json"
    path.write_text(json.dumps(facts, indent=1) + "\n")
    return path


if __name__ == "__main__":
    commit, tree, *kinds = sys.argv[1:]
    paths = [make(commit, Path(tree).resolve(), kind) for kind in kinds or KINDS if kind != "gone-on"]
    if "gone-on" in kinds:
        paths.append(go_on(commit, Path(tree).resolve()))
    for path in paths:
        print(path.name, path.stat().st_size)
