"""Which environment variables saddle reads, and which of them travel to a cluster.

None that travels may be a secret, as Ray shows them to the cluster's users; and only these do, not every one that
begins with `SADDLE_`: the content of such a variable is not known.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from saddle.errors import SecretError
from saddle.redaction import redact
from saddle.secret_names import is_secret_name

OURS = {
    "SADDLE_STORAGE": "the storage where no --storage is given",
    "SADDLE_DATA": "the folder of datasets where no --data-root is given",
    "SADDLE_CACHE": "the folder in which a machine keeps decoded datasets",
    "SADDLE_CACHE_BYTES": "how much that folder may hold",
    "SADDLE_HOME": "the folder for what a driver keeps on its machine of studies in a bucket",
    "SADDLE_OPTUNA_URL": "a database for the searches of several machines",
    "SADDLE_SERVE_TOKEN": "the token that `saddle serve` demands",
    "SADDLE_NODE_MINUTES": "minutes for which a study waits for a node of its cluster that can run a trial",
    "SADDLE_OPTUNA_PATIENCE": "seconds for which that database is asked again where it doesn't answer",
}
"""Every variable of our own; a test holds the list against the sources."""

FOR_TRIALS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION", "AWS_DEFAULT_REGION", "SADDLE_CACHE_BYTES")
"""What trials on other nodes need; credentials go another way, see `saddle.cluster.credentials`."""

FOR_DRIVER = (
    *FOR_TRIALS, "MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL", "SADDLE_OPTUNA_URL", "SADDLE_OPTUNA_PATIENCE",
    "SADDLE_NODE_MINUTES",
)  # fmt: skip
"""What a driver on a cluster needs in addition; paths of this machine mean nothing there."""


def to_send(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables for a driver on the cluster; raises `SecretError` if one of them is secret."""
    variables = _named(os.environ if environment is None else environment, FOR_DRIVER)
    for name, value in variables.items():
        if is_secret(name, value):
            raise SecretError(
                f"{name} holds a password or key, and what is sent along with a study is shown on the cluster's "
                f"dashboard: set {name} in the environment of the cluster's nodes, and run this command without it "
                f"(env -u {name} saddle …)"
            )
    return variables


def for_workers() -> dict[str, str]:
    """The variables for trials of a driver in this process; secrets stay here, where only the driver needs them."""
    return {name: value for name, value in _named(os.environ, FOR_TRIALS).items() if not is_secret(name, value)}


def is_secret(name: str, value: str) -> bool:
    """Whether a variable looks like a secret, or is an address with one in it."""
    if is_secret_name(name) or redact(value) != value:
        return True
    try:
        return urlsplit(value).password is not None
    except ValueError:  # an address that can't be read is not shown to anyone
        return True


def _named(environment: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: value for name in sorted(names) if (value := environment.get(name))}
