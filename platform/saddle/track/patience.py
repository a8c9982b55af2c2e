"""How long MLflow's client may wait for a server."""

from __future__ import annotations

import os

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "MLFLOW_HTTP_REQUEST_TIMEOUT": "10"}


def be_brief() -> None:
    """Few retries, unless the user has set their number: the client's own would block for minutes on a dead server."""
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
