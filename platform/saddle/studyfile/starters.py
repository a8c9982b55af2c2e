"""Files to start from, commented, that run as they are: what `saddle init` writes."""

from __future__ import annotations

TRAIN = '''\
"""A network for handwritten digits: replace the parts between the lines by your own."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn.functional import cross_entropy

from trainables.contract import Config as Base
from trainables.contract import hyperparameter

# What is measured, and which direction is better. What begins with test/ comes from evaluate, the rest from train.
METRICS = {"train/loss": "minimize", "validation/accuracy": "maximize", "test/accuracy": "maximize"}
# The metric that chooses the best epoch.
SELECTION = "validation/accuracy"


class Config(Base):
    # Each setting with its range, its default, and where the default comes from.
    lr: float = hyperparameter(0.1, source="assumed", gt=0, description="Step size.")
    hidden: int = hyperparameter(32, source="assumed", ge=1, unit="units", description="Width of the hidden layer.")
    epochs: int = hyperparameter(5, source="assumed", ge=1, unit="epochs", description="Passes over the data.")


# ---- data and model ----
digits = load_digits()
images, labels = torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target)
TRAIN, VALIDATION, TEST = slice(0, 1000), slice(1000, 1400), slice(1400, None)


def make_model(config):
    return nn.Sequential(nn.Linear(64, config.hidden), nn.ReLU(), nn.Linear(config.hidden, 10))


def accuracy(model, part):
    with torch.no_grad():
        return (model(images[part]).argmax(1) == labels[part]).float().mean().item()


# ---- training: random generators are seeded with the trial's seed already ----
def train(config, run):
    model = make_model(config)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.lr)
    # 0 at the start; after a crash the epochs done, with model and optimizer as they were
    for _ in range(run.restore(model=model, optimizer=optimizer), config.epochs):
        for batch in torch.randperm(1000).split(50):
            loss = cross_entropy(model(images[TRAIN][batch]), labels[TRAIN][batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        metrics = {"train/loss": loss, "validation/accuracy": accuracy(model, VALIDATION)}
        run.report(metrics, model=model, optimizer=optimizer)


# ---- optional: opening a trained model, and the test, which is measured once, at the end ----
def load(config, state):
    model = make_model(config)
    model.load_state_dict(state["model"])
    return model


def evaluate(config, state, run):
    return {"test/accuracy": accuracy(load(config, state), TEST)}
'''

TRAINABLE_STUDY = """\
# saddle plan study.yaml    what would be trained, and what it could show
# saddle run study.yaml     trains it and answers

study: my-search
question: Which step size is best?
trainable: ./train.py:train            # relative to this file
fixed: {hidden: 32}                    # what all trials share
search:                                # what is searched, with its range
  lr: {float: [1e-2, 1.0], log: true}
objective: {maximize: validation/accuracy}
sampler: {tpe: {startup_trials: 3}}    # three at random, then by what was seen
budget: {trials: 6}
---
study: my-ablation                     # a later document takes over trainable and fixed
question: Does a wider layer help?
ablation:
  baseline: {best_of: my-search}       # with the settings of the best trial
  factors: {hidden: [32, 128]}         # the arms; the first level is the baseline's
  seeds: 5                             # the same ones in every arm
  compare: {metric: test/accuracy}
"""

SEARCH = """\
# saddle plan search.yaml    what would be trained
# saddle run search.yaml     trains it and answers

study: my-search
question: Which step size makes a network most robust?
trainable: adversarial_training        # saddle trainables adversarial_training lists its settings
recipe: customary                      # where defaults come from: paper, official_code or customary
scale: quick                           # sizes of data, network and training; or full
fixed: {dataset: digits, epochs: 2}    # what all trials share
search:                                # a range for each searched setting: float, int or choice
  lr: {float: [1e-2, 0.5], log: true}
objective: {maximize: validation/robust_accuracy.worst_case}
sampler: {tpe: {startup_trials: 3}}    # three at random, then by what was seen
# early_stopping: asha                 # stops hopeless trials
budget: {trials: 6}                    # or hours, or both: the first limit reached counts
"""

ABLATION = """\
# saddle plan ablation.yaml    the arms, and how large a difference the seeds could show
# saddle run ablation.yaml     trains it and answers

study: my-ablation
question: Does a wider attack in training make a network more robust?
trainable: adversarial_training        # saddle trainables adversarial_training lists its settings
recipe: customary
scale: quick
fixed: {dataset: digits, epochs: 2}
ablation:
  baseline: {lr: 0.1}                  # or best_of: STUDY, the best trial of a search
  factors:                             # the first level of each is the baseline's
    steps: [1, 5]
  seeds: 3                             # the same ones in every arm; five or more for small differences
  compare:
    metric: test/robust_accuracy.worst_case
    # equivalence: 0.01                # half the width of what counts as no difference
"""

STARTERS: dict[str, dict[str, str]] = {
    "search": {"search.yaml": SEARCH},
    "ablation": {"ablation.yaml": ABLATION},
    "trainable": {"train.py": TRAIN, "study.yaml": TRAINABLE_STUDY},
}
"""The files of each kind, by their names."""
