"""How much longer training takes with a bad MLflow server (dead, answering 500, slow) than with none (`make bench`)."""

from __future__ import annotations

import contextlib
import math
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from saddle.cluster.capacity.resources import Nodes
from saddle.execute import driver
from saddle.execute.driver import Options, run_study
from saddle.store.local import LocalStore
from saddle.studyfile.loader import parse_studies
from saddle.track.base import Tracker
from saddle.track.opening import open_tracker
from saddle.track.server import Server, free_port, serve
from tests.support.faulty_proxy import Fault, faulty_proxy

PAIRS = 10
AIM = 0.02
"""How much longer training may take. Pairs of runs show it only on a quiet machine, so what is asserted is the share of
the training time that the driver spends in calls of the tracker: on a busy machine it stays far below, and a tracker
that waits for its server exceeds it many times, because every trial makes several calls."""

ANSWER_SECONDS = 2.0

STUDY = """
study: bench
trainable: adversarial_training
fixed: {dataset: digits, epochs: 8, epsilon_warmup: 0, perturbation: sta}
search: {lr: {float: [1e-3, 1e-2]}}
objective: {maximize: validation/clean_accuracy}
sampler: {random: {seed: 0}}
budget: {trials: 4}
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(LocalStore(tmp_path_factory.mktemp("mlflow"))) as running:
        yield running


@contextlib.contextmanager
def bad_server(kind: str, server: Server) -> Iterator[str]:
    """The address of a server with this fault."""
    if kind == "dead":
        yield f"http://127.0.0.1:{free_port()}"
        return
    with faulty_proxy(server.uri) as proxy:
        if kind == "500":
            proxy.plan = lambda request: Fault("answer", status=500)
        else:
            proxy.delay = ANSWER_SECONDS
        yield proxy.url


class Timed:
    """A tracker whose calls are timed, except the last, which comes after training."""

    def __init__(self, tracker: Tracker, calls: list[float]) -> None:
        self._tracker = tracker
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._tracker, name)

        def timed(*arguments: Any) -> Any:
            since = time.perf_counter()
            result = method(*arguments)
            if name != "close":
                self._calls.append(time.perf_counter() - since)
            return result

        return timed


def training_seconds(nodes: Nodes, *, track: bool) -> float:
    """From the first trial's start to the last one's end; later deliveries delay no training."""
    [study] = parse_studies(STUDY, "bench.yaml")
    with tempfile.TemporaryDirectory() as folder:
        result = run_study(study, LocalStore(Path(folder)), nodes, Options(track=track))
        assert {entry.outcome for entry in result.entries} == {"completed"}
        assert bool(result.undelivered) == track, "the server was to be bad for the whole study"
        return max(e.ended for e in result.entries) - min(e.started for e in result.entries)


@pytest.mark.parametrize("kind", ["dead", "500", "slow"])
@pytest.mark.timeout(1800)
def test_training_is_not_delayed(
    kind: str, server: Server, ray_session: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pairs alternate, and take turns in who goes first, so that a machine that slows down slows both."""
    monkeypatch.setattr(driver, "DELIVERY_SECONDS", 0.5)
    calls: list[float] = []

    def open_timed(*arguments: Any, enabled: bool) -> Any:
        tracker = open_tracker(*arguments, enabled=enabled)
        return Timed(tracker, calls) if enabled else tracker

    monkeypatch.setattr(driver, "open_tracker", open_timed)
    ratios, plain, tracked = [], [], []
    with bad_server(kind, server) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        for warm in (True, False):  # imports, and the first start of slots
            training_seconds(ray_session, track=warm)
        calls.clear()
        for pair in range(PAIRS):
            order = (True, False) if pair % 2 else (False, True)
            seconds = {track: training_seconds(ray_session, track=track) for track in order}
            ratios.append(math.log(seconds[True] / seconds[False]))
            plain.append(seconds[False])
            tracked.append(seconds[True])
    mean = statistics.fmean(ratios)
    half = float(stats.t.ppf(0.975, PAIRS - 1)) * statistics.stdev(ratios) / math.sqrt(PAIRS)
    ratio, low, high = math.exp(mean), math.exp(mean - half), math.exp(mean + half)
    print(f"\nMLflow server {kind}, {PAIRS} pairs of {statistics.fmean(plain):.1f} s of training:")
    longer, least, most = (f"{100 * (value - 1):+.1f}" for value in (ratio, low, high))
    print(f"{longer} % longer than without MLflow (95 % interval {least} to {most} %)")
    verdict = "reached" if high < 1 + AIM else "MISSED" if low > 1 + AIM else "left open by these pairs"
    print(f"aim under {100 * AIM:g} %: {verdict}")
    share = sum(calls) / sum(tracked)
    print(f"{100 * share:.3f} % of it was spent in {len(calls)} calls of the tracker,", end=" ")
    print(f"at most {1000 * max(calls):.1f} ms each")
    assert share < AIM, "training waits for the tracker"
