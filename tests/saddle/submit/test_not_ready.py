"""A head answers its health check some seconds before it takes jobs."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from saddle.errors import ClusterError, ClusterNotReady
from saddle.submit.jobs import NOT_READY, Jobs

JOBS: Any = SimpleNamespace(address="http://head:8265")


def test_a_head_without_agents_is_an_infrastructure_that_is_asked_again_later() -> None:
    refusal = RuntimeError(f"Request failed with status code 500: {NOT_READY}, please try again later.")
    with pytest.raises(ClusterNotReady, match="not ready for jobs yet; try again later") as caught, Jobs._asking(JOBS):
        raise refusal
    assert caught.value.exit_code == 3


def test_another_refusal_is_quoted() -> None:
    with pytest.raises(ClusterError, match="refuses: Request failed") as caught, Jobs._asking(JOBS):
        raise RuntimeError("Request failed with status code 400: no such package")
    assert caught.value.exit_code == 2


def test_ray_still_says_it_in_these_words() -> None:
    module = importlib.util.find_spec("ray.dashboard.modules.job.job_head")
    assert module is not None
    assert module.origin is not None
    assert NOT_READY in Path(module.origin).read_text()
