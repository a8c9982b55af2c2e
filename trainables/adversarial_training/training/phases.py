"""The phases of a training: one, or in a distillation the teacher's and then the student's."""

from __future__ import annotations

from dataclasses import dataclass

from trainables.adversarial_training.combinations import student_start
from trainables.adversarial_training.config import Config


@dataclass(frozen=True)
class Phase:
    """Epochs from `first`, counted from 0, in which one network is trained with its own learning rate schedule."""

    first: int
    epochs: int
    trains_teacher: bool = False

    def schedule_progress(self, config: Config, progress: float) -> float:
        """`progress` in epochs of the whole training as the schedule of `config.epochs` has it in this phase."""
        return (progress - self.first) / self.epochs * config.epochs if self.epochs != config.epochs else progress


def phase_of(config: Config, epoch: int) -> Phase:
    """The phase of an epoch, counted from 0."""
    start = student_start(config)
    if epoch < start:
        return Phase(0, start, trains_teacher=True)
    return Phase(start, config.epochs - start)
