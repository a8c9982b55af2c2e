"""PGD's step as one compiled graph: the attack is the same, and what can't be compiled is attacked all the same."""

from __future__ import annotations

import logging
import shutil
from typing import Any

import pytest
import torch
from torch import Tensor

from trainables import adversarial_training as method
from trainables.adversarial_training.model import build, compiled
from trainables.attacks.algorithms import compiled_step
from trainables.attacks.algorithms.compiled_step import CompiledStep
from trainables.attacks.algorithms.stacked import attack_tasks
from trainables.attacks.frozen import frozen
from trainables.contract import resolve

GIVEN: dict[str, Any] = {"dataset": "digits", "tasks": ["odd_even"], "perturbation": "mp", "width": 2, "epochs": 1}


def attacked(step: CompiledStep | None, sizes: tuple[float, ...] = (0.02,), **given: Any) -> list[Tensor]:
    """What attacks of both tasks find with steps of these sizes, in double precision, within 0.1."""
    config = resolve(method, {**GIVEN, **given}).config
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(12, 1, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.randint(2, (12, 2), generator=generator)
    noise = torch.rand(2, 12, 1, 8, 8, generator=generator, dtype=torch.float64)
    model = build(config, (1, 8, 8), (10, 2), seed=0).double()
    model.attack_step = step
    with frozen(model):
        return [
            attack_tasks(model, images, labels, [[0], [1]], epsilon=0.1, step_size=size, steps=5, noise=noise)
            for size in sizes
        ]


def test_the_attack_is_that_of_the_plain_steps_and_compiled_once() -> None:
    graphs: list[Any] = []

    def counted(graph: Any, inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    step = CompiledStep(backend=counted)
    found = attacked(step, (0.02, 0.03))
    assert (step.has_failed, len(graphs)) == (False, 1)
    assert all(called in graphs[0].code for called in ("conv2d", "linear", "cross_entropy", "sign(", "clamp("))
    torch.testing.assert_close(found, attacked(None, (0.02, 0.03)), rtol=0, atol=1e-12)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a CPU")
def test_so_is_that_of_the_compiler_that_trials_use() -> None:
    step = CompiledStep()
    torch.testing.assert_close(attacked(step), attacked(None), rtol=0, atol=1e-12)
    assert not step.has_failed


def test_what_cannot_be_compiled_is_attacked_with_a_caution(caplog: pytest.LogCaptureFixture) -> None:
    def refuses(graph: Any, inputs: Any) -> Any:
        raise NotImplementedError("no such machine")

    step = CompiledStep(backend=refuses)
    with caplog.at_level(logging.WARNING):
        found = attacked(step, (0.02, 0.03))
    assert step.has_failed
    assert [record.name for record in caplog.records] == [compiled_step.__name__]
    torch.testing.assert_close(found, attacked(None, (0.02, 0.03)), rtol=0, atol=1e-12)


def test_a_mistake_of_the_attack_is_no_failure_to_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    step = CompiledStep(backend="eager")

    def out_of_memory(*given: Any) -> Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(step, "_compiled", out_of_memory)
    with pytest.raises(torch.OutOfMemoryError):
        attacked(step)


def test_training_takes_the_step_where_it_is_asked_for() -> None:
    assert compiled(build(resolve(method, GIVEN).config, (1, 8, 8), (10, 2), 0), "off").attack_step is None
    for wanted in (False, True):
        config = resolve(method, {**GIVEN, "compile": "default", "compile_attack": wanted}).config
        model = compiled(build(config, (1, 8, 8), (10, 2), 0), config.compile, attack_step=config.compile_attack)
        assert isinstance(model.attack_step, CompiledStep) == wanted
    with pytest.raises(ValueError, match="compile_attack needs a way to compile"):
        resolve(method, {**GIVEN, "compile_attack": True})
