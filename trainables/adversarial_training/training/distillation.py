"""Defensive distillation: a teacher, then a student that learns its probabilities (Papernot et al., 2016)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from trainables.adversarial_training.config import Config
from trainables.adversarial_training.model import build
from trainables.adversarial_training.training.objective import Objective
from trainables.contract import Run

TEACHER_INIT = "teacher init"
"""The random stream of the teacher's initial weights; the student has those of every other trial of its seed."""


class Distillation:
    """The teacher of a trial, once it is trained; nothing in a trial without distillation."""

    def __init__(self, config: Config, run: Run, shape: Sequence[int], classes: Sequence[int]) -> None:
        self.config, self.run, self.shape, self.classes = config, run, shape, classes
        self.teacher: nn.Module | None = None

    def objective(self) -> Objective:
        """What the present phase minimises."""
        temperature = self.config.distillation_temperature if self.config.distillation == "defensive" else 1.0
        return Objective(self.config, temperature, self.teacher)

    def begin_student(self, weights: Mapping[str, Any], model: nn.Module) -> None:
        """Keep the teacher's `weights`, and make the bare `model` the untrained student."""
        self.restore({"teacher": weights})
        student = build(self.config, self.shape, self.classes, self.run.seed)
        model.load_state_dict(student.state_dict())

    def restore(self, state: Mapping[str, Any]) -> None:
        """The teacher of a stored state, where it has one."""
        if "teacher" in state:
            teacher = build(self.config, self.shape, self.classes, self.run.seed)
            teacher.load_state_dict(state["teacher"])
            self.teacher = teacher.to(self.run.device).eval().requires_grad_(False)

    def state(self) -> dict[str, Any]:
        """Its part of a stored state; the tensors are the teacher's own."""
        return {} if self.teacher is None else {"teacher": self.teacher.state_dict()}
