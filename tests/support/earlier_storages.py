"""Storages of earlier saddles with a half-finished search: archives in `tests/assets/storages`, packed and unpacked."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.postgres import Postgres
from tests.support.s3 import S3
from tests.support.waiting import PROCESS_SECONDS

ASSETS = Path(__file__).parents[1] / "assets" / "storages"
BUCKET = "bucket"

SIDES = """\
study: sides
question: Does x help, wherever the parabola lies?
trainable: parabola
fixed: {epochs: 2}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  blocks: {shift: [0.0, 0.5]}
  seeds: 2
  compare: {metric: test/score}
resources: {concurrency: 1}
"""

HALF = """\
study: half
question: Where is the top of the parabola?
trainable: parabola
fixed: {epochs: 5, pause: 0.3, pictures: true, trouble_epoch: 3}
search:
  x: {float: [0.0, 1.0]}
  mode: {choice: [plain, curved]}
  bend: {float: [0.0, 1.0], when: {mode: curved}}
  trouble: {choice: [none, collapse]}
objective: {maximize: validation/score}
constraints: [validation/cost <= 0.9]
sampler: {tpe: {startup_trials: 3, seed: 0}}
early_stopping: {median: {}}
budget: {trials: 8}
resources: {concurrency: 1}
"""

STUDIES = f"{SIDES}---\n{HALF}"


@dataclass(frozen=True)
class EarlierStorage:
    """A storage of an earlier saddle, unpacked."""

    folder: Path
    rows: dict[str, dict[str, Any]]
    """That saddle's results of each trial of each study, as from `commands.essence`."""

    def restore_bucket(self, server: S3) -> str:
        """Put the objects into a new bucket; the storage's URL."""
        name, client, root = server.bucket(), server.client(), self.folder / "bucket"
        for path in root.rglob("*"):
            if path.is_file():
                client.put_object(Bucket=name, Key=str(path.relative_to(root)), Body=path.read_bytes())
        return f"s3://{name}/saddle"

    def restore_database(self, server: Postgres) -> str:
        """Fill a new database with Optuna's tables; its address."""
        url = server.new_database()
        server.execute((self.folder / "optuna.sql").read_text(), url)
        return url


def unpack(commit: str, kind: str, folder: Path) -> EarlierStorage:
    """The storage of the saddle of `commit`, below `folder`."""
    with tarfile.open(ASSETS / f"{commit}-{kind}.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    return EarlierStorage(folder, json.loads((folder / "rows.json").read_text()))


def fetch_bucket(server: S3, folder: Path) -> None:
    """Write every object of the bucket to a file of its name."""
    client = server.client()
    for key in server.keys(BUCKET):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())


def dump_database(server: Postgres, url: str) -> str:
    """The database as SQL for any later PostgreSQL and any client: without owners, settings and commands."""
    password, name = server.password, url.rpartition("/")[2]
    process = subprocess.run(
        [server.bin / "pg_dump", "--inserts", "--no-owner", "--no-privileges", "--no-comments", "--schema=public",
         "--host=127.0.0.1", f"--port={server.port}", "--username=saddle", name],
        env={**os.environ, "PGPASSWORD": password}, capture_output=True, text=True, check=True, timeout=PROCESS_SECONDS,
    )  # fmt: skip
    lines = (line for line in process.stdout.splitlines() if not re.match(r"--|SET |\\|CREATE SCHEMA|$", line))
    return "".join(f"{line}\n" for line in lines)
