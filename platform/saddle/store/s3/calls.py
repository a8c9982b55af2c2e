"""Calls of an S3 endpoint: repeated while that may help, with errors that hold nothing secret."""

from __future__ import annotations

import functools
import logging
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from saddle.backoff import pause_after
from saddle.errors import Damaged, StorageError

T = TypeVar("T")

CONNECTIONS = 32
CONNECT_SECONDS = 5.0
SILENT_SECONDS = 30.0
"""How long an endpoint may be silent before the attempt counts as failed."""

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
GARBLED_ATTEMPTS = 3
NOT_IMPLEMENTED = 501
"""The HTTP status by which an endpoint says that it will never do this."""

TRANSIENT = {
    "BandwidthLimitExceeded", "ConditionalRequestConflict", "InternalError", "OperationAborted", "RequestLimitExceeded",
    "RequestTimeout", "RequestTimeoutException", "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException",
    "TooManyRequests", "TooManyRequestsException",
}  # fmt: skip
MISSING = {"404", "NoSuchKey", "NotFound"}
REFUSED = {
    "401", "403", "AccessDenied", "AllAccessDisabled", "AuthorizationHeaderMalformed", "ExpiredToken",
    "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "TokenRefreshRequired",
}  # fmt: skip
EXPIRED = {"ExpiredToken", "InvalidToken", "TokenRefreshRequired"}
RIGHTS = "s3:ListBucket, s3:GetObject, s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload"

log = logging.getLogger(__name__)


class Garbled(Exception):
    """An answer isn't what was stored, so it is asked for again; if that doesn't help, what is stored is damaged."""


@dataclass
class Calls:
    """One bucket's client; every call is tried again for `patience` seconds."""

    bucket: str
    client: Any
    patience: float

    @property
    def endpoint(self) -> str:
        """The endpoint's address without a user name and password."""
        parts = urlsplit(str(self.client.meta.endpoint_url))
        where = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{where}"

    def __call__(self, doing: str, path: str, call: Callable[[], T], *, patience: float | None = None) -> T:
        """What `call` returns; `doing` (`reading`) and `path` name it in errors.

        Raises `FileNotFoundError` if there is no such blob, `Damaged`, `StorageError` for all else that a person
        can mend, and `botocore.exceptions.ClientError` only for a condition that isn't met (`is_unmet`).
        """
        patience = self.patience if patience is None else patience
        since = time.monotonic()
        attempts = garbled = 0
        while True:
            attempts += 1
            refusal: Exception | None = None
            try:
                return call()
            except Garbled as error:
                garbled += 1
                if garbled >= GARBLED_ATTEMPTS:
                    raise Damaged(f"{self._blob(path)} is damaged: {error}") from None
                trouble = str(error)
            except Exception as error:
                if is_unmet(error):
                    raise
                if is_missing(error):
                    raise FileNotFoundError(f"{self._blob(path)} does not exist") from None
                if code_of(error) in EXPIRED:  # somebody may have put new ones into the credentials file
                    self.client, refusal = make_client(self.patience), error
                elif not is_transient(error):
                    raise StorageError(self._refusal(doing, path, error)) from None
                trouble = describe(error)
            spent = time.monotonic() - since
            pause = pause_after(attempts, FIRST_PAUSE, LONGEST_PAUSE) * random.uniform(0.5, 1)
            if spent + pause > patience:
                if refusal is not None:
                    raise StorageError(self._refusal(doing, path, refusal))
                tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
                raise StorageError(
                    f"{doing} {self._blob(path)} failed: {trouble} ({tries} in {spent:.0f} s at {self.endpoint}); "
                    "check whether the endpoint is up, then run the same command again"
                ) from None
            if attempts == 5:  # a single failure is not worth a line
                log.warning("%s: %s; trying again for %.0f s", self.endpoint, trouble, patience - spent)
            time.sleep(pause)

    def _blob(self, path: str) -> str:
        return f"s3://{self.bucket}/{path}"

    def _refusal(self, doing: str, path: str, error: Exception) -> str:
        code = code_of(error)
        bucket = f"the bucket {self.bucket!r}"
        if code == "NoSuchBucket":
            return (
                f"{bucket} does not exist at {self.endpoint}; create it, or name another with "
                "--storage s3://BUCKET/PREFIX (AWS_ENDPOINT_URL says which endpoint is asked)"
            )
        if code in REFUSED or status_of(error) in (401, 403):
            return (
                f"{self.endpoint} refuses {doing} {self._blob(path)} ({code}); check that the credentials of the "
                "usual chain (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine's role) have "
                f"the rights {RIGHTS} on {bucket}"
            )
        name = type(error).__name__
        if "Credential" in name or name in ("ProfileNotFound", "TokenRetrievalError"):
            return (
                f"no credentials for {self._blob(path)} ({name}); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
                "AWS_PROFILE"
            )
        if name == "SSLError":
            return (
                f"the certificate of {self.endpoint} is not trusted; set AWS_CA_BUNDLE to a file with your certificates"
            )
        return f"{doing} {self._blob(path)} failed: {describe(error)} at {self.endpoint}"


def code_of(error: Exception) -> str:
    """The endpoint's word for what is wrong, or ''."""
    answer = getattr(error, "response", None)
    code = answer.get("Error", {}).get("Code", "") if isinstance(answer, dict) else ""
    return "".join(letter for letter in str(code) if letter.isalnum())[:60]


def status_of(error: Exception) -> int:
    """The HTTP status of the answer, or 0."""
    answer = getattr(error, "response", None)
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) if isinstance(answer, dict) else 0


def is_missing(error: Exception) -> bool:
    """Whether there is no blob of that name."""
    return code_of(error) in MISSING


def is_unmet(error: Exception) -> bool:
    """Whether the condition of a conditional write was not met."""
    return code_of(error) in ("PreconditionFailed", "412")


def is_transient(error: Exception) -> bool:
    """Whether the same call may succeed in a moment."""
    from botocore.exceptions import ConnectionError as Unreachable
    from botocore.exceptions import HTTPClientError, IncompleteReadError, SSLError
    from botocore.parsers import ResponseParserError

    if isinstance(error, SSLError):
        return False
    if isinstance(error, Unreachable | HTTPClientError | IncompleteReadError | ResponseParserError | OSError):
        return True
    status = status_of(error)
    return code_of(error) in TRANSIENT or status == 429 or (status >= 500 and status != NOT_IMPLEMENTED)


def describe(error: Exception) -> str:
    """What is wrong, from code and kind alone: an endpoint's own words may repeat what it was sent."""
    code, status = code_of(error), status_of(error)
    if status:
        return f"HTTP {status}" + (f" {code}" if code and code != str(status) else "")
    return {
        "EndpointConnectionError": "it can't be reached",
        "ConnectTimeoutError": "it can't be reached in time",
        "ReadTimeoutError": "no answer in time",
        "ConnectionClosedError": "the connection was reset",
        "ResponseStreamingError": "the answer broke off",
        "IncompleteReadError": "the answer broke off",
    }.get(type(error).__name__, type(error).__name__)


def shared_client(patience: float) -> Any:
    """This process's client for the current environment: making one takes longer than many a trial's checkpoint."""
    environment = hash(tuple(sorted((n, v) for n, v in os.environ.items() if n.startswith("AWS_"))))
    return _shared_client(patience, environment)


@functools.lru_cache(maxsize=8)
def _shared_client(patience: float, environment: int) -> Any:
    return make_client(patience)


def make_client(patience: float) -> Any:
    """A client of the endpoint and with the credentials that environment and configuration name.

    Raises `StorageError`.
    """
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    # at DEBUG botocore logs the headers it sends, a session token among them
    parent = logging.getLogger("botocore")
    if parent.level == logging.NOTSET:
        parent.setLevel(logging.INFO)
    config = Config(
        connect_timeout=min(CONNECT_SECONDS, patience),
        read_timeout=min(SILENT_SECONDS, patience),
        max_pool_connections=CONNECTIONS,
        retries={"total_max_attempts": 1},  # `Calls` tries again, reading of bodies included
        # we send Content-MD5 and keep a SHA-256 of our own: what every S3-compatible endpoint understands
        request_checksum_calculation="when_required",
    )
    try:
        return boto3.session.Session().client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise StorageError(
            f"the S3 client can't be created ({type(error).__name__}); check AWS_PROFILE, AWS_ENDPOINT_URL, "
            "AWS_DEFAULT_REGION and the AWS configuration files"
        ) from None
