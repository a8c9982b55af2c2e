"""The Ray cluster a study runs on: one of our own on this machine, unless one is already connected."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

QUIET = {
    # saddle has its own Ctrl-C, loggers and resuming; Tune's would double or fight them
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": str(10**9),
    "TUNE_WARN_THRESHOLD_S": "5",
    # a study file's relative paths mean the same in a worker as in the driver
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_usage_stats_enabled": "0",
}

OBJECT_STORE_BYTES = 200 * 2**20


@contextlib.contextmanager
def connect() -> Iterator[dict[str, float]]:
    """The resources of the connected cluster; starts one on this machine where none is, and ends it afterwards."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    ours = not ray.is_initialized()
    if ours:
        ray.init(
            address="local",
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=True,
            logging_level=logging.ERROR,
            object_store_memory=OBJECT_STORE_BYTES,
        )
    logging.getLogger("ray.tune").setLevel(logging.ERROR)
    try:
        yield {name: float(amount) for name, amount in ray.cluster_resources().items()}
    finally:
        if ours:
            ray.shutdown()
