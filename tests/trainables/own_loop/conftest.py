"""What tests of loops of one's own share."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
import torch


@pytest.fixture
def through_a_file() -> Callable[[Any], Any]:
    """Writes a state and reads it back as a store does: tensors and plain values only."""

    def written_and_read(state: Any) -> Any:
        content = io.BytesIO()
        torch.save(state, content)
        return torch.load(io.BytesIO(content.getvalue()), weights_only=True)

    return written_and_read
