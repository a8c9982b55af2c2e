"""The twenty planted secrets are in no image layer, rendered manifest, job or command line of the scripts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from saddle.errors import SecretError
from saddle.submit.job_spec import pack
from tests.infra.test_kubernetes import OVERLAYS
from tests.support.exposure import files_with, found_in
from tests.support.infra_tools import INFRA, ROOT, program
from tests.support.planted_secrets import BY_THE_METHOD, IN_THE_ENVIRONMENT, SECRETS

IN_CONTAINERS = {
    "AWS_SECRET_ACCESS_KEY": "zq/thirteen+key", "PGPASSWORD": "zq-twelve", "RAY_AUTH_TOKEN": "zq-eight",
    "MLFLOW_TRACKING_PASSWORD": "zq-eleven",
}  # fmt: skip

STUDY = """
study: packed
trainable: parabola
fixed: {epochs: 1}
ablation: {baseline: {x: 0.1}, factors: {x: [0.1, 0.2]}, seeds: 1, compare: {metric: test/score}}
"""


@pytest.fixture(autouse=True)
def _planted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**IN_THE_ENVIRONMENT, **IN_CONTAINERS}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """This tree without its history and environment, with the secrets in the files that people keep them in."""
    copy = tmp_path / "checkout"
    for name in ("infra", "platform", "trainables", "search_spaces", "tests/contracts"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy / name)
    places = (".env", "platform/.env", "trainables/own.key", "search_spaces/team.pem", "infra/compose/secrets/x",
              "runs/log", "platform/saddle/.env.local", ".aws/credentials")  # fmt: skip
    for place in places:
        (copy / place).parent.mkdir(parents=True, exist_ok=True)
        (copy / place).write_text(BY_THE_METHOD)
    return copy


def test_no_layer_of_the_image_has_one(checkout: Path, tmp_path: Path) -> None:
    assert len(files_with(checkout, SECRETS)) == 8
    rules = (checkout / "infra/docker/Dockerfile.dockerignore").read_text().splitlines()
    sent = exclude_paths(str(checkout), [rule for rule in rules if rule and not rule.startswith("#")])
    for name in sent:
        if (checkout / name).is_file():
            (tmp_path / "sent" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / name, tmp_path / "sent" / name)
    assert (tmp_path / "sent/platform/saddle/__init__.py").exists()
    assert (tmp_path / "sent/infra/constraints.txt").exists()
    assert files_with(tmp_path / "sent", SECRETS) == {}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_rendered_manifest_has_one(overlay: str) -> None:
    kubectl = [program("kubectl"), "kustomize", str(INFRA / f"kubernetes/overlays/{overlay}")]
    done = subprocess.run(kubectl, capture_output=True, timeout=120, check=True)
    assert b"RayCluster" in done.stdout or b"RayJob" in done.stdout
    assert found_in(done.stdout + done.stderr, SECRETS) == []


def test_no_job_has_one(tmp_path: Path) -> None:
    (tmp_path / "packed.yaml").write_text(STUDY)
    parcel = pack(str(tmp_path / "packed.yaml"), (), "s3://bucket/x")
    folder = tmp_path / "sent"
    folder.mkdir()
    environment = parcel.runtime_environment(folder)
    assert found_in(json.dumps([environment, parcel.command, parcel.options]).encode(), SECRETS) == []
    assert files_with(folder, SECRETS) == {}


@pytest.mark.parametrize("name", ["MLFLOW_TRACKING_URI", "SADDLE_OPTUNA_URL"])
def test_an_address_with_one_is_refused_instead_of_sent(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "packed.yaml").write_text(STUDY)
    monkeypatch.setenv(name, "https://user:zq-one@host/x")
    with pytest.raises(SecretError) as refused:
        pack(str(tmp_path / "packed.yaml"), (), "s3://bucket/x")
    assert found_in(str(refused.value).encode(), SECRETS) == []


def test_the_script_for_kubernetes_gives_secrets_to_kubectls_input_only(tmp_path: Path) -> None:
    """With a stand-in for kubectl that notes its arguments and its input, where no secret exists yet."""
    stand_in = tmp_path / "kubectl"
    stand_in.write_text(
        '#!/bin/bash\necho "$@" >>"$NOTES/arguments"\n[[ " $* " == *" get secret "* ]] && exit 1\n'
        '[[ " $* " == *" generic "* ]] && cat >>"$NOTES/input"\nexit 0\n'
    )
    stand_in.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "NOTES": str(tmp_path)}
    script = ["bash", INFRA / "kubernetes/make-secrets.sh"]
    done = subprocess.run(script, env=environment, capture_output=True, text=True, timeout=60, check=True)
    given = (tmp_path / "input").read_text()
    values = re.findall(r"[0-9a-f]{48}", given)
    assert len(values) == 3, "a password, and the key of the bucket twice"
    assert len(set(values)) == 2
    shown = (tmp_path / "arguments").read_text() + done.stdout + done.stderr
    assert [value for value in values if value in shown] == []
    assert {name: f"generic {name} " in shown for name in ("postgres", "bucket", "s3-identities")} == dict.fromkeys(
        ("postgres", "bucket", "s3-identities"), True
    )
