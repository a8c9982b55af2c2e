"""What a person calls a study that was submitted."""

from __future__ import annotations

from saddle.errors import StudyError
from saddle.studyfile.loader import load_studies


def names_of(name: str) -> list[str]:
    """The name itself, which may be a job's, and those of the studies where it is a file or a packaged study."""
    try:
        return [name, *(study.study for study in load_studies(name))]
    except StudyError:
        return [name]
