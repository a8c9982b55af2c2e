"""Files in S3 buckets, at any endpoint: every answer is checked, because most readers accept a short one.

boto3 and not pyarrow's filesystem, which accepts an answer that is shorter than requested, or of another range,
as complete and fills up with stale memory (seen with pyarrow 25), and can't request one version of an object.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from trainables.datasets.errors import DataError
from trainables.datasets.files.locations import S3, File, Folder, Location

PAGE = 1000
"""Keys per listing, S3's own limit."""
READ_TIMEOUT = 60.0
CONNECT_TIMEOUT = 10.0
ATTEMPTS = 6
"""How often a request is tried that fails or is temporarily refused (500, 503), or whose body breaks off."""


def make_client() -> Any:
    """A client for the endpoint, region and credentials that AWS's usual variables and files name."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        max_pool_connections=32,
        retries={"mode": "standard", "total_max_attempts": attempts()},
    )
    try:
        return boto3.session.Session().client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise DataError(f"S3 can't be used: {error}") from None


def attempts() -> int:
    """How often something is tried: `AWS_MAX_ATTEMPTS` where it is set."""
    named = os.environ.get("AWS_MAX_ATTEMPTS", "")
    return max(1, int(named)) if named.isdecimal() else ATTEMPTS


@dataclass(frozen=True)
class Listed:
    """An object as S3 describes it."""

    key: str
    size: int
    etag: str


@dataclass(frozen=True, eq=False)
class S3File(File):
    """One version of an object: a later replacement is not read."""

    client: Any
    bucket: str
    listed: Listed

    def __str__(self) -> str:
        return f"{S3}{self.bucket}/{self.listed.key}"

    @property
    def name(self) -> str:
        return self.listed.key.rpartition("/")[2]

    @property
    def identity(self) -> str:
        return f"{self.client.meta.endpoint_url} {self} {self.listed.size} {self.listed.etag}"

    def read(self) -> bytes:
        return self.read_range(0, self.listed.size)

    def open(self) -> io.RawIOBase:
        return S3Reader(self)

    def read_range(self, start: int, length: int) -> bytes:
        """`length` bytes from `start`; raises `DataError` if they can't be read, complete and of this version."""
        from botocore.exceptions import HTTPClientError, IncompleteReadError
        from urllib3.exceptions import HTTPError

        if length == 0:
            return b""
        wanted = f"bytes {start}-{start + length - 1}/{self.listed.size}"
        problem = ""
        for attempt in range(attempts()):
            if attempt:
                time.sleep(min(0.2 * 2**attempt, 5.0))
            with explained(str(self)):
                answer = self.client.get_object(
                    Bucket=self.bucket,
                    Key=self.listed.key,
                    Range=f"bytes={start}-{start + length - 1}",
                    IfMatch=self.listed.etag,
                )
                content_range = answer.get(
                    "ContentRange", f"bytes 0-{answer['ContentLength'] - 1}/{answer['ContentLength']}"
                )
                if content_range != wanted:
                    raise DataError(f"{self} can't be read: asked for {wanted}, S3 answered with {content_range}")
                try:
                    with answer["Body"] as body:
                        content = bytes(body.read())
                # botocore doesn't retry what fails after the headers
                except (HTTPClientError, IncompleteReadError, HTTPError, OSError) as error:
                    problem = f"the answer broke off ({type(error).__name__})"
                    continue
            if len(content) == length:
                return content
            problem = f"only {len(content)} of {length} bytes were received"
        raise DataError(f"{self} can't be read: {problem}, {attempts()} times")


@dataclass(frozen=True, eq=False)
class S3Folder(Folder):
    """A prefix of keys, with all objects below it, sorted by key."""

    client: Any
    bucket: str
    prefix: str
    """Empty, or ending in a slash."""
    below: tuple[Listed, ...]

    def __str__(self) -> str:
        return f"{S3}{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def name(self) -> str:
        return self.prefix.rstrip("/").rpartition("/")[2] or self.bucket

    def children(self) -> list[File | Folder]:
        # a key that is the prefix itself marks an empty folder in consoles
        named = [(entry.key[len(self.prefix) :], entry) for entry in self.below if entry.key != self.prefix]
        children: dict[str, File | Folder] = {}
        for is_folder, group in groupby(sorted(named, key=_in_order), key=lambda pair: "/" in pair[0]):
            for name, members in groupby(group, key=lambda pair: pair[0].partition("/")[0]):
                objects = tuple(entry for _, entry in members)
                if is_folder:
                    children[name] = S3Folder(self.client, self.bucket, f"{self.prefix}{name}/", objects)
                else:
                    children[name] = S3File(self.client, self.bucket, objects[0])
        return [children[name] for name in sorted(children)]


def _in_order(pair: tuple[str, Listed]) -> tuple[bool, str, str]:
    name, slash, rest = pair[0].partition("/")
    return bool(slash), name, rest


class S3Reader(io.RawIOBase):
    """An object as a file that can be sought; each read is one request."""

    def __init__(self, file: S3File) -> None:
        super().__init__()
        self._file = file
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.listed.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        remaining = max(0, self._file.listed.size - self._position)
        content = self._file.read_range(self._position, remaining if size is None or size < 0 else min(size, remaining))
        self._position += len(content)
        return content


def find_object(client: Any, address: str) -> Location | None:
    """The object at `s3://BUCKET/KEY`, or the folder of all below `KEY/`; None if there is nothing."""
    bucket, _, key = address.removeprefix(S3).partition("/")
    with explained(address):
        if key and not key.endswith("/"):
            listed = _head(client, bucket, key)
            if listed is not None:
                return S3File(client, bucket, listed)
        prefix = f"{key.rstrip('/')}/" if key.strip("/") else ""
        below = tuple(_list(client, bucket, prefix))
    return S3Folder(client, bucket, prefix, below) if below else None


def _head(client: Any, bucket: str, key: str) -> Listed | None:
    from botocore.exceptions import ClientError

    try:
        head = client.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
            return None
        raise
    return Listed(key, int(head["ContentLength"]), str(head["ETag"]))


def _list(client: Any, bucket: str, prefix: str) -> Iterator[Listed]:
    for page in client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": PAGE}
    ):
        for entry in page.get("Contents", ()):
            yield Listed(entry["Key"], int(entry["Size"]), str(entry["ETag"]))


REASONS = {
    "404": "it does not exist",
    "NoSuchKey": "it does not exist any more",
    "NoSuchBucket": "the bucket does not exist",
    "403": "access is denied; check the credentials",
    "AccessDenied": "access is denied; check the credentials",
    "InvalidAccessKeyId": "the access key is unknown there",
    "SignatureDoesNotMatch": "the secret key is wrong",
    "ExpiredToken": "the session token has expired",
    "PreconditionFailed": "it was replaced while it was being read; try again",
    "412": "it was replaced while it was being read; try again",
}


@contextmanager
def explained(address: str) -> Iterator[None]:
    """Raise what S3 refuses as a `DataError`; S3's message is left out if it might quote a credential."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except NoCredentialsError:
        raise DataError(
            f"{address} can't be read: no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "or AWS_PROFILE"
        ) from None
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "?"))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", "?")
        reason = REASONS.get(code, f"S3 answered {status} {code}".removesuffix(f" {status}"))
        raise DataError(f"{address} can't be read: {reason}") from None
    except BotoCoreError as error:
        raise DataError(f"{address} can't be read: {error}") from None
