"""A linear classifier of handwritten digits: a small trainable that has everything a trainable needs."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from trainables.contract import Config as BaseConfig
from trainables.contract import Report, hyperparameter, require_finite

METRICS = {"train/loss": "minimize", "validation/clean_accuracy": "maximize", "test/clean_accuracy": "maximize"}
SELECTION = "validation/clean_accuracy"
HELD_OUT = 300


class Config(BaseConfig):
    lr: float = hyperparameter(0.5, source="assumed", gt=0, le=100, description="Step of gradient descent.")
    epochs: int = hyperparameter(5, source="assumed", ge=1, le=1000, unit="epochs", description="Passes over the data.")


def train(config, run):
    digits = run.data("digits").train
    pixels, labels = digits.pixels().to(run.device), digits.labels.to(run.device)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    for weights in model.parameters():
        nn.init.zeros_(weights)
    state = run.resume()
    if state:
        model.load_state_dict(state["model"])
    model = run.prepare(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=config.lr)
    for epoch in range(state["epoch"] if state else 0, config.epochs):
        # the order follows from seed and epoch alone, so that a resumed trial equals an undisturbed one
        generator = torch.Generator().manual_seed(1000 * run.seed + epoch)
        for batch in (HELD_OUT + torch.randperm(len(pixels) - HELD_OUT, generator=generator)).split(50):
            loss = cross_entropy(model(pixels[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        right = model(pixels[:HELD_OUT]).argmax(1) == labels[:HELD_OUT]
        metrics = {
            "train/loss": require_finite("train/loss", run.mean(loss.item())),  # else Diverged: a result, no error
            "validation/clean_accuracy": run.mean(right.float().mean().item()),
        }
        # copies, because a report must not change when training continues
        weights = {name: tensor.cpu().clone() for name, tensor in run.unwrap(model).state_dict().items()}
        yield Report(metrics, state={"epoch": epoch + 1, "model": weights})


def load(config, state):
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    model.load_state_dict(state["model"])
    return model.eval()


def evaluate(config, state, run):
    test = run.data("digits").test
    right = load(config, state)(test.pixels()).argmax(1) == test.labels
    return Report({"test/clean_accuracy": right.float().mean().item()}, arrays={"right": right.numpy()})
