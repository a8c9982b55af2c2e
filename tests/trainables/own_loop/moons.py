"""Two moons distinguished by a small network: a training function with all that may stand beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from sklearn.datasets import make_moons
from torch import Tensor, nn

from trainables.contract import Config as Base
from trainables.contract import Run, hyperparameter
from trainables.own_loop.loop_run import LoopRun

METRICS = {
    "train/loss": "minimize",
    "validation/accuracy": "maximize",
    "test/accuracy": "maximize",
}
SELECTION = "validation/accuracy"


class Config(Base):
    lr: float = hyperparameter(0.1, source="customary", description="Step size.", gt=0)
    epochs: int = hyperparameter(3, source="assumed", description="Passes over the training data.", ge=1)


def moons(seed: int) -> tuple[Tensor, Tensor]:
    points, labels = make_moons(120, noise=0.2, random_state=seed)
    return torch.tensor(points, dtype=torch.float32), torch.tensor(labels)


def make_model() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Dropout(0.1), nn.Linear(8, 2))


def accuracy(model: nn.Module, points: Tensor, labels: Tensor) -> float:
    model.eval()
    with torch.no_grad():
        return float((model(points).argmax(1) == labels).float().mean())


def train(config: Config, run: LoopRun) -> None:
    """Tells two moons apart."""
    points, labels = moons(0)
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=config.lr)
    for _ in range(run.restore(model=model, optimizer=optimizer), config.epochs):
        model.train()
        for batch in torch.randperm(len(points)).split(30):
            loss = F.cross_entropy(model(points[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        found = {"train/loss": loss, "validation/accuracy": accuracy(model, *moons(1))}
        run.report(found, model=model, optimizer=optimizer)


def load(config: Config, state: Mapping[str, Any]) -> nn.Module:
    model = make_model()
    model.load_state_dict(state["model"])
    return model


def evaluate(config: Config, state: Mapping[str, Any], run: Run) -> dict[str, float]:
    return {"test/accuracy": accuracy(load(config, state), *moons(2))}
