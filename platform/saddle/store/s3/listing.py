"""Listings of a bucket, page by page, and only as far as the endpoint keeps to what it was asked.

What is listed is also what is deleted and moved. An endpoint that ignores `Prefix`, as some gateways do, would have a
study's removal empty the bucket.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from saddle.errors import StorageError
from saddle.store.s3.calls import Calls

BATCH = 1000


def list_pages(calls: Calls, prefix: str, batch: int = BATCH, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    """The pages of the listing of all keys that begin with `prefix`.

    Raises `StorageError` for an answer that can't be one.
    """
    query = {"Bucket": calls.bucket, "Prefix": prefix, "MaxKeys": batch, **arguments}
    token = ""
    while True:
        page = calls("listing", prefix.rstrip("/"), lambda: calls.client.list_objects_v2(**query))
        for key in keys_of(page):
            if not key.startswith(prefix):
                raise StorageError(_wrong(calls, prefix, f"holds {key[:200]!r}, which is not below it"))
        yield page
        if not page.get("IsTruncated"):
            return
        before, token = token, page.get("NextContinuationToken", "")
        if token in ("", before):
            raise StorageError(_wrong(calls, prefix, "ends in the middle, and does not say how to continue"))
        query["ContinuationToken"] = token


def keys_of(page: Mapping[str, Any]) -> list[str]:
    """The keys on a page, and the folders that others were summed up in."""
    return [blob["Key"] for blob in page.get("Contents", ())] + [
        below["Prefix"] for below in page.get("CommonPrefixes", ())
    ]


def _wrong(calls: Calls, prefix: str, what: str) -> str:
    return (
        f"the listing of s3://{calls.bucket}/{prefix} by {calls.endpoint} {what}; the endpoint does not keep to S3's "
        "ListObjectsV2, so nothing is read, moved or deleted by its lists"
    )
