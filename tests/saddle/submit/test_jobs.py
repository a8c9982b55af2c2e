"""`saddle submit` to a real cluster of two nodes that lack saddle, and watching, refusing, stopping there."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

import saddle
from tests.saddle.submit.conftest import METHODS, There
from tests.support.ray_nodes import Node
from tests.support.waiting import PROCESS_SECONDS, wait_until

pytestmark = pytest.mark.long

PARABOLA = ("--package", str(METHODS), "--no-mlflow")


def workers_of(node: Node) -> set[int]:
    return {process.pid for process in node.workers()}


@pytest.mark.slow
def test_a_study_trains_on_both_nodes_and_its_answer_comes_back(there: There) -> None:
    file = there.write("far", pause="0.4")
    there.write("decoy")
    submitting = there.start(
        "submit", file, "--address", there.cluster.dashboard, "--storage", there.storage, "--set", "budget.trials=7",
        *PARABOLA, SADDLE_CACHE_BYTES="1000000000", SADDLE_SOMETHING="kept",
    )  # fmt: skip
    seen: list[set[int]] = [set(), set()]

    def ended() -> bool:
        for pids, node in zip(seen, there.cluster.nodes, strict=True):
            pids |= workers_of(node)
        return submitting.poll() is not None

    wait_until(ended, "the job's end", 180)
    said, complained = submitting.communicate()
    assert submitting.returncode == 0, said + complained
    assert "[7/7] trial-" in said
    assert "The best of 7 trials is trial" in said
    rows = saddle.results("far", storage=there.storage)
    assert [row["outcome"] for row in rows] == ["completed"] * 7
    processes = {int(row["metrics"]["test/process"]) for row in rows}
    assert all(processes & pids for pids in seen), "trials ran on one node only"
    assert processes <= seen[0] | seen[1]

    [job] = there.cluster.get("/api/jobs/")
    assert job["metadata"]["saddle.studies"] == "far"
    assert job["runtime_env"]["env_vars"]["SADDLE_CACHE_BYTES"] in ("1000000000", "<redacted>")
    assert "SADDLE_SOMETHING" not in job["runtime_env"]["env_vars"]
    assert there.cluster.token not in json.dumps(job)
    sent = list(there.cluster.folder.rglob("_ray_pkg_*/*.yaml"))
    assert {path.name for path in sent} == {"far.yaml"}, "the study file travels, its folder does not"
    shown, _ = there.run("logs", "far", "--address", there.cluster.dashboard)
    assert "The best of 7 trials is trial" in shown
    state, _ = there.run("status", file, "--address", there.cluster.dashboard)
    assert state.startswith("far: finished · 7/7 trials (7 completed)")
    _, refusal = there.run("stop", "far", "--address", there.cluster.dashboard, code=2)
    assert "far is not running: the job" in refusal


def test_a_running_study_is_left_watched_refused_to_others_and_stopped(there: There) -> None:
    address = ("--address", there.cluster.dashboard)
    file = there.write("long", epochs="400", pause="0.25")
    submitting = there.start("submit", file, *address, "--storage", there.storage, *PARABOLA)

    def facts() -> dict:
        [state] = json.loads(there.run("status", "long", *address, "--json")[0])
        return state

    trials = Path(there.storage) / "studies/long/trials"
    wait_until(lambda: list(trials.glob("*/checkpoints/*")), "the first epoch's checkpoint")
    submitting.send_signal(signal.SIGINT)
    _, complained = submitting.communicate(timeout=PROCESS_SECONDS)
    assert submitting.returncode == 130
    assert "long continues as saddle-long-" in complained
    assert f"saddle logs long --follow {' '.join(address)}" in complained

    state = facts()
    assert (state["state"], state["process"]) == ("running", None)
    assert any(epoch > 0 for epoch in state["running"].values())
    _, refusal = there.run("submit", file, *address, "--storage", there.storage, *PARABOLA, code=2)
    assert f"the job {state['job']} runs long already" in refusal
    following = there.start("logs", "long", *address, "--follow")
    said, _ = there.run("stop", "long", *address)
    assert said == "long stops after the current epochs\n"
    said, complained = following.communicate(timeout=120)
    assert following.returncode == 130, said + complained
    assert "Stopped. Continue with:" in said
    state = facts()
    assert (state["state"], state["job"]) == ("interrupted", None)


@pytest.mark.slow
def test_a_stopped_job_whose_storage_is_out_of_reach_ends_between_two_epochs(there: There) -> None:
    address = ("--address", there.cluster.dashboard)
    file = there.write("unseen", epochs="3", pause="6", trials="1")
    said, hints = there.run("submit", file, *address, "--storage", there.storage, "--detach", *PARABOLA)
    assert said.startswith("saddle-unseen-"), "a script needs the job's name, and nothing else on this stream"
    assert f"saddle logs unseen --follow --address {there.cluster.dashboard}" in hints
    trials = Path(there.storage) / "studies/unseen/trials"
    wait_until(lambda: list(trials.glob("*/checkpoints/*")), "the first epoch's checkpoint")
    hidden = Path(there.storage).rename(there.folder / "moved")
    Path(there.storage).mkdir()  # another machine's view: the path is there, and nothing of the study below it
    there.run("stop", "unseen", *address)
    Path(there.storage).rmdir()
    hidden.rename(there.storage)
    shown, complained = there.run("logs", said.strip(), *address, "--follow", code=130)
    assert "STOPPED" in complained
    assert "Stopped. Continue with:" in shown, "Ray killed it before the epoch was over"
    [checkpoints] = trials.glob("*/checkpoints")
    manifest = json.loads((checkpoints / "manifest.json").read_text())
    assert len(manifest["curve"]) in (1, 2), "the epoch under way was ended, no other one begun"


def test_mistakes_are_told_here_or_come_back_with_their_exit_code(there: There) -> None:
    address = ("--address", there.cluster.dashboard)
    file = there.write("wrong")
    _, said = there.run("submit", file, *address, code=2)
    assert "use --storage s3://BUCKET/PREFIX" in said
    _, said = there.run("submit", file, "--address", there.cluster.client, "--storage", there.storage, code=2)
    assert "whose address is like http://HEAD:8265" in said
    _, said = there.run("logs", "lef", *address, code=2)
    assert "no job of 'lef' on the cluster" in said
    _, said = there.run("submit", file, *address, "--storage", there.storage, "--no-mlflow", code=2)
    assert "note: parabola comes with fake-methods; where the nodes lack it, add --package PATH" in said
    shown, _ = there.run("logs", "wrong", *address)
    assert "unknown trainable 'parabola'" in shown, "the driver's own mistake, and its exit code"
