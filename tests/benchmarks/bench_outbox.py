"""How much longer training takes with a bad MLflow server (dead, answering 500, slow) than with none (`make bench`)."""

from __future__ import annotations

import contextlib
import math
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy import stats

from saddle.execute import driver
from saddle.execute.driver import Options, run_study
from saddle.execute.shapes import Nodes
from saddle.store.local import LocalStore
from saddle.study.loader import parse_studies
from saddle.track.server import Server, free_port, serve
from tests.support.faulty_proxy import Fault, faulty_proxy

PAIRS = 10
AIM = 1.02
SURELY_DELAYED = 1.10
"""Five times the aim. It is compared with the interval's lower end, so that noise alone, which widens the interval at
both ends, does not reach it; a tracker that is waited for does: each of a trial's calls would cost a slow answer."""

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
    """The address of a server that is bad in this way."""
    if kind == "dead":
        yield f"http://127.0.0.1:{free_port()}"
        return
    with faulty_proxy(server.uri) as proxy:
        if kind == "500":
            proxy.plan = lambda request: Fault("answer", status=500)
        else:
            proxy.delay = ANSWER_SECONDS
        yield proxy.url


def training_seconds(nodes: Nodes, *, track: bool) -> float:
    """From the first trial's start to the last one's end; what is delivered after that delays no training."""
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
    ratios, plain = [], []
    with bad_server(kind, server) as uri:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
        for warm in (True, False):  # imports, and the first start of slots
            training_seconds(ray_session, track=warm)
        for pair in range(PAIRS):
            order = (True, False) if pair % 2 else (False, True)
            seconds = {track: training_seconds(ray_session, track=track) for track in order}
            ratios.append(math.log(seconds[True] / seconds[False]))
            plain.append(seconds[False])
    mean = statistics.fmean(ratios)
    half = float(stats.t.ppf(0.975, PAIRS - 1)) * statistics.stdev(ratios) / math.sqrt(PAIRS)
    ratio, low, high = math.exp(mean), math.exp(mean - half), math.exp(mean + half)
    print(f"\nMLflow server {kind}, {PAIRS} pairs of {statistics.fmean(plain):.1f} s of training:")
    longer, least, most = (f"{100 * (value - 1):+.1f}" for value in (ratio, low, high))
    print(f"{longer} % longer than without MLflow (95 % interval {least} to {most} %)")
    print(f"aim under {100 * (AIM - 1):g} %: {'reached' if ratio < AIM else 'MISSED'}")
    assert low < SURELY_DELAYED, "training waits for the tracker"
