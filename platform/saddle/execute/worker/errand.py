"""A call of a function in a warm slot, between two studies: a process that has imported torch already."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from saddle.errors import InfrastructureError

ERRAND = "errand"
ANSWER = "answer"
"""The names under which a slot's configuration holds a function that it is to call, and its result what came of it."""


@dataclass
class Errand:
    """A function and its arguments, and what came of the call once it is `over`."""

    function: Callable[..., Any]
    arguments: Sequence[Any]
    answer: Any = None
    error: BaseException | None = None
    over: threading.Event = field(default_factory=threading.Event)

    def dump(self) -> str:
        """What a slot gets."""
        return pack((self.function, tuple(self.arguments)))

    def end(self, answer: Any = None, error: BaseException | None = None) -> None:
        """Note what came of it, for the thread that waits."""
        self.answer, self.error = answer, error
        self.over.set()

    def result(self) -> Any:
        """What the function returned; raises what it raised, or that its slot has ended."""
        if self.error is not None:
            raise self.error
        if not self.over.is_set():
            raise InfrastructureError("it timed out")
        return self.answer


def run_errand(text: str) -> str:
    """Call the function that `Errand.dump` wrote, in a slot; its result as text."""
    function, arguments = unpack(text)
    return pack(function(*arguments))


def pack(value: Any) -> str:
    """A value as text, which Tune's configurations and results may hold."""
    from ray import cloudpickle

    return base64.b64encode(cloudpickle.dumps(value)).decode()


def unpack(text: str) -> Any:
    """The value that `pack` wrote."""
    from ray import cloudpickle

    return cloudpickle.loads(base64.b64decode(text))
