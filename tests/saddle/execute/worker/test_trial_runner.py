from __future__ import annotations

import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from saddle.execute.worker.run_context import DataCache
from saddle.execute.worker.trial_runner import Training
from saddle.store.checkpoint.checkpoints import Checkpoints, Superseded
from saddle.store.ledger.ledger import Ledger
from saddle.store.local import LocalStore
from saddle.trainable_source import TrainableSource
from saddle.trial.measurement import Measurement
from saddle.trial.messages import (
    EndMessage,
    EpochMessage,
    FaultMessage,
    Message,
    StartMessage,
    dump_message,
    parse_message,
)
from saddle.trial.progress import TrialProgress
from saddle.trial.record import TrialRecord
from tests.support.disks import Disk


def train(start: StartMessage) -> list[Message]:
    return list(Training(start, DataCache(None)).messages())


def end_of(start: StartMessage) -> EndMessage:
    *epochs, end = train(start)
    assert all(isinstance(message, EpochMessage) for message in epochs)
    assert isinstance(end, EndMessage)
    return end


def manifest_of(start: StartMessage) -> Any:
    return Checkpoints.open(
        LocalStore(Path(start.placement.storage)), f"studies/s/trials/{start.spec.key}/checkpoints"
    ).manifest


def test_a_trial_reports_each_epoch_and_then_its_end_with_test_measured_once(make_start: Any) -> None:
    *epochs, end = train(make_start(x=0.3, epochs=4))
    assert [message.epoch for message in epochs] == [1, 2, 3, 4]
    assert end.outcome == "completed"
    assert end.measurement.metrics["test/score"] == pytest.approx(1 - 0.5 / 4)
    assert end.measurement.metrics["validation/score"] == pytest.approx(1 - 0.5 / 4)
    assert end.measurement.test_last["test/score"] == end.measurement.metrics["test/score"]


def test_a_trial_that_has_ended_is_not_begun_again(make_start: Any) -> None:
    """A slot that Tune lost, or has made in vain, may come to it late; what a retry removes is begun."""
    start = make_start(x=0.3, epochs=2)
    end, store = end_of(start), LocalStore(Path(start.placement.storage))
    ledger, before = Ledger(store, start.spec.run), manifest_of(start)
    record = TrialRecord(TrialProgress(start.spec, 1.0, attempts=1), end.outcome, end.measurement, ended=2.0)
    ledger.add(record)
    with pytest.raises(Superseded, match="the trial has ended"):
        train(start)
    assert manifest_of(start) == before
    assert all(store.exists(saved.path) for saved in before.saved)
    ledger.remove(start.spec.key)
    assert end_of(start).attempt == 2


def test_the_selected_checkpoint_is_the_best_on_validation_not_the_last(make_start: Any) -> None:
    # the score rises by 0.5/epoch; minimising it makes the first epoch the best
    start = make_start(x=0.3, epochs=3)
    start = replace(start, select=("validation/score", "minimize"))
    end = end_of(start)
    assert end.measurement.metrics["test/score"] == pytest.approx(0.5)
    assert end.measurement.test_last["test/score"] == pytest.approx(1 - 0.5 / 3)
    assert manifest_of(start).best_epoch == 1


def test_an_epoch_that_is_no_candidate_is_never_selected(make_start: Any) -> None:
    start = replace(make_start(x=0.3, epochs=4, warm_epochs=2), select=("validation/score", "minimize"))
    messages = train(start)
    assert len(messages) == 5, "it is reported all the same"
    assert manifest_of(start).best_epoch == 3
    assert messages[-1].measurement.metrics["test/score"] == pytest.approx(1 - 0.5 / 3)  # type: ignore[union-attr]


def test_a_trial_that_stops_among_them_goes_on_and_selects_later(make_start: Any) -> None:
    start = replace(make_start(x=0.3, epochs=4, warm_epochs=3), select=("validation/score", "minimize"))
    going = Training(start, DataCache(None)).messages()
    next(going), next(going)
    going.close()
    assert manifest_of(start).best_epoch is None
    train(start)
    assert manifest_of(start).best_epoch == 4


def test_a_trial_without_a_candidate_says_so(make_start: Any) -> None:
    end = end_of(make_start(epochs=2, warm_epochs=2))
    assert end.outcome == "failed"
    assert "none of its 2 epochs was a candidate for the checkpoint" in end.why


@pytest.mark.parametrize(
    ("trouble", "outcome", "why"),
    [
        ("diverge", "diverged", "loss is nan"),
        ("collapse", "collapsed", "p_fake is 0.99"),
        ("nan", "diverged", "validation/score is nan in epoch 2"),
        ("raise", "failed", "ZeroDivisionError: the trainable is broken"),
    ],
)
def test_how_a_trial_went_wrong_is_told_apart(make_start: Any, trouble: str, outcome: str, why: str) -> None:
    end = end_of(make_start(trouble=trouble))
    assert end.outcome == outcome
    assert why in end.why
    assert not end.measurement.metrics


def stored_in(disk: Disk, start: StartMessage) -> StartMessage:
    return replace(start, placement=replace(start.placement, storage=str(disk.folder)))


def mortal(start: StartMessage, way: str) -> StartMessage:
    return replace(start, trainable=TrainableSource("mortal"), spec=replace(start.spec, params={"way": way, "last": 2}))


@pytest.mark.parametrize("way", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError"])
def test_what_would_end_the_process_is_the_trials_failure_alone(make_start: Any, way: str) -> None:
    end = end_of(mortal(make_start(), way))
    assert end.outcome == "failed"
    assert f"the trainable raised {way}(" in end.why
    assert "mortal.py" in end.why


@pytest.mark.parametrize(
    ("way", "said"), [("io", "Input/output error: /dev/sdz"), ("stale", "Stale file handle: /mnt/team/x")]
)
def test_what_the_machine_did_is_no_end_of_the_trial(make_start: Any, way: str, said: str) -> None:
    *epochs, fault = train(mortal(make_start(), way))
    assert [message.epoch for message in epochs] == [1]
    assert isinstance(fault, FaultMessage)
    assert fault.why.startswith(f"{said}; nothing that was stored is lost")
    assert parse_message(dump_message(fault)) == fault
    assert len(manifest_of(make_start()).curve) == 1


def test_a_path_that_is_not_there_is_the_trainables_own(make_start: Any) -> None:
    assert "FileNotFoundError" in end_of(mortal(make_start(), "missing")).why


@pytest.mark.fault("disk full, read-only or failing")
def test_a_storage_without_room_is_no_end_of_the_trial(make_start: Any, small_disk: Disk) -> None:
    start = stored_in(small_disk, make_start(epochs=6))
    messages = Training(start, DataCache(None)).messages()
    assert isinstance(next(messages), EpochMessage)
    small_disk.fill()
    assert isinstance(fault := next(messages), FaultMessage)
    assert f"No space left on device: {small_disk.folder}/studies/s/trials/t/checkpoints/" in fault.why
    assert [type(message) for message in train(start)] == [FaultMessage], "nor can another attempt begin"
    small_disk.empty()
    small_disk.remount("ro")
    [fault] = train(start)
    assert isinstance(fault, FaultMessage)
    assert f"Read-only file system: {small_disk.folder}" in fault.why
    small_disk.remount("rw")
    *epochs, end = train(start)
    assert [message.epoch for message in epochs] == [2, 3, 4, 5, 6]
    assert isinstance(end, EndMessage)
    assert end.outcome == "completed"


@pytest.mark.fault("disk full, read-only or failing")
def test_an_unclear_error_beside_a_full_disk_is_no_end_of_the_trial(make_start: Any, small_disk: Disk) -> None:
    start = stored_in(small_disk, make_start(trouble="raise"))
    small_disk.fill(leave=50_000)
    *_, fault = train(start)
    assert isinstance(fault, FaultMessage), fault


@pytest.mark.parametrize("first", [1, 3])
@pytest.mark.parametrize(
    ("trouble", "named"),
    [("generator", "state['rng'] is a numpy.random._generator.Generator"), ("unpicklable", "state['score'] is a")],
)
def test_a_state_that_could_not_be_loaded_again_ends_the_trial_at_once(
    make_start: Any, trouble: str, named: str, first: int
) -> None:
    start = make_start(trouble=trouble, trouble_epoch=first, epochs=5)
    *epochs, end = train(start)
    assert isinstance(end, EndMessage)
    assert (len(epochs), end.outcome) == (first - 1, "failed")
    assert named in end.why
    assert "\n" not in end.why
    assert manifest_of(start).epochs == first - 1


def test_a_failure_keeps_its_traceback(make_start: Any) -> None:
    end = end_of(make_start(trouble="raise"))
    assert "Traceback" in end.why
    assert "parabola.py" in end.why


def test_a_trial_stopped_and_taken_up_again_goes_on_where_it_was(make_start: Any) -> None:
    whole = end_of(make_start("whole", epochs=5))
    start = make_start("parts", epochs=5)
    first = Training(start, DataCache(None)).messages()
    assert [next(first).epoch for _ in range(2)] == [1, 2]
    first.close()
    *epochs, end = train(start)
    assert [message.epoch for message in epochs] == [3, 4, 5]
    assert end.attempt == 2
    assert end.measurement.metrics == whole.measurement.metrics
    assert manifest_of(start).curve == manifest_of(make_start("whole")).curve


def test_epochs_after_the_last_whole_checkpoint_are_trained_again(make_start: Any) -> None:
    start = make_start(epochs=4)
    train(start)
    store = LocalStore(Path(start.placement.storage))
    store.write(manifest_of(start).last.path, b"damaged")
    *epochs, end = train(start)
    assert [message.epoch for message in epochs] == [4]
    assert end.outcome == "completed"
    assert len(manifest_of(start).curve) == 4


def test_a_trial_killed_during_its_evaluation_only_evaluates_again(make_start: Any) -> None:
    start = make_start(epochs=2)
    messages = Training(start, DataCache(None)).messages()
    next(messages)
    next(messages)
    messages.close()
    assert end_of(start).outcome == "completed"
    assert [type(m) for m in train(start)] == [EndMessage]


def test_an_attempt_that_was_taken_for_dead_writes_no_more(make_start: Any) -> None:
    start = make_start(epochs=5)
    orphan = Training(start, DataCache(None)).messages()
    next(orphan)
    assert end_of(start).outcome == "completed"
    finished = manifest_of(start)
    with pytest.raises(Superseded):
        next(orphan)
    assert manifest_of(start) == finished


def level(start: StartMessage, path: str) -> int:
    content = LocalStore(Path(start.placement.storage)).read(path)
    return int(np.asarray(Image.open(io.BytesIO(content)))[0, 0])


def test_images_of_epochs_are_kept_beside_those_of_the_end(make_start: Any) -> None:
    start = make_start(epochs=3, pictures=True)
    first = Training(start, DataCache(None)).messages()
    assert next(first).epoch == 1
    first.close()
    shown = {name: level(start, path) for name, path in end_of(start).measurement.images.items()}
    epochs = {f"epoch {epoch:05d}, level/now": epoch for epoch in (1, 2, 3)}  # the first, of another attempt, too
    assert shown == {"level/now": 103, **epochs}
    assert next(iter(shown)) == "level/now"


def test_what_a_measurement_rests_on_is_told_with_it(make_start: Any) -> None:
    assert end_of(make_start()).measurement.fingerprints == {"ruler": {"length": 1, "of": "wood"}}
    assert not end_of(make_start("broken", trouble="raise")).measurement.fingerprints


def test_a_collapse_shows_what_was_seen_before_it(make_start: Any) -> None:
    start = make_start(epochs=3, pictures=True, trouble="collapse")
    shown = {name: level(start, path) for name, path in end_of(start).measurement.images.items()}
    assert shown == {"level/now": 200, "epoch 00001, level/now": 1}


def test_messages_survive_their_way_through_tune() -> None:
    message = EpochMessage("k", 1, 2, {"validation/a": math.nan, "train/b": 0.5}, 1.5, 9.0)
    again = parse_message(dump_message(message))
    assert again == EpochMessage("k", 1, 2, {"validation/a": None, "train/b": 0.5}, 1.5, 9.0)
    end = EndMessage("k", 1, "completed", measurement=Measurement({"test/a": 1.0}))
    assert parse_message(dump_message(end)) == end


def test_a_start_survives_its_way_through_tune(make_start: Any) -> None:
    start = make_start(x=0.25, time_limit=3.0)
    assert StartMessage.parse(start.dump()) == start
