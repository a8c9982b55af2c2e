"""`saddle run` with the time of each of its parts: `python timed_saddle.py OUT.json STUDY [--set …] …`."""

from __future__ import annotations

import time

BEGAN = time.time()

import functools  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

PARTS = {
    "studyfile.loader.load_studies": "study file",
    "execute.plan.preflight.check_studies": "checks of storage and data",
    "execute.plan.preflight.check_data": "checks of storage and data",
    "execute.plan.changed_code.refuse_other_code": "checks of storage and data",
    "execute.driver.run_all": "trials",
    "execute.driver.check_best": "checklist of the best",
    "execute.driver.write_report": "report",
    "execute.driver.run_study": "driver's own",
}
"""What is timed, and as which part; the time of a part within another counts only for the inner one."""


class Clock:
    """Seconds of each part, and when the workers were first ready."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.stack: list[tuple[str, float]] = []
        self.waits: list[float] = []

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self.enter(part)
            try:
                return call(*args, **kwargs)
            finally:
                self.leave()

        return wrapper

    def enter(self, part: str) -> None:
        now = time.time()
        self._count(now)
        self.stack.append((part, now))

    def leave(self) -> None:
        self._count(time.time())
        self.stack.pop()
        if self.stack:
            self.stack[-1] = (self.stack[-1][0], time.time())

    def _count(self, now: float) -> None:
        """Add the time since the last call to the innermost part."""
        if self.stack:
            part, since = self.stack[-1]
            self.seconds[part] = self.seconds.get(part, 0.0) + now - since
            self.stack[-1] = (part, now)


def main() -> None:
    import importlib

    import ray

    clock = Clock()
    clock.enter("imports and the rest")
    clock.seconds["imports and the rest"] = time.time() - BEGAN
    for name, part in PARTS.items():
        module, _, function = f"saddle.{name}".rpartition(".")
        home = importlib.import_module(module)
        setattr(home, function, clock.timed(part, getattr(home, function)))
    ray.init, ray.shutdown = clock.timed("start of Ray", ray.init), clock.timed("end of Ray", ray.shutdown)
    note_waits(clock)
    out, *arguments = sys.argv[1:]
    sys.argv = ["saddle", "run", *arguments]
    from saddle.cli import main as saddle

    try:
        saddle()
    finally:
        clock.leave()
        seconds = {**clock.seconds, "start of the first workers": clock.waits[0] if clock.waits else 0.0}
        seconds["trials"] = seconds.get("trials", 0.0) - seconds["start of the first workers"]
        Path(out).write_text(json.dumps(seconds))


def note_waits(clock: Clock) -> None:
    """Record how long a study's first trial waited for its slot, from when the driver was ready."""
    from saddle.execute import driver
    from saddle.execute.scheduler import Scheduler

    run_all, on_worker_start = driver.run_all, Scheduler.on_worker_start
    began: list[float] = []

    def note_begin(*args: Any) -> None:
        began.append(time.time())
        run_all(*args)

    def note_start(self: Scheduler, key: str) -> None:
        if len(clock.waits) < len(began):
            clock.waits.append(time.time() - began[-1])
        on_worker_start(self, key)

    driver.run_all = note_begin  # type: ignore[assignment]
    Scheduler.on_worker_start = note_start  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
