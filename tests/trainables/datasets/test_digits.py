"""scikit-learn's digits without importing scikit-learn."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import sklearn.datasets

from trainables.datasets.known import digits


def test_the_table_is_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = sklearn.datasets.load_digits()
    expected = np.column_stack([bundle.data, bundle.target])
    assert np.array_equal(digits.read_table(), expected)
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    assert np.array_equal(digits.read_table(), expected), "where the file is elsewhere, scikit-learn reads it"


def test_reading_it_imports_no_scikit_learn() -> None:
    code = "import sys; from trainables.datasets import load; load('digits'); sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=120).returncode == 0
