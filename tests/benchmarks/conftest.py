"""Benchmarks may run longer than a test: interleaved pairs take as long as the machine needs."""

from __future__ import annotations

from pathlib import Path

import pytest

LONGEST_SECONDS = 5400


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give the benchmarks of this folder without their own limit a longer one than tests have."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(LONGEST_SECONDS))
