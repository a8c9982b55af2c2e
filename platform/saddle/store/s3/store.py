"""Storage in a bucket of any S3-compatible endpoint.

Through boto3 alone: unlike pyarrow's filesystem it has conditional writes, checksums, and retries that end.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from saddle.errors import Damaged
from saddle.store.base import Conflict
from saddle.store.paths import check_path, is_name
from saddle.store.s3.calls import NOT_IMPLEMENTED, Calls, Garbled, is_unmet, shared_client, status_of
from saddle.store.s3.listing import BATCH, keys_of, list_pages
from saddle.store.s3.moving import finish_move, move_blobs
from saddle.store.s3.parts import LARGE, upload_parts

PATIENCE_SECONDS = 60.0
FIRST_PATIENCE_SECONDS = 15.0
"""For the first call of a run: an endpoint that has never answered is more likely wrong than busy."""

SHA256 = "sha256"
"""The name of our checksum among a blob's metadata."""


@dataclass(frozen=True)
class S3Store:
    """A `Store` below `prefix` of a bucket; endpoint and credentials come from the usual chain and stay there."""

    bucket: str
    prefix: str = ""
    patience: float = field(default=PATIENCE_SECONDS, compare=False)
    """Seconds for which an endpoint that fails is asked again."""
    parallel = 16

    def __getstate__(self) -> dict[str, Any]:
        """Without the client, whose credentials travel nowhere."""
        return {"bucket": self.bucket, "prefix": self.prefix, "patience": self.patience}

    @property
    def url(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")

    @cached_property
    def calls(self) -> Calls:
        """The client, made when it is first needed; its threads may share it."""
        return Calls(self.bucket, shared_client(self.patience), self.patience)

    @cached_property
    def local(self) -> Path:
        home = os.environ.get("SADDLE_HOME")
        if home:
            root = Path(home).expanduser().absolute()
        else:
            from platformdirs import user_state_path

            root = user_state_path("saddle", appauthor=False)
        mark = hashlib.sha256(f"{self.url} at {self.calls.endpoint}".encode()).hexdigest()[:12]
        readable = re.sub(r"[^A-Za-z0-9._-]+", "-", f"{self.bucket}-{self.prefix}").strip("-")[:60]
        return root / "storage" / f"{readable}-{mark}"

    def locate(self, path: str) -> str:
        return f"{self.url}/{check_path(path, root=True)}"

    def key(self, path: str) -> str:
        """The key of the blob at `path`; raises `ForeignPath` if it could be read as one outside of the prefix."""
        return self.listed_key(check_path(path))

    def listed_key(self, path: str) -> str:
        """The key of a blob whose path is from a listing: it is always below the prefix."""
        return f"{self.prefix}/{path}" if self.prefix else path

    def path(self, key: str) -> str:
        """The path of the blob at `key`."""
        return key.removeprefix(f"{self.prefix}/") if self.prefix else key

    def _call(self, doing: str, path: str, operation: str, **arguments: Any) -> Any:
        return self.calls(
            doing, self.key(path), lambda: getattr(self.calls.client, operation)(Bucket=self.bucket, **arguments)
        )

    def read(self, path: str) -> bytes:
        return self.fetch(path)[0]

    def fetch(self, path: str) -> tuple[bytes, str]:
        def get() -> tuple[bytes, str]:
            answer = self.calls.client.get_object(Bucket=self.bucket, Key=self.key(path))
            content: bytes = answer["Body"].read()
            if len(content) != answer["ContentLength"]:
                raise Garbled(f"only {len(content)} of {answer['ContentLength']} bytes were received")
            expected = answer.get("Metadata", {}).get(SHA256)
            if expected not in (None, hashlib.sha256(content).hexdigest()):
                raise Garbled("the checksum of the received bytes differs from the stored one")
            return content, answer["ETag"]

        return self.calls("reading", self.key(path), get)

    def write(self, path: str, content: bytes) -> None:
        metadata = {SHA256: hashlib.sha256(content).hexdigest()}
        if len(content) >= LARGE:
            upload_parts(self.calls, self.key(path), content, metadata)
        else:
            self._call("writing", path, "put_object", Key=self.key(path), Body=content, Metadata=metadata,
                       ContentMD5=md5(content))  # fmt: skip

    def etag(self, path: str) -> str | None:
        head = self._head(path)
        return None if head is None else str(head["ETag"])

    def write_if(self, path: str, content: bytes, etag: str | None) -> str:
        # in one piece for any size: what is written on a condition is small, and one call is one decision
        metadata = {SHA256: hashlib.sha256(content).hexdigest()}
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        try:
            answer = self._call("writing", path, "put_object", Key=self.key(path), Body=content, Metadata=metadata,
                                ContentMD5=md5(content), **condition)  # fmt: skip
        except FileNotFoundError:
            raise Conflict(self.locate(path)) from None
        except Exception as error:
            if not is_unmet(error):
                raise
            return self._written_already(path, content)
        return str(answer["ETag"])

    def _written_already(self, path: str, content: bytes) -> str:
        """The ETag of a blob whose condition wasn't met because an attempt before, whose answer was lost, wrote it."""
        try:
            present, etag = self.fetch(path)
        except (FileNotFoundError, Damaged):
            raise Conflict(self.locate(path)) from None
        if present != content:
            raise Conflict(self.locate(path))
        return etag

    def delete_if(self, path: str, etag: str) -> None:
        if self.etag(path) not in (None, etag):
            raise Conflict(self.locate(path))
        request = {"Bucket": self.bucket, "Key": self.key(path)}

        def delete() -> None:
            try:
                self.calls.client.delete_object(**request, IfMatch=etag)
            except Exception as error:
                if status_of(error) != NOT_IMPLEMENTED:
                    raise
                self.calls.client.delete_object(**request)  # many endpoints know no condition here; it was met just now

        try:
            self.calls("deleting", self.key(path), delete)
        except FileNotFoundError:
            return  # by an attempt whose answer was lost
        except Exception as error:
            if not is_unmet(error):
                raise
            if self.etag(path) is not None:  # some servers say so of a blob that is gone, too
                raise Conflict(self.locate(path)) from None

    def exists(self, path: str) -> bool:
        return self._head(path) is not None

    def _head(self, path: str) -> Any:
        try:
            return self._call("looking for", path, "head_object", Key=self.key(path))
        except FileNotFoundError:
            return None

    def _pages(self, folder: str, **arguments: Any) -> Iterator[tuple[str, Any]]:
        """The pages of the listing of a folder, with the prefix of all that is in it."""
        prefix = self.listed_key(f"{check_path(folder)}/" if folder else "")
        for page in list_pages(self.calls, prefix, BATCH, **arguments):
            yield prefix, page

    def names(self, folder: str) -> Iterator[str]:
        names = {
            key.removeprefix(prefix).rstrip("/")
            for prefix, page in self._pages(folder, Delimiter="/")
            for key in keys_of(page)
        }
        return iter(sorted(filter(is_shown, names)))

    def etags(self, folder: str) -> dict[str, str]:
        names = {
            blob["Key"].removeprefix(prefix): str(blob["ETag"]).strip('"')
            for prefix, page in self._pages(folder, Delimiter="/")
            for blob in page.get("Contents", ())
        }
        return {name: names[name] for name in sorted(filter(is_shown, names))}

    def blobs(self, folder: str) -> list[tuple[str, int]]:
        """Path and size of every blob below `folder`."""
        return [
            (self.path(blob["Key"]), blob["Size"])
            for _, page in self._pages(folder)
            for blob in page.get("Contents", ())
        ]

    def size(self, path: str) -> int:
        below = self.blobs(path)
        if below:
            return sum(size for _, size in below)
        head = self._head(path) if path else None
        return 0 if head is None else int(head["ContentLength"])

    def delete(self, path: str) -> None:
        below = [blob for blob, _ in self.blobs(check_path(path))]
        self.delete_all([*below, path])
        self.delete_folders(path, below)

    def delete_folders(self, path: str, below: Sequence[str]) -> None:
        """Delete the folders that blobs which are gone were in, from the deepest to `path` itself.

        A bucket has none, but some servers keep them, list them as before and take them for a name; one that still
        holds something stays.
        """
        parents = {blob.rpartition("/")[0] for blob in below}
        folders = {parent[:end] for parent in parents for end in folder_ends(parent, path)}
        ordered = sorted(folders, key=lambda folder: (-folder.count("/"), folder))
        self.delete_all([f"{folder}/" for folder in ordered])

    def delete_all(self, paths: Sequence[str]) -> None:
        """Delete blobs whose paths are from a listing, or have been checked; a thousand with each call."""
        if len(paths) == 1:
            key = self.listed_key(paths[0])
            self.calls("deleting", key, lambda: self.calls.client.delete_object(Bucket=self.bucket, Key=key))
            return
        for start in range(0, len(paths), BATCH):
            batch = paths[start : start + BATCH]
            self.calls("deleting", self.listed_key(batch[0]), self._deletion(batch))

    def _deletion(self, batch: Sequence[str]) -> Callable[[], None]:
        request = {"Objects": [{"Key": self.listed_key(path)} for path in batch], "Quiet": True}

        def delete() -> None:
            answer = self.calls.client.delete_objects(Bucket=self.bucket, Delete=request)
            for error in answer.get("Errors", ()):
                raise refusal_of(error)

        return delete

    def move(self, source: str, target: str) -> None:
        move_blobs(self, source, target)

    def finish_move(self, source: str) -> None:
        """Complete the `move` of `source` that was begun by a process that was killed, if there was one."""
        finish_move(self, source)


def folder_ends(folder: str, top: str) -> list[int]:
    """Where the names of a folder and of those above it end, down to that of `top`."""
    return [end for end in range(len(top), len(folder) + 1) if end == len(folder) or folder[end] == "/"]


def is_shown(name: str) -> bool:
    """Whether a name counts: hidden ones don't, and what can't be read by its name is left out."""
    return is_name(name) and not name.startswith(".")


def md5(content: bytes) -> str:
    """The checksum that the endpoint compares a body with."""
    return base64.b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()


def refusal_of(error: dict[str, Any]) -> Exception:
    """One blob's error in the answer to a deletion of many, as if it had been deleted alone."""
    from botocore.exceptions import ClientError

    status = 500 if error.get("Code") == "InternalError" else 0
    refusal: Exception = ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": status}}, "DeleteObjects")
    return refusal
