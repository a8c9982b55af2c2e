"""The `run` of a user's function: it reports epochs by a call, and saddle copies the state."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Mapping
from typing import Any

from trainables.contract import Report, Run

RESERVED = ("epoch", "random")
"""Names of the state that the function may not use."""


class LoopRun:
    """A `Run` with `report` and `restore`; everything else is delegated to the run that it wraps."""

    def __init__(self, run: Run, hand_over: Callable[[Report], None]) -> None:
        self._run, self._hand_over = run, hand_over
        self.epoch = 0
        """Epochs reported so far, those before a resumption included."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._run, name)

    def report(self, metrics: Mapping[str, Any], **state: Any) -> None:
        """Report an epoch: its metrics, and what to copy into its checkpoint, such as `model=model`.

        Metrics are named with their split, such as `validation/accuracy`, and are numbers or tensors of one number.
        For objects with a `state_dict`, that is copied; tensors and plain values are copied directly. Does not return
        if the trial is stopped early.
        """
        reserved = [name for name in RESERVED if name in state]
        if reserved:
            raise ValueError(f"{reserved[0]} is a reserved name in a state; use another one")
        self.epoch += 1
        numbers = {name: number_of(name, value) for name, value in metrics.items()}
        self._hand_over(Report(numbers, state_of(self._run, self.epoch, state)))

    def restore(self, **state: Any) -> int:
        """Load the last checkpoint into the same objects that are reported, and return its number of epochs.

        0 if the trial starts; then nothing is changed. Random states are also restored.
        """
        stored = self._run.resume()
        if stored is None:
            return 0
        from trainables.states import detached

        for name, target in state.items():
            if name not in stored:
                raise KeyError(f"{name} is not in the stored state, which has {', '.join(stored)}")
            bare(self._run, target).load_state_dict(detached(stored[name]))  # optimisers keep these tensors
        self.epoch = int(stored["epoch"])
        set_random_states(stored["random"])
        return self.epoch


def number_of(name: str, value: Any) -> float:
    """A metric's value as a float; raises `ValueError` for anything but a single number."""
    try:
        return float(value.detach() if hasattr(value, "detach") else value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"metric {name!r} must be a number, not {type(value).__name__}") from error


def state_of(run: Run, epoch: int, state: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a checkpoint: a copy of each object's state, the epoch and the random states."""
    from trainables.states import detached

    copies = {name: detached(plain_state(run, value)) for name, value in state.items()}
    return {"epoch": epoch, **copies, "random": random_states()}


def plain_state(run: Run, value: Any) -> Any:
    """The `state_dict` of an object that has one, else the value itself."""
    value = bare(run, value)
    return value.state_dict() if hasattr(value, "state_dict") else value


def bare(run: Run, value: Any) -> Any:
    """A model without the wrapper of `run.prepare`."""
    from torch.nn import Module

    return run.unwrap(value) if isinstance(value, Module) else value


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def random_states() -> dict[str, Any]:
    """The states of all global generators, as tensors and plain values."""
    import numpy as np
    import torch

    version, words, gauss = random.getstate()
    numpy_state: dict[str, Any] = np.random.get_state(legacy=False)
    key = torch.from_numpy(numpy_state["state"]["key"].astype("int64"))
    states = {
        "python": [version, torch.tensor(words), gauss],
        "numpy": {**numpy_state, "state": {"key": key, "pos": int(numpy_state["state"]["pos"])}},
        "torch": torch.get_rng_state(),
    }
    if "torch.cuda" in sys.modules and torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        states["cuda"] = list(torch.cuda.get_rng_state_all())
    return states


def set_random_states(states: Mapping[str, Any]) -> None:
    """Restore all global generators to these states (see `random_states`)."""
    import numpy as np
    import torch

    version, words, gauss = states["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
    numpy_state = dict(states["numpy"])
    key = numpy_state["state"]["key"].numpy().astype("uint32")
    np.random.set_state({**numpy_state, "state": {"key": key, "pos": numpy_state["state"]["pos"]}})
    torch.set_rng_state(states["torch"])
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"])
