"""A large blob in parts: it becomes visible whole, when the last part is there, or not at all."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from saddle.errors import StorageError
from saddle.store.s3.calls import Calls, code_of

LARGE = 64 * 2**20
PART = 16 * 2**20
AT_ONCE = 4
ABORT_SECONDS = 10.0


def upload_parts(calls: Calls, key: str, content: bytes, metadata: Mapping[str, str]) -> None:
    """Write `content` to `key` in parts; raises `StorageError`, after which nothing of it is kept."""
    bucket = calls.bucket
    upload = calls(
        "writing", key, lambda: calls.client.create_multipart_upload(Bucket=bucket, Key=key, Metadata=dict(metadata))
    )["UploadId"]
    whole = {"Bucket": bucket, "Key": key, "UploadId": upload}

    def send(number: int) -> dict[str, Any]:
        part = memoryview(content)[(number - 1) * PART : number * PART]
        check = base64.b64encode(hashlib.md5(part, usedforsecurity=False).digest()).decode()
        sent = calls(
            "writing",
            key,
            lambda: calls.client.upload_part(**whole, PartNumber=number, Body=bytes(part), ContentMD5=check),
        )
        return {"PartNumber": number, "ETag": sent["ETag"]}

    def complete() -> None:
        try:
            calls.client.complete_multipart_upload(**whole, MultipartUpload={"Parts": parts})
        except Exception as error:
            # an earlier attempt may have succeeded whose answer was lost
            if code_of(error) != "NoSuchUpload" or not is_there():
                raise

    def is_there() -> bool:
        head = calls.client.head_object(Bucket=bucket, Key=key)
        return dict(head["Metadata"]) == dict(metadata)

    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            parts = list(pool.map(send, range(1, -(-len(content) // PART) + 1)))
        calls("writing", key, complete)
    except BaseException:
        with contextlib.suppress(StorageError, FileNotFoundError):
            calls("abandoning", key, lambda: calls.client.abort_multipart_upload(**whole), patience=ABORT_SECONDS)
        raise
