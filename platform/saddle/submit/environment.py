"""Which environment variables travel to a cluster; none of them may be a secret, for Ray shows them to its users."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from saddle.errors import UserError

PREFIX = "SADDLE_"
NAMES = (
    "MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION",
    "AWS_DEFAULT_REGION",
)  # fmt: skip
OF_THIS_MACHINE = ("SADDLE_HOME", "SADDLE_STORAGE", "SADDLE_DATA", "SADDLE_CACHE", "SADDLE_REQUIRE_SYSTEM")
"""Paths that commands take as options, and what concerns only this machine."""

SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL")


class SecretError(UserError):
    """Something secret would be shown on the cluster's dashboard."""


def to_send(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables for a driver on the cluster; raises `SecretError` where one of them is secret."""
    found = _ours(os.environ if environment is None else environment)
    for name, value in found.items():
        if is_secret(name, value):
            raise SecretError(
                f"{name} holds a password or key, and what is sent along with a study is shown on the cluster's "
                f"dashboard: set {name} in the environment of the cluster's nodes, and run this command without it "
                f"(env -u {name} saddle …)"
            )
    return found


def for_workers() -> dict[str, str]:
    """The variables for trials of a driver in this process; secrets stay here, where only the driver needs them."""
    return {name: value for name, value in _ours(os.environ).items() if not is_secret(name, value)}


def is_secret(name: str, value: str) -> bool:
    """Whether a variable looks like a secret, or is an address with a password in it."""
    if SECRET_NAME.search(name.upper()):
        return True
    if "://" not in value:
        return False
    try:
        parts = urlsplit(value)
        password = parts.password
    except ValueError:  # whatever this is, it is not shown to anybody
        return True
    return password is not None or any(SECRET_NAME.search(field.upper()) for field in parse_qs(parts.query))


def _ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value
        for name, value in sorted(environment.items())
        if value and name not in OF_THIS_MACHINE and (name in NAMES or name.startswith(PREFIX))
    }
