"""A callback that turns the fit of a Lightning `Trainer` into the reports of a function `train(config, run)`.

Importing this module imports Lightning, so nothing imports it before it is used.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.own_loop.framework_metrics import contract_metrics

try:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from lightning.pytorch.callbacks import Checkpoint
except ModuleNotFoundError as error:
    raise ImportError("LightningCallback needs Lightning: pip install 'saddle[lightning]'") from error

if TYPE_CHECKING:
    from trainables.own_loop.loop_run import LoopRun

HYPERPARAMETERS = (
    "hyper_parameters", "hparams_name", "hparams_type",
    "datamodule_hyper_parameters", "datamodule_hparams_name", "datamodule_hparams_type",
)  # fmt: skip
"""Parts of a checkpoint that `fit` doesn't read; they may hold objects of any type."""


class LightningCallback(Callback):
    """Reports each epoch of `Trainer.fit` to `run`: what was logged, and the state; stops when the trial is stopped.

    Use it as `callbacks=[callback]` and pass `ckpt_path=callback.checkpoint` to `fit`, so that an interrupted trial
    continues. `val_accuracy` is reported as `validation/accuracy`; a name without a split is of the loop that
    logged it. The state has the module's weights as `model`, and the rest of a Lightning checkpoint.
    Raises `ValueError` in a trial of several workers: a `Trainer` starts its own.
    """

    def __init__(self, run: LoopRun) -> None:
        if run.world_size > 1:
            raise ValueError(
                f"a Lightning Trainer starts its workers itself: resources.workers is 1, not {run.world_size}"
            )
        self._run = run
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._resumes = False
        self._logged_before: set[str] = set()
        self._of_validation: set[str] = set()
        self._validated = False

    @property
    def checkpoint(self) -> str | None:
        """The file of the last checkpoint for `fit`'s `ckpt_path`; None if the trial starts."""
        stored = self._run.resume()
        if stored is None:
            return None
        import torch

        self._resumes = True
        path = self._scratch() / "resumed.ckpt"
        torch.save({**stored["lightning"], "state_dict": stored["model"]}, path)
        return str(path)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Report epochs after all other callbacks, and after the module's own `on_train_epoch_end`."""
        if stage == "fit" and not any(isinstance(callback, EpochReports) for callback in trainer.callbacks):
            trainer.callbacks.append(EpochReports(self))

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Restore the random generators; the order of the data is drawn next."""
        if self._resumes:
            self._run.restore()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record what is already logged."""
        self._logged_before = set(trainer.callback_metrics)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record which metrics are of the validation, and that they are new."""
        self._of_validation |= set(trainer.callback_metrics) - self._logged_before
        self._validated = not trainer.sanity_checking

    def report(self, trainer: Trainer) -> None:
        """Report the epoch that has ended; does not return if the trial is stopped."""
        metrics = self._metrics(trainer.callback_metrics)
        self._validated = False
        state = self._state(trainer)
        self._run.report(metrics, model=state.pop("state_dict"), lightning=state)

    def _metrics(self, logged: dict[str, Any]) -> dict[str, float]:
        """The metrics of this epoch, without those of an earlier validation if it had none."""
        of_validation = {name: value for name, value in logged.items() if name in self._of_validation}
        of_training = {name: value for name, value in logged.items() if name not in self._of_validation}
        validated = contract_metrics(of_validation, "validation") if self._validated else {}
        return {**contract_metrics(of_training, "train"), **validated}

    def _state(self, trainer: Trainer) -> dict[str, Any]:
        """The trainer's checkpoint, as in its own file."""
        import torch

        path = self._scratch() / "epoch.ckpt"
        trainer.save_checkpoint(path, weights_only=False)
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=False)  # written a line above
        path.unlink()
        return {name: part for name, part in checkpoint.items() if name not in HYPERPARAMETERS}

    def _scratch(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="own-loop-")
        return Path(self._folder.name)


class EpochReports(Checkpoint):
    """The end of an epoch, when a `Trainer` saves its checkpoints.

    It is added to a `Trainer` after its set-up: one made with `enable_checkpointing=False` refuses it before.
    """

    def __init__(self, callback: LightningCallback) -> None:
        self._callback = callback

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report the epoch."""
        self._callback.report(trainer)
