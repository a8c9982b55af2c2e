"""The image: its rules, its versions, what reaches its builder, and that it asks for what the project installs."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.support.infra_tools import INFRA, ROOT, program

DOCKERFILE = INFRA / "docker/Dockerfile"
TEXT = DOCKERFILE.read_text()
IGNORED = (INFRA / "docker/Dockerfile.dockerignore").read_text().splitlines()


def pinned(name: str) -> str:
    [version] = re.findall(rf"^{name}==(.*)$", (INFRA / "constraints.txt").read_text(), re.MULTILINE)
    return str(version)


def test_hadolint_finds_nothing() -> None:
    done = subprocess.run([program("hadolint"), str(DOCKERFILE)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("path", ["docker/Dockerfile", "compose/compose.yaml"])
def test_the_bases_have_the_ray_of_the_constraints_and_a_pinned_python(path: str) -> None:
    bases = re.findall(r"rayproject/ray:(\S+?)[}\s]", (INFRA / path).read_text())
    assert bases
    for base in bases:
        assert re.fullmatch(rf"{re.escape(pinned('ray'))}-py31[123]-(cpu|gpu|cu\d+)", base)


def test_the_cluster_of_kubernetes_has_it_too() -> None:
    assert f'rayVersion: "{pinned("ray")}"' in (INFRA / "kubernetes/base/ray-cluster.yaml").read_text()


def test_nothing_runs_as_root_and_a_token_is_asked_for() -> None:
    [user] = re.findall(r"^USER (.*)$", TEXT, re.MULTILINE)
    assert user == "1000:100", "a number, which Kubernetes can tell from root"
    assert TEXT.index("USER") < TEXT.index("RUN")
    assert "RAY_AUTH_MODE=token" in TEXT
    assert "HEALTHCHECK" in TEXT


def test_every_folder_that_the_package_has_is_copied_and_only_those_reach_the_builder() -> None:
    copied = {
        name for line in re.findall(r"^COPY \S+ (.*) \S+$", TEXT, re.MULTILINE) for name in line.split()
    }  # fmt: skip
    let_in = {line[1:] for line in IGNORED if line.startswith("!")}
    assert IGNORED[[line.startswith("#") for line in IGNORED].index(False)] == "*"
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_no_argument_or_variable_of_the_image_is_a_secret() -> None:
    from saddle.secret_names import is_secret_name

    names = re.findall(r"^(?:ARG|ENV) (\w+)|^ {4}(\w+)=", TEXT, re.MULTILINE)
    named = {first or second for first, second in names}
    assert {"BASE", "REVISION", "PYTHONUNBUFFERED"} <= named
    assert [name for name in named if is_secret_name(name) and name != "RAY_AUTH_MODE"] == []


def test_a_file_with_a_secret_in_a_checkout_is_left_out() -> None:
    last_let_in = max(index for index, line in enumerate(IGNORED) if line.startswith("!"))
    for pattern in ("**/.env", "**/*.pem", "**/*.key"):
        assert IGNORED.index(pattern) > last_let_in, "the last line that fits decides"
