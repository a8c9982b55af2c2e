"""A database that many people's studies share, named by SADDLE_OPTUNA_URL; it is never written down or shown whole."""

from __future__ import annotations

import os
import time
from typing import Any

from optuna.storages import RDBStorage, get_storage
from sqlalchemy import event
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError

from saddle.backoff import pause_after
from saddle.errors import SharedDatabaseError
from saddle.redaction import redact
from saddle.search.retrying_storage import ConnectionLost, PatientStorage

VARIABLE = "SADDLE_OPTUNA_URL"
PATIENCE_VARIABLE = "SADDLE_OPTUNA_PATIENCE"
PATIENCE = 120.0
"""How many seconds a running study waits for a database that went away."""

EXAMPLE = "postgresql://USER:PASSWORD@HOST:5432/DATABASE"
INSTEAD = f"or unset {VARIABLE} to keep the search in the study's storage"

NOTICES_A_DEAD_HOST = {
    "connect_timeout": 5, "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}  # fmt: skip
"""libpq's: a host that vanished without a word is noticed within half a minute."""

AWAY = (OperationalError, InterfaceError)
"""What drivers raise when the server does not answer, but not when it refuses a request."""

OPENINGS = 6
"""How often a database is opened: if it is new, another driver may be making the same tables just now."""


def shared_url() -> str | None:
    """What SADDLE_OPTUNA_URL says, password included; None if it is unset."""
    return os.environ.get(VARIABLE, "").strip() or None


def patience() -> float:
    """How long to wait for a lost database; raises `SharedDatabaseError` if it is not a number of seconds."""
    text = os.environ.get(PATIENCE_VARIABLE)
    try:
        seconds = PATIENCE if text is None else float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise SharedDatabaseError(f"{PATIENCE_VARIABLE} is {text!r}, but it must be a number of seconds, such as 120")
    return seconds


def open_shared(url: str) -> PatientStorage:
    """Optuna's storage in the database at `url`, its tables made if they are missing.

    Raises `SharedDatabaseError` for a wrong address, a missing driver, or a server that doesn't answer.
    """
    parsed = parse(url)
    database = open_database(parsed, url)
    event.listen(database.engine, "handle_error", tell_lost_connections)
    # Optuna's own cache, which it puts before every database: only running trials are read again
    name = f"Optuna's database {redact(url)}"
    return PatientStorage(get_storage(database), name, patience(), release=database.engine.dispose)


def parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
        return parsed
    except NoSuchModuleError:
        kind = url.partition(":")[0]
        nearest = "postgresql" if kind.startswith("postgres") else EXAMPLE
        problem = f"names {kind!r}, a kind of database that SQLAlchemy doesn't know; did you mean {nearest}?"
    except (ArgumentError, ValueError):
        shown = redact(url) if "://" in url else "no address"
        problem = f"is {shown}, which can't be read; write {EXAMPLE}, with /, : and @ in the password as %2F, %3A, %40"
    raise SharedDatabaseError(f"{VARIABLE} {problem}")


def open_database(parsed: URL, url: str) -> RDBStorage:
    """Optuna's storage; the address is tried before Optuna makes its tables."""
    options: dict[str, Any] = {"pool_pre_ping": True}
    if parsed.get_backend_name() == "postgresql":
        options["connect_args"] = NOTICES_A_DEAD_HOST
    # Optuna fills a template in
    template = url.replace("{", "{{").replace("}", "}}")
    for attempt in range(1, OPENINGS + 1):
        try:
            return RDBStorage(template, engine_kwargs=dict(options))
        except ImportError as error:
            driver = "pip install 'saddle[postgres]'" if parsed.get_backend_name() == "postgresql" else "its driver"
            raise SharedDatabaseError(
                f"{VARIABLE} names {redact(url)}, whose driver is not installed ({error.__cause__}); install {driver}"
            ) from None
        except RuntimeError as error:  # made by another version of Optuna
            raise SharedDatabaseError(f"{VARIABLE}: {redact(url)}: {error}") from None
        except Exception as error:
            cause = error if isinstance(error, SQLAlchemyError) else error.__cause__
            if not isinstance(cause, SQLAlchemyError):
                raise
            if isinstance(cause, AWAY) or attempt == OPENINGS:
                why = reason(cause)
                raise SharedDatabaseError(
                    f"{VARIABLE}: {redact(url)} can't be used: {why}; start the server or mend the address, {INSTEAD}"
                ) from None
            time.sleep(pause_after(attempt, 0.1))
    raise AssertionError


def reason(error: BaseException) -> str:
    """The first line of what a database's driver said."""
    original = getattr(error, "orig", None) or error
    lines = str(original).strip().splitlines() or [type(original).__name__]
    return redact(lines[0])


def tell_lost_connections(context: ExceptionContext) -> None:
    """Say `ConnectionLost` for what the driver raises when the server is away.

    Optuna would repeat some operations by itself, without asking whether the first attempt was successful.
    """
    error = context.sqlalchemy_exception
    if error is not None and not context.is_pre_ping and (context.is_disconnect or isinstance(error, AWAY)):
        raise ConnectionLost(reason(error)) from None
