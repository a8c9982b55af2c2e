"""What a checkpoint says of its trial, so that a damaged manifest can be restored from it.

The record is one more file in the archive that a `.pt` file is; torch doesn't mind it.
"""

from __future__ import annotations

import io
import zipfile

NAME = "saddle.json"


def add_record(archive: io.BytesIO, record: bytes) -> None:
    """Put the record into a `.pt` file."""
    with zipfile.ZipFile(archive, "a", zipfile.ZIP_STORED) as opened:
        folder = opened.namelist()[0].partition("/")[0]  # torch refuses a file that is not in its own
        opened.writestr(
            zipfile.ZipInfo(f"{folder}/{NAME}"), record
        )  # its time stamp is not a moment: equal states have equal bytes


def find_record(content: bytes) -> bytes:
    """The record in a `.pt` file; raises `ValueError` if there is none, or any part of the file is damaged."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as opened:
            if opened.testzip() is not None:
                raise ValueError("a part of the checkpoint is damaged")
            return opened.read(opened.namelist()[0].partition("/")[0] + f"/{NAME}")
    except (zipfile.BadZipFile, KeyError, IndexError, OSError, EOFError) as error:
        raise ValueError(f"the checkpoint does not say which trial it belongs to: {error}") from error
