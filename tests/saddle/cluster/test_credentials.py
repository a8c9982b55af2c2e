"""S3 credentials reach every worker, and nobody sees them: no command line, no file of Ray's session, no state API."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from saddle.cluster.credentials import (
    KEY,
    SECRET,
    SESSION,
    adopt_credentials,
    own_settings,
    share_credentials,
    withhold_secrets_from_tune,
)
from saddle.secret_names import is_secret_name
from saddle.store.ledger.ledger import Ledger
from saddle.store.s3.store import S3Store
from saddle.trial.run_id import RunId
from tests.saddle.submit.conftest import METHODS, There
from tests.support.commands import Command
from tests.support.exposure import command_lines_with, files_with, watch
from tests.support.faulty_proxy import Fault, FaultyProxy, Request
from tests.support.ray_nodes import RayNodes
from tests.support.s3 import S3, environment
from tests.support.waiting import wait_until

PLANTED = {
    KEY: "AKIAPLANTEDKEY000077",
    SECRET: "planted/secret+key=of-the-driver",
    SESSION: "planted-session-token-of-the-driver",
    "MLFLOW_TRACKING_PASSWORD": "planted-password-of-mlflow",
    "SADDLE_OPTUNA_URL": "",
}
SECRETS = [value for value in PLANTED.values() if value]

STUDY = """
study: keyed
trainable: parabola
fixed: {epochs: 4, pause: 0.2, trouble: die_once, trouble_epoch: 3, marker: MARKER}
ablation:
  baseline: {x: 0.3}
  factors: {x: [0.3, 0.5]}
  seeds: 2
  compare: {metric: test/score}
"""


def signed_with(request: Request) -> str:
    """The access key id that a request was signed with."""
    return request.headers.get("Authorization", "").partition("Credential=")[2].partition("/")[0]


def demand(proxy: FaultyProxy, key: str) -> None:
    """Let the endpoint refuse everybody but who signs with this key."""
    refusal = Fault("answer", status=403, code="InvalidAccessKeyId")
    proxy.plan = lambda request: None if signed_with(request) == key else refusal


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Ray's folder, of its own for this test; with a longer path Ray's sockets would be elsewhere."""
    folder = Path(tempfile.mkdtemp(prefix="s", dir="/tmp"))
    monkeypatch.setenv("RAY_TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.long
def test_no_secret_shows_on_one_machine(s3: S3, tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "keyed.yaml").write_text(STUDY.replace("MARKER", str(tmp_path / "died")))
    url = f"s3://{s3.bucket()}/runs"
    command = Command(tmp_path)
    try:
        with watch(SECRETS, folder=scratch) as shown:
            said = command.run("run", "keyed.yaml", "--storage", url, "--no-mlflow")
    finally:
        command.kill_leftovers()
    assert "report:" in said
    assert not [secret for secret in SECRETS if secret in said]
    assert shown == {}
    assert files_with(scratch, SECRETS) == {}
    assert files_with(tmp_path, SECRETS) == {}


@pytest.fixture(scope="module")
def bare_nodes() -> Iterator[RayNodes]:
    """Two nodes of one CPU each, with nothing of AWS in their environments."""
    with RayNodes(extra={"AWS_EC2_METADATA_DISABLED": "true"}) as cluster:
        yield cluster.start(1, 1)


@pytest.mark.fault("worker killed that has the driver's credentials")
def test_a_cluster_s_workers_get_to_a_bucket_with_what_only_the_driver_has(
    bare_nodes: RayNodes, s3: S3, s3_proxy: FaultyProxy, tmp_path: Path
) -> None:
    demand(s3_proxy, PLANTED[KEY])
    there = There(bare_nodes, tmp_path)
    (tmp_path / "keyed.yaml").write_text(STUDY.replace("MARKER", str(tmp_path / "died")))
    url = f"s3://{s3.bucket()}/runs"
    given = {**environment(s3_proxy.url), **{name: value for name, value in PLANTED.items() if value}}

    def ask(path: str) -> str:
        return json.dumps(bare_nodes.get(path))

    order = ("run", "keyed.yaml", "--address", bare_nodes.address, "--storage", url, "--package", str(METHODS))
    with watch(SECRETS, ask) as shown:
        said, complained = there.run(*order, "--no-mlflow", SADDLE_HOME=str(tmp_path / "home"), **given)
    assert not [secret for secret in SECRETS if secret in said + complained]
    assert shown == {}
    assert files_with(bare_nodes.folder, SECRETS) == {}
    s3_proxy.heal()
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    entries = Ledger(S3Store(bucket, prefix), RunId("keyed")).entries()
    assert [str(entry.outcome) for entry in entries] == ["completed"] * 4
    assert max(entry.attempts for entry in entries) == 2, "a trial continued from its checkpoint"
    assert all([epoch["train/loss"] for epoch in entry.curve] == [1, 1 / 2, 1 / 3, 1 / 4] for entry in entries)
    assert not any(name.startswith("opened-by") for key in s3.keys(bucket) for name in key.split("/"))


class TestWhoseCredentials:
    """A worker's process in a cluster whose driver shares its own."""

    @pytest.fixture
    def url(self, ray_session: Any, s3: S3) -> str:
        return f"s3://{s3.bucket()}/runs"

    def of_worker(self, url: str, **own: str) -> dict[str, str]:
        """The AWS variables of a worker that has adopted what it is to have, its node having `own`."""
        import ray

        def adopted() -> dict[str, str]:
            adopt_credentials(url)
            return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}

        answer: dict[str, str] = ray.get(
            ray.remote(num_cpus=0)(adopted).options(runtime_env={"env_vars": own}).remote()
        )
        return answer

    def test_the_driver_s_where_the_node_has_none(
        self, url: str, s3_proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in (KEY, SECRET, SESSION):
            monkeypatch.setenv(name, PLANTED[name])
        with share_credentials():
            found = self.of_worker(url, AWS_EC2_METADATA_DISABLED="true")
        assert {name: found[name] for name in (KEY, SECRET, SESSION)} == {n: PLANTED[n] for n in (KEY, SECRET, SESSION)}
        assert found["AWS_ENDPOINT_URL_S3"] == s3_proxy.url
        assert found["AWS_DEFAULT_REGION"] == "us-east-1"

    def test_the_node_s_own_where_they_open_the_storage(self, url: str, s3_proxy: FaultyProxy) -> None:
        own = {**environment(s3_proxy.url), KEY: "of-the-node"}
        with share_credentials():
            assert self.of_worker(url, **own)[KEY] == "of-the-node"

    def test_the_driver_s_where_the_node_s_own_may_not_write(self, url: str, s3_proxy: FaultyProxy) -> None:
        refusal = Fault("answer", status=403)
        s3_proxy.plan = lambda r: refusal if (r.method, signed_with(r)) == ("PUT", "of-the-node") else None
        own = {**environment(s3_proxy.url), KEY: "of-the-node", SESSION: "of-the-node"}
        with share_credentials():
            found = self.of_worker(url, **own)
        assert found[KEY] == os.environ[KEY]
        assert SESSION not in found

    def test_a_node_s_role_where_the_driver_has_nothing(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in (KEY, SECRET):
            monkeypatch.delenv(name)
        with share_credentials():  # the other variable lets Ray start another process
            assert KEY not in self.of_worker(url, AWS_EC2_METADATA_DISABLED="true", AWS_MAX_ATTEMPTS="1")


def test_a_profile_s_credentials_are_the_driver_s_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    keys = "aws_access_key_id = of-team\naws_secret_access_key = s\naws_session_token = t\n"
    (tmp_path / "credentials").write_text(f"[team]\n{keys}")
    (tmp_path / "config").write_text("[profile team]\nregion = eu-west-1\nendpoint_url = http://minio:9000\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert own_settings() == {}
    monkeypatch.setenv("AWS_PROFILE", "team")
    assert own_settings() == {
        KEY: "of-team", SECRET: "s", SESSION: "t",
        "AWS_DEFAULT_REGION": "eu-west-1", "AWS_ENDPOINT_URL_S3": "http://minio:9000",
    }  # fmt: skip


def test_tune_hands_on_no_secret() -> None:
    from ray.tune.execution import class_cache

    withhold_secrets_from_tune()
    assert not [name for name in class_cache.ENV_VARS_TO_PROPAGATE if is_secret_name(name)]
    assert "RAY_CHDIR_TO_TRIAL_DIR" in class_cache.ENV_VARS_TO_PROPAGATE


def test_a_command_line_with_a_secret_would_be_seen() -> None:
    import subprocess
    import sys

    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", "planted-on-a-command-line"])
    try:
        # Popen returns as the program is replaced, a moment before its arguments can be read
        wait_until(lambda: command_lines_with(["planted-on-a-command-line"]), "the command line's discovery")
    finally:
        process.kill()
        process.wait()
