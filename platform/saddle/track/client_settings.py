"""How long MLflow's client may wait for a server, and what it prints."""

from __future__ import annotations

import os

from saddle.process_setup import keep_loopback_from_proxies


def be_brief(seconds: int = 10) -> None:
    """Let the client give up on an answer after `seconds`, unless the user has set another time, and retry nothing.

    Its own retries would block for minutes on a dead server; and one that answers 500 after it has created a run
    would create it twice. It prints warnings only.
    """
    keep_loopback_from_proxies()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", str(seconds))
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # its messages about tables and migrations
    os.environ["MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT"] = "true"  # each run's address, in the middle of our lines
