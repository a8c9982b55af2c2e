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
from saddle.store.checkpoints import Checkpoints, Superseded
from saddle.store.local import LocalStore
from saddle.trial.messages import EndMessage, EpochMessage, FaultMessage, Message, Order, dump_message, parse_message
from tests.support.disks import Disk


def train(order: Order) -> list[Message]:
    return list(Training(order, DataCache(None)).messages())


def end_of(order: Order) -> EndMessage:
    *epochs, end = train(order)
    assert all(isinstance(message, EpochMessage) for message in epochs)
    assert isinstance(end, EndMessage)
    return end


def manifest_of(order: Order) -> Any:
    return Checkpoints.open(LocalStore(Path(order.storage)), f"studies/s/trials/{order.key}/checkpoints").manifest


def test_a_trial_reports_each_epoch_and_then_its_end_with_test_measured_once(make_order: Any) -> None:
    *epochs, end = train(make_order(x=0.3, epochs=4))
    assert [message.epoch for message in epochs] == [1, 2, 3, 4]
    assert end.outcome == "completed"
    assert end.metrics["test/score"] == pytest.approx(1 - 0.5 / 4)
    assert end.metrics["validation/score"] == pytest.approx(1 - 0.5 / 4)
    assert end.test_last["test/score"] == end.metrics["test/score"]


def test_the_selected_checkpoint_is_the_best_on_validation_not_the_last(make_order: Any) -> None:
    # the score rises by 0.5/epoch; minimising it makes the first epoch the best
    order = make_order(x=0.3, epochs=3)
    order = Order(**{**order.__dict__, "select": ("validation/score", "minimize")})
    end = end_of(order)
    assert end.metrics["test/score"] == pytest.approx(0.5)
    assert end.test_last["test/score"] == pytest.approx(1 - 0.5 / 3)
    assert manifest_of(order).best_epoch == 1


@pytest.mark.parametrize(
    ("trouble", "outcome", "why"),
    [
        ("diverge", "diverged", "loss is nan"),
        ("collapse", "collapsed", "p_fake is 0.99"),
        ("nan", "diverged", "validation/score is nan in epoch 2"),
        ("raise", "failed", "ZeroDivisionError: the trainable is broken"),
    ],
)
def test_how_a_trial_went_wrong_is_told_apart(make_order: Any, trouble: str, outcome: str, why: str) -> None:
    end = end_of(make_order(trouble=trouble))
    assert end.outcome == outcome
    assert why in end.why
    assert not end.metrics


def mortal(order: Order, way: str) -> Order:
    return replace(order, trainable="mortal", params={"way": way, "last": 2})


@pytest.mark.parametrize("way", ["SystemExit", "KeyboardInterrupt", "GeneratorExit", "CancelledError"])
def test_what_would_end_the_process_is_the_trials_failure_alone(make_order: Any, way: str) -> None:
    end = end_of(mortal(make_order(), way))
    assert end.outcome == "failed"
    assert f"the trainable raised {way}(" in end.why
    assert "mortal.py" in end.why


@pytest.mark.parametrize(
    ("way", "said"), [("io", "Input/output error: /dev/sdz"), ("stale", "Stale file handle: /mnt/team/x")]
)
def test_what_the_machine_did_is_no_end_of_the_trial(make_order: Any, way: str, said: str) -> None:
    *epochs, fault = train(mortal(make_order(), way))
    assert [message.epoch for message in epochs] == [1]
    assert isinstance(fault, FaultMessage)
    assert fault.why.startswith(f"{said}; nothing that was stored is lost")
    assert parse_message(dump_message(fault)) == fault
    assert len(manifest_of(make_order()).curve) == 1


def test_a_path_that_is_not_there_is_the_trainables_own(make_order: Any) -> None:
    assert "FileNotFoundError" in end_of(mortal(make_order(), "missing")).why


@pytest.mark.fault("disk full, read-only or failing")
def test_a_storage_without_room_is_no_end_of_the_trial(make_order: Any, small_disk: Disk) -> None:
    order = replace(make_order(epochs=6), storage=str(small_disk.folder))
    messages = Training(order, DataCache(None)).messages()
    assert isinstance(next(messages), EpochMessage)
    small_disk.fill()
    assert isinstance(fault := next(messages), FaultMessage)
    assert f"No space left on device: {small_disk.folder}/studies/s/trials/t/checkpoints/" in fault.why
    assert [type(message) for message in train(order)] == [FaultMessage], "nor can another attempt begin"
    small_disk.empty()
    small_disk.remount("ro")
    [fault] = train(order)
    assert isinstance(fault, FaultMessage)
    assert f"Read-only file system: {small_disk.folder}" in fault.why
    small_disk.remount("rw")
    *epochs, end = train(order)
    assert [message.epoch for message in epochs] == [2, 3, 4, 5, 6]
    assert isinstance(end, EndMessage)
    assert end.outcome == "completed"


@pytest.mark.fault("disk full, read-only or failing")
def test_an_unclear_error_beside_a_full_disk_is_no_end_of_the_trial(make_order: Any, small_disk: Disk) -> None:
    order = replace(make_order(trouble="raise"), storage=str(small_disk.folder))
    small_disk.fill(leave=50_000)
    *_, fault = train(order)
    assert isinstance(fault, FaultMessage), fault


@pytest.mark.parametrize("first", [1, 3])
@pytest.mark.parametrize(
    ("trouble", "named"),
    [("generator", "state['rng'] is a numpy.random._generator.Generator"), ("unpicklable", "state['score'] is a")],
)
def test_a_state_that_could_not_be_loaded_again_ends_the_trial_at_once(
    make_order: Any, trouble: str, named: str, first: int
) -> None:
    order = make_order(trouble=trouble, trouble_epoch=first, epochs=5)
    *epochs, end = train(order)
    assert isinstance(end, EndMessage)
    assert (len(epochs), end.outcome) == (first - 1, "failed")
    assert named in end.why
    assert "\n" not in end.why
    assert manifest_of(order).epochs == first - 1


def test_a_failure_keeps_its_traceback(make_order: Any) -> None:
    end = end_of(make_order(trouble="raise"))
    assert "Traceback" in end.why
    assert "parabola.py" in end.why


def test_a_trial_stopped_and_taken_up_again_goes_on_where_it_was(make_order: Any) -> None:
    whole = end_of(make_order("whole", epochs=5))
    order = make_order("parts", epochs=5)
    first = Training(order, DataCache(None)).messages()
    assert [next(first).epoch for _ in range(2)] == [1, 2]
    first.close()
    *epochs, end = train(order)
    assert [message.epoch for message in epochs] == [3, 4, 5]
    assert end.attempt == 2
    assert end.metrics == whole.metrics
    assert manifest_of(order).curve == manifest_of(make_order("whole")).curve


def test_epochs_after_the_last_whole_checkpoint_are_trained_again(make_order: Any) -> None:
    order = make_order(epochs=4)
    train(order)
    store = LocalStore(Path(order.storage))
    store.write(manifest_of(order).last.path, b"damaged")
    *epochs, end = train(order)
    assert [message.epoch for message in epochs] == [4]
    assert end.outcome == "completed"
    assert len(manifest_of(order).curve) == 4


def test_a_trial_killed_during_its_evaluation_only_evaluates_again(make_order: Any) -> None:
    order = make_order(epochs=2)
    messages = Training(order, DataCache(None)).messages()
    next(messages)
    next(messages)
    messages.close()
    assert end_of(order).outcome == "completed"
    assert [type(m) for m in train(order)] == [EndMessage]


def test_an_attempt_that_was_taken_for_dead_writes_no_more(make_order: Any) -> None:
    order = make_order(epochs=5)
    orphan = Training(order, DataCache(None)).messages()
    next(orphan)
    assert end_of(order).outcome == "completed"
    finished = manifest_of(order)
    with pytest.raises(Superseded):
        next(orphan)
    assert manifest_of(order) == finished


def level(order: Order, path: str) -> int:
    content = LocalStore(Path(order.storage)).read(path)
    return int(np.asarray(Image.open(io.BytesIO(content)))[0, 0])


def test_images_of_epochs_are_kept_beside_those_of_the_end(make_order: Any) -> None:
    order = make_order(epochs=3, pictures=True)
    first = Training(order, DataCache(None)).messages()
    assert next(first).epoch == 1
    first.close()
    shown = {name: level(order, path) for name, path in end_of(order).images.items()}
    epochs = {f"epoch {epoch:05d}, level/now": epoch for epoch in (1, 2, 3)}  # the first, of another attempt, too
    assert shown == {"level/now": 103, **epochs}
    assert next(iter(shown)) == "level/now"


def test_what_a_measurement_rests_on_is_told_with_it(make_order: Any) -> None:
    assert end_of(make_order()).fingerprints == {"ruler": {"length": 1, "of": "wood"}}
    assert not end_of(make_order("broken", trouble="raise")).fingerprints


def test_a_collapse_shows_what_was_seen_before_it(make_order: Any) -> None:
    order = make_order(epochs=3, pictures=True, trouble="collapse")
    shown = {name: level(order, path) for name, path in end_of(order).images.items()}
    assert shown == {"level/now": 200, "epoch 00001, level/now": 1}


def test_messages_survive_their_way_through_tune() -> None:
    message = EpochMessage("k", 1, 2, {"validation/a": math.nan, "train/b": 0.5}, 1.5, 9.0)
    again = parse_message(dump_message(message))
    assert again == EpochMessage("k", 1, 2, {"validation/a": None, "train/b": 0.5}, 1.5, 9.0)
    end = EndMessage("k", 1, "completed", metrics={"test/a": 1.0})
    assert parse_message(dump_message(end)) == end


def test_an_order_survives_its_way_through_tune(make_order: Any) -> None:
    order = make_order(x=0.25, time_limit=3.0)
    assert Order.parse(order.dump()) == order
