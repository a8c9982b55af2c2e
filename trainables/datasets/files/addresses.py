"""From the address of a file or folder, on this machine or in a bucket, to what is there."""

from __future__ import annotations

from pathlib import Path

from trainables.datasets.files.locations import S3, LocalFile, LocalFolder, Location


def find(*addresses: str) -> tuple[Location | None, ...]:
    """What is at each address, a path or `s3://BUCKET/KEY`; None if there is nothing.

    Raises `DataError` if a bucket can't be asked.
    """
    client = None
    locations: list[Location | None] = []
    for address in addresses:
        if address.startswith(S3):
            from trainables.datasets.files.s3 import find_object, make_client

            client = client or make_client()
            locations.append(find_object(client, address))
        else:
            path = Path(address).expanduser()
            locations.append(LocalFolder(path) if path.is_dir() else LocalFile(path) if path.is_file() else None)
    return tuple(locations)
