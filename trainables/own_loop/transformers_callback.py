"""A callback that turns `train` of a Hugging Face `Trainer` into the reports of a function `train(config, run)`.

Importing this module imports transformers, so nothing imports it before it is used.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.own_loop.framework_metrics import contract_metrics

try:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ModuleNotFoundError as error:
    raise ImportError("TransformersCallback needs transformers: pip install 'saddle[transformers]'") from error

if TYPE_CHECKING:
    from trainables.own_loop.loop_run import LoopRun

NO_METRICS = ("epoch", "total_flos")
NO_METRIC_ENDS = ("runtime", "_per_second")
"""Names under which a `Trainer` logs its own progress and pace."""


class TransformersCallback(TrainerCallback):
    """Reports each evaluation of `Trainer.train` to `run`: what was logged, and the state; stops when the trial stops.

    Use it as `callbacks=[callback]` and pass `resume_from_checkpoint=callback.checkpoint` to `train`, so that an
    interrupted trial continues. `eval_accuracy` is reported as `validation/accuracy`, the training's `loss`
    as `train/loss`. The state has the weights as `model`, and the content of a checkpoint of the `Trainer`.
    Raises `ValueError` in a trial of several workers, and for a second evaluation of the same step.
    """

    def __init__(self, run: LoopRun) -> None:
        if run.world_size > 1:
            raise ValueError(f"a Trainer starts its workers itself: resources.workers is 1, not {run.world_size}")
        self._run = run
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._first_step: int | None = None
        self._reported_step: int | None = None
        self._logged: dict[str, float] = {}

    @property
    def checkpoint(self) -> str | None:
        """The folder of the last checkpoint for `train`'s `resume_from_checkpoint`; None if the trial starts."""
        stored = self._run.resume()
        if stored is None:
            return None
        import torch

        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="own-loop-")
        folder = Path(self._folder.name)
        self._run.restore()  # the file of random states is made from the generators
        for name, part in (
            ("pytorch_model.bin", stored["model"]),
            ("optimizer.pt", stored["optimizer"]),
            ("scheduler.pt", stored["scheduler"]),
            ("rng_state.pth", generator_states()),
        ):
            torch.save(part, folder / name)
        (folder / "trainer_state.json").write_text(stored["trainer"], encoding="utf-8")
        return str(folder)

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """From here on evaluations after a step are those of the training."""
        self._first_step = state.global_step

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Evaluations from now on are the script's own."""
        self._first_step = None

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Keep what the training logged last."""
        self._logged |= {name: value for name, value in measured(logs or {}).items() if not name.startswith("eval_")}

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Report the evaluation; does not return if the trial is stopped."""
        if self._first_step in (None, state.global_step):  # the script's own, or one before the first step
            return
        if state.global_step == self._reported_step:
            raise ValueError(
                f"step {state.global_step} is evaluated twice: give the Trainer one dataset as eval_dataset"
            )
        self._reported_step = state.global_step
        training, self._logged = self._logged, {}
        self._run.report(
            {**contract_metrics(training, "train"), **contract_metrics(measured(metrics or {}), "validation")},
            model=kwargs["model"],
            optimizer=kwargs["optimizer"],
            scheduler=kwargs["lr_scheduler"],
            trainer=json.dumps(asdict(state)),
        )


def measured(logged: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that are about the model."""
    return {
        name: float(value)
        for name, value in logged.items()
        if isinstance(value, int | float) and name not in NO_METRICS and not name.endswith(NO_METRIC_ENDS)
    }


def generator_states() -> dict[str, Any]:
    """The states of all global generators, as in a checkpoint of a `Trainer`."""
    import numpy as np
    import torch

    states = {"python": random.getstate(), "numpy": np.random.get_state(), "cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states
