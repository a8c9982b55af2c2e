"""The compose file: its schema, what it opens, the commands it runs, and the S3 server it names."""

from __future__ import annotations

import importlib.resources
import json
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from saddle.store.open import open_store
from saddle.store.s3 import conditions
from saddle.store.s3.store import S3Store
from tests.support.infra_commands import calls, parse
from tests.support.infra_tools import INFRA, documents, module, program
from tests.support.s3 import environment
from tests.support.seaweedfs import makes_bucket, serving_seaweedfs

pytestmark = pytest.mark.long

FOLDER = INFRA / "compose"
S3_COMPONENT = "kubernetes/components/s3/s3.yaml"
FILES = ["compose.yaml", "compose.gpu.yaml"]
[COMPOSE] = documents((FOLDER / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.parametrize("name", FILES)
def test_the_compose_specification_takes_it(name: str) -> None:
    package = module("check_jsonschema").__name__
    schemas = importlib.resources.files(package) / "builtin_schemas/vendor"
    [document] = documents((FOLDER / name).read_text())
    jsonschema.validate(document, json.loads((schemas / "compose-spec.json").read_text()))


@pytest.mark.parametrize("name", SERVICES)
def test_its_commands_are_ones_that_the_programs_take(name: str) -> None:
    said = list(calls(SERVICES[name]))
    assert said or name in ("postgres", "s3", "buckets", "optuna-dashboard")
    for words in said:
        parse(words)


def test_ports_are_on_loopback_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert [port for port in ports if not port.startswith("127.0.0.1:")] == []


def test_mlflow_is_asked_for_its_health_by_the_name_that_studies_use() -> None:
    mlflow = SERVICES["mlflow"]
    [words] = list(calls(mlflow))
    allowed = words[words.index("--allowed-hosts") + 1].split(",")
    host = COMPOSE["x-node-environment"]["MLFLOW_TRACKING_URI"].removeprefix("http://")
    assert host in allowed
    assert f"http://{host}/api/" in mlflow["healthcheck"]["test"][-1]


def test_images_of_others_have_a_version() -> None:
    images = [service["image"] for service in SERVICES.values() if "SADDLE_IMAGE" not in service["image"]]
    assert images
    assert [image for image in images if image.endswith(":latest") or ":" not in image] == []


def test_every_secret_is_a_file_that_the_script_writes_once(tmp_path: Path) -> None:
    (tmp_path / "make-secrets.sh").write_bytes((FOLDER / "make-secrets.sh").read_bytes())

    def make() -> dict[str, str]:
        subprocess.run(["bash", tmp_path / "make-secrets.sh"], check=True, timeout=60)
        return {f"./secrets/{path.name}": path.read_text() for path in (tmp_path / "secrets").iterdir()}

    made = make()
    assert {secret["file"] for secret in COMPOSE["secrets"].values()} == set(made)
    assert all(len(text) >= 48 for text in made.values())
    assert make() == made
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert "secrets/" in (FOLDER / ".gitignore").read_text()
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])


def test_what_reads_a_search_knows_the_database_that_its_driver_wrote_it_to() -> None:
    """Of a study without its search `saddle verify` would find that there is none, and repair it in another place."""
    urls = {SERVICES[name]["environment"]["SADDLE_OPTUNA_URL"] for name in ("head", "saddle")}
    assert len(urls) == 1
    for name in ("head", "saddle"):
        assert "postgres_password" in SERVICES[name]["secrets"]
        [script] = [
            part for part in (*SERVICES[name].get("entrypoint", ()), *SERVICES[name]["command"]) if "PGP" in part
        ]
        assert script.startswith('export PGPASSWORD="$$(cat /run/secrets/postgres_password)" && exec ')


def test_workers_hold_neither_the_databases_password_nor_a_way_to_it() -> None:
    assert "postgres_password" not in SERVICES["worker"]["secrets"]
    assert "SADDLE_OPTUNA_URL" not in SERVICES["worker"]["environment"]


def test_s3_servers_have_room_for_every_bucket_on_a_small_disk() -> None:
    """SeaweedFS counts the volumes that fit the disk, and starts with seven for each bucket."""
    [component] = [each for each in documents((INFRA / S3_COMPONENT).read_text()) if each["kind"] == "StatefulSet"]
    [container] = component["spec"]["template"]["spec"]["containers"]
    for options in (SERVICES["s3"]["command"], container["args"]):
        assert "-volume.max=0" in options, "as many as fit"
        [limit] = [int(option.partition("=")[2]) for option in options if "volumeSizeLimitMB" in option]
        assert 3 * 7 * limit < 30_000, "in megabytes"


@pytest.fixture
def seaweedfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The S3 server of the compose file, started by its own options on a loopback port; its endpoint."""
    version = subprocess.run([program("weed"), "version"], capture_output=True, text=True, timeout=60, check=True)
    tag = SERVICES["s3"]["image"].partition(":")[2]
    assert tag in version.stdout, "another version than the one that was tried"
    with serving_seaweedfs(tmp_path / "s3", SERVICES["s3"]["command"]) as server:
        for name, value in environment(server.endpoint).items():
            monkeypatch.setenv(name, value)
        yield server.endpoint


def test_its_s3_server_keeps_conditions_for_32_writers(seaweedfs: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conditions, "WRITERS", 32)
    store = open_store("s3://saddle/studies", create=False)
    assert isinstance(store, S3Store)
    assert "SeaweedFS" in conditions.check_conditions(store)
    store.write("studies/a/b", b"content")
    assert store.read("studies/a/b") == b"content"
    makes_bucket(seaweedfs, "mlflow")
    other = open_store("s3://mlflow/artifacts", create=False)
    other.write("a/b", b"content")
    assert other.read("a/b") == b"content"
