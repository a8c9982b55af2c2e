"""A storage that a team shares: every file has the mode that the umask gives, and one user continues after another."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

GROUP, FIRST, SECOND = 64_000, 64_001, 64_002
"""Numbers of a group and users that nobody has."""

USE = """
import os, shutil, sqlite3, sys
from pathlib import Path
import optuna
from saddle.errors import UserError
from saddle.search.storage import journal_path, open_journal
from saddle.trial.record import TrialRecord
from saddle.store.ledger.ledger import Ledger
from saddle.store.ownership.lock import lock_study
from saddle.store.open import open_store
from saddle.track.mlflow_tracker import outbox_folder
from saddle.track.opening import tracking_uri
from saddle.track.outbox import Outbox
from saddle.track.open_runs import Started
from saddle.trial.run_id import RunId
from saddle.trial.measurement import Measurement
from saddle.trial.progress import TrialProgress
from saddle.trial.spec import TrialSpec

def use(root, who):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    store, run = open_store(root), RunId("digits")
    with lock_study(store, run):
        store.write("studies/digits/progress.json", who.encode())
        trial = TrialProgress(TrialSpec(who, run, {}, 0))
        Ledger(store, run).add(TrialRecord(trial, "completed", Measurement({"test/score": 1.0})))
        list(Ledger(store, run))
        store.write_if("studies/digits/once-" + who, b"1", None)
        outbox = Outbox(outbox_folder(store, run), lambda: lambda operations: iter([len(operations)]))
        outbox.add({"do": "nothing"})
        assert outbox.close(20).operations == 0
        started = Started(outbox_folder(store, run) / "started.json")
        started.add(who)
        storage = open_journal(journal_path(store, run))
        study = optuna.create_study(storage=storage, study_name="digits", load_if_exists=True)
        study.tell(study.ask(), 1.0)
        database = sqlite3.connect(tracking_uri(store).removeprefix("sqlite:///"))
        with database:
            database.execute("create table if not exists runs (who text)")
            database.execute("insert into runs values (?)", (who,))
        database.close()

root, scratch, umask, user, group, who = sys.argv[1:]
os.umask(int(umask, 8))
if int(user):
    # an interpreter in somebody's home can't be read by others: all it needs is loaded before the user changes
    use(scratch, who)
    shutil.rmtree(scratch)
    os.setgroups([])
    os.setresgid(*[int(group)] * 3)
    os.setresuid(*[int(user)] * 3)
try:
    use(root, who)
except UserError as error:
    sys.exit(str(error))
"""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that its group may write, and whose files are the group's; below nothing that is only one user's."""
    if os.geteuid() != 0:
        pytest.skip("only root can be several users")
    folder = Path(tempfile.mkdtemp(prefix="saddle-shared-", dir="/tmp"))
    os.chown(folder, 0, GROUP)
    folder.chmod(0o2775)
    yield folder
    shutil.rmtree(folder)


def use(root: Path, umask: str, who: str, tmp_path: Path, user: int = 0) -> str:
    """Use the storage as a driver does; what was said where that wasn't possible."""
    arguments = [str(root), str(tmp_path / f"scratch-{who}"), umask, str(user), str(GROUP), who]
    done = subprocess.run([sys.executable, "-c", USE, *arguments], capture_output=True, text=True, timeout=120, cwd="/")
    assert "Traceback" not in done.stderr, done.stderr
    assert (done.returncode == 0) == (not done.stderr), done.stderr
    return done.stderr


def modes(root: Path, kind: object) -> dict[str, str]:
    """The permissions of all that is below a folder and of that kind."""
    return {
        str(path.relative_to(root)): oct(path.lstat().st_mode & 0o777)
        for path in (root, *root.rglob("*"))
        if kind(path.lstat().st_mode)  # type: ignore[operator]
    }


@pytest.mark.parametrize("umask", ["002", "022", "077"])
def test_every_file_and_folder_has_the_mode_of_the_umask(tmp_path: Path, umask: str) -> None:
    assert use(tmp_path / "store", umask, "anna", tmp_path) == ""
    files, folders = modes(tmp_path / "store", stat.S_ISREG), modes(tmp_path / "store", stat.S_ISDIR)
    assert len(files) >= 10
    assert set(files.values()) == {oct(0o666 & ~int(umask, 8))}, files
    assert set(folders.values()) == {oct(0o777 & ~int(umask, 8))}, folders


def test_another_user_of_the_group_goes_on_with_a_study(shared: Path, tmp_path: Path) -> None:
    root = shared / "runs"
    assert use(root, "002", "anna", tmp_path, FIRST) == ""
    assert use(root, "002", "berta", tmp_path, SECOND) == ""
    assert use(root, "002", "anna", tmp_path, FIRST) == ""
    found = [path.lstat() for path in root.rglob("*")]
    assert {one.st_gid for one in found} == {GROUP}
    assert {one.st_uid for one in found} == {FIRST, SECOND}
    assert {one.st_mode & 0o777 for one in found} == {0o664, 0o775}


def test_whoever_may_not_write_a_storage_is_told_how_it_is_shared(shared: Path, tmp_path: Path) -> None:
    root = shared / "runs"
    root.mkdir(mode=0o777)
    root.chmod(0o2777)
    assert use(root, "022", "anna", tmp_path, FIRST) == ""
    said = use(root, "022", "berta", tmp_path, SECOND)
    assert "digits.lock can't be opened: it is another user's" in said
    assert "umask 002" in said
