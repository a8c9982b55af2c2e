"""Download a file over HTTP, piece by piece."""

from __future__ import annotations

from collections.abc import Callable

from trainables.datasets.errors import DataError

Progress = Callable[[str, int, int | None], None]
"""Called for each file with its name, the bytes so far, and the total if the server states it."""

HttpGet = Callable[[str, str, Callable[[bytes], object], int], None]
"""Fetches a URL; its arguments: the URL, the file's name, the function that writes bytes, and their limit."""

CHUNK = 1 << 16
TIMEOUT = 30.0


def download(url: str, file: str, write: Callable[[bytes], object], limit: int, progress: Progress | None) -> None:
    """Pass the bytes at `url` to `write`; raises `DataError` if it can't be reached, or has more than `limit`."""
    # here, because importing them takes as long as all configurations
    from http.client import HTTPException
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    try:
        with urlopen(Request(url, headers={"User-Agent": "saddle"}), timeout=TIMEOUT) as answer:
            length = answer.headers.get("Content-Length")
            total = int(length) if length and length.isdecimal() else None
            received = 0
            while chunk := answer.read(CHUNK):
                write(chunk)
                received += len(chunk)
                if progress is not None:
                    progress(file, received, total)
                if received > limit:  # not the requested file
                    raise DataError(f"{url} is longer than {file} can be")
    except HTTPError as error:
        raise DataError(f"{url} answered {error.code} {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, DataError):
            raise
        reason = getattr(error, "reason", None) or error
        raise DataError(
            f"{url} can't be fetched: {reason}; on a machine without internet, copy the files there "
            "or name a mirror (--mirror URL)"
        ) from None
