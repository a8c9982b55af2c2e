"""Finds how many trials share a GPU, from the memory that a probe measured on the cluster before the study starts."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from saddle.cluster.capacity.resources import Nodes
from saddle.cluster.gpu.devices import list_gpus
from saddle.cluster.gpu.share import TrialMemory, share_of, trials_on_gpu
from saddle.design import replicates_of_study
from saddle.design.study_arms import arms_of_study
from saddle.errors import DoesNotFit
from saddle.execute.plan.probed_configurations import probed_configurations
from saddle.store.base import Store
from saddle.store.infrastructure_errors import explain_fault
from saddle.store.open import study_folder
from saddle.store.ownership.fence import StudyLock, write_fenced
from saddle.study.models import Study
from saddle.study.trainable.loading import load_trainable
from saddle.trial.run_id import RunId

FILE = "gpu-memory.json"

PROBE_MINUTES = 30.0
"""How long the whole probe may take, a node that has to come for it and a trainable's first download included."""

ASK_SECONDS = 60.0

log = logging.getLogger("saddle")


class GpuMemory:
    """What a trial of a study takes of a GPU: measured by the study's first run, and noted with it for later ones."""

    def __init__(self, study: Study, baseline: Mapping[str, Any] | None, store: Store, data_root: str | None) -> None:
        self.study, self._store, self._data_root = study, store, data_root
        self._path = f"{study_folder(RunId(study.study))}/{FILE}"
        self._arms = arms_of_study(study, baseline)
        self._configurations, self._left_out = probed_configurations(study, load_trainable(study.source), self._arms)
        self.memory: TrialMemory | None = None

    def find(self) -> None:
        """Read what was measured of the same configurations, or measure; raises `DoesNotFit` for what no GPU holds."""
        self.memory = self._noted() or measure_on_cluster(
            self.study, self._configurations, self._left_out, self._data_root
        )
        if self.memory is not None and not self.memory.fitting():
            raise DoesNotFit(
                f"a trial needs {gigabytes(self.memory.needed)} of GPU memory, and {self.memory.name} has "
                f"{gigabytes(self.memory.gpu)}; without resources.trials_per_gpu it gets a whole GPU"
            )

    def shared(self, nodes: Nodes) -> Study:
        """The study with the share of a GPU that its trials get; the whole one where nothing could be measured."""
        trials = 1
        if self.memory is not None:
            fitting = self.memory.fitting(smallest_gpu())
            trials = trials_on_gpu(self.study.resources, fitting, nodes, self._total)
        update = {"gpus_per_worker": share_of(trials)}
        return self.study.model_copy(update={"resources": self.study.resources.model_copy(update=update)})

    def note(self, lock: StudyLock) -> None:
        """Keep what was measured, once the run has its folder."""
        if self.memory is not None:
            content = json.dumps({"of": self._key, **asdict(self.memory)}).encode()
            if not self._store.exists(self._path) or self._store.read(self._path) != content:
                write_fenced(self._store, self._path, content, lock)

    def __str__(self) -> str:
        if self.memory is None:
            return "no memory could be measured on a GPU, so each trial gets a whole one"
        memory = self.memory
        left_out = f", {memory.left_out} more were not measured" if memory.left_out else ""
        return (
            f"a trial took up to {gigabytes(memory.used)} of a GPU in {memory.configurations} configurations{left_out},"
            f" and gets {gigabytes(memory.needed)} of {gigabytes(memory.gpu)} ({memory.name})"
        )

    @property
    def _total(self) -> int | None:
        if self.study.search is not None:
            return self.study.budget.trials
        return len(replicates_of_study(self.study, self._arms))

    @property
    def _key(self) -> str:
        """What was measured, by the configurations and the code of the user's own."""
        facts = [self.study.source.name, self.study.source.checksum, self._configurations]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]

    def _noted(self) -> TrialMemory | None:
        try:
            noted = json.loads(self._store.read(self._path))
            return TrialMemory(**noted) if noted.pop("of") == self._key else None
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None


def measure_on_cluster(
    study: Study, configurations: Sequence[Mapping[str, Any]], left_out: int, data_root: str | None
) -> TrialMemory | None:
    """What these configurations take of a GPU that they have to themselves; None where nothing could be measured.

    Raises `InfrastructureError` where no GPU was free for it in time.
    """
    import ray

    from saddle.execute.worker.memory_probe import probe_there

    if not configurations:
        return None
    probe = ray.remote(num_cpus=study.resources.cpus_per_worker, num_gpus=1, max_retries=1)(probe_there)
    answer = probe.remote(json.dumps(asdict(study.source)), list(configurations), left_out, data_root)
    try:
        text = ray.get(answer, timeout=60 * PROBE_MINUTES)
    except ray.exceptions.GetTimeoutError as error:
        ray.cancel(answer, force=True)
        why = f"the memory of a trial was not measured within {PROBE_MINUTES:g} minutes: no GPU was free, or it hangs"
        raise explain_fault(why, "name a share of your own with resources.gpus_per_worker") from error
    except ray.exceptions.RayError as error:  # of the trainable's import, or of a process that died
        log.warning("the memory of a trial could not be measured: %s", str(error).strip().splitlines()[-1])
        return None
    return TrialMemory(**json.loads(text)) if text else None


def smallest_gpu() -> int | None:
    """The memory of the cluster's smallest GPU, in bytes; None where no node says."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask = ray.remote(num_cpus=0, max_retries=1)(list_gpus)
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("GPU")]
    there = [NodeAffinitySchedulingStrategy(node, soft=True) for node in nodes]
    answers = [ask.options(scheduling_strategy=strategy).remote() for strategy in there]
    answered, _ = ray.wait(answers, num_returns=len(answers), timeout=ASK_SECONDS) if answers else ([], [])
    return min((gpu.memory for answer in answered for gpu in ray.get(answer)), default=None)


def gigabytes(amount: int) -> str:
    """An amount of bytes in words."""
    return f"{amount / 1e9:.2g} GB" if amount < 10e9 else f"{amount / 1e9:.0f} GB"
