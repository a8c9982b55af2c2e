"""MLflow's guard against DNS rebinding: a server refuses host names that it was not started with."""

from __future__ import annotations

import http.client
import os
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from saddle.errors import HostRefused
from saddle.track.mlflow_internals import INVALID_HOST

PROBE_SECONDS = 5.0
QUESTION = "/api/2.0/mlflow/experiments/search?max_results=1"


def host_refusal(uri: str, answer: str) -> HostRefused | None:
    """The error to show where a server's `answer` of 403 comes from its guard; None for every other answer."""
    if INVALID_HOST not in answer:
        return None
    server, host = _without_login(uri)
    return HostRefused(
        f"the MLflow server at {server} refuses requests for the host {host} (403, its guard against DNS rebinding; "
        f"its health page still answers): start it with --allowed-hosts {host}, or add {host} to the "
        "comma-separated list there, each name with its port"
    )


def require_host(uri: str | None, seconds: float = PROBE_SECONDS) -> None:
    """Raise `HostRefused` if the MLflow server at `uri` refuses this host name.

    Other problems, such as a server that can't be reached, are ignored.
    """
    if uri is None or not uri.startswith(("http://", "https://")):
        return
    # without the login, which the guard does not look at
    request = urllib.request.Request(_without_login(uri)[0].rstrip("/") + QUESTION)
    try:
        with urllib.request.urlopen(request, timeout=seconds):
            return
    except urllib.error.HTTPError as error:
        with error:
            refusal = host_refusal(uri, error.read(1000).decode(errors="replace")) if error.code == 403 else None
    except (OSError, http.client.HTTPException, ValueError):
        return
    if refusal is not None:
        raise refusal


def tracking_server() -> str | None:
    """The team's MLflow server that `MLFLOW_TRACKING_URI` names; None if it names none, or a database."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    return uri if uri.startswith(("http://", "https://")) else None


def _without_login(uri: str) -> tuple[str, str]:
    """The server's address without user and password, and the `Host` header that clients send it."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=host).geturl(), host
