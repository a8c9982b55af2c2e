"""Git, asked for what a repository holds; nothing here writes to its checkout, its index or its branches."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from saddle.errors import GitError
from saddle.nightly.decision.night import Code

GIT_SECONDS = 120
SNAPSHOT = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "saddle"), ("EMAIL", "saddle@localhost"), ("DATE", "2000-01-01T00:00:00+0000"))
}
"""Who makes the commit of a snapshot, and when: always the same, so that equal changes make the same commit."""


@dataclass(frozen=True)
class Commit:
    """A commit as a page names it."""

    id: str
    subject: str
    author: str


@dataclass(frozen=True)
class Repository:
    """The repository that code was imported from; `root` is its checkout."""

    root: Path

    def git(self, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """What git prints, without the last line end; raises `GitError`."""
        try:
            process = subprocess.run(
                ["git", *arguments],
                cwd=self.root,
                capture_output=True,
                text=True,
                timeout=GIT_SECONDS,
                errors="replace",
                env={**os.environ, **(environment or {})},
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise GitError(f"git {arguments[0]} can't be run in {self.root}: {error}") from None
        if process.returncode:
            raise GitError(f"git {' '.join(arguments[:2])} failed in {self.root}: {process.stderr.strip()}")
        return process.stdout.rstrip("\n")

    @property
    def code(self) -> Code:
        """What is checked out: the commit and, where tracked files differ from it, the tree of their contents."""
        head = self.git("rev-parse", "HEAD")
        with tempfile.TemporaryDirectory() as folder:
            environment = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            self.git("read-tree", "HEAD", environment=environment)
            self.git("add", "--update", environment=environment)
            tree = self.git("write-tree", environment=environment)
        return Code(head, "" if tree == self.git("rev-parse", "HEAD^{tree}") else tree)

    def commit_of(self, code: Code) -> str:
        """The commit that holds exactly this code; one for uncommitted changes is made, and no branch gets it."""
        if not code.dirty:
            return code.commit
        return self.git("commit-tree", code.dirty, "-p", code.commit, "-m", "snapshot", environment=SNAPSHOT)

    def difference(self, code: Code) -> str:
        """The uncommitted changes, as a diff."""
        return self.git("diff", code.commit, code.dirty) if code.dirty else ""

    def code_before(self, moment: str) -> Code:
        """The first-parent commit that was checked out last before `moment` (ISO 8601); the oldest one before it."""
        commit = self.git("rev-list", "-1", "--first-parent", f"--before={moment}", "HEAD")
        return Code(commit or self.git("rev-list", "--first-parent", "HEAD").splitlines()[-1])

    def between(self, before: str, after: str) -> list[Commit]:
        """The commits that lead from one to the other, oldest first, the last one included; none if no line does."""
        try:
            self.git("merge-base", "--is-ancestor", before, after)
        except GitError:
            return []
        listed = self.git("log", "--first-parent", "--reverse", "--format=%H%x09%an%x09%s", f"{before}..{after}")
        rows = [line.split("\t", 2) for line in listed.splitlines()]
        return [Commit(name, subject, author) for name, author, subject in rows]

    def describe(self, commit: str) -> Commit:
        """The commit as a page names it."""
        name, author, subject = self.git("log", "-1", "--format=%H%x09%an%x09%s", commit).split("\t", 2)
        return Commit(name, subject, author)


def find_repository(files: Sequence[Path]) -> Repository | None:
    """The repository that tracks the first of these files; None if it is installed, or git is not there."""
    for file in files:
        here = Repository(file.resolve().parent)
        try:
            root = Path(here.git("rev-parse", "--show-toplevel"))
            # an installed copy may be inside somebody else's checkout, whose commits don't identify our code
            here.git("ls-files", "--error-unmatch", file.name)
        except GitError:
            continue
        return Repository(root)
    return None
