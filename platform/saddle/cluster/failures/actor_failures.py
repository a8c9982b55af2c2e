"""Every way in which Ray says that an actor is gone, made known to Ray Tune."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ray.exceptions import RayActorError, RayError, RayTaskError

from saddle.cluster.ray_internals import FAILURE_HANDLERS, actor_manager


class ActorFailure(RayActorError):
    """An actor is gone, which Ray said with an error (`cause`) that is no `RayActorError`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__()
        self.cause = cause

    def __str__(self) -> str:
        return str(self.cause)


def report_all_actor_failures() -> None:
    """Let Tune take every error of Ray's own that an actor's start or call ends with for the actor's death.

    It knows `RayActorError` alone (2.60): an actor that Ray's OOM killer ended (`OutOfMemoryError`), or whose machine
    is gone (`NodeDiedError`), would end the whole run with "Caught unexpected exception".
    """
    manager = actor_manager()
    for name in FAILURE_HANDLERS:
        handler = getattr(manager, name)
        if not getattr(handler, "reports_all", False):
            setattr(manager, name, _reporting_all(handler))


def _reporting_all(handle: Callable[..., None]) -> Callable[..., None]:
    def handle_failure(manager: Any, *, exception: Exception, **tracked: Any) -> None:
        handle(manager, exception=as_actor_failure(exception), **tracked)

    handle_failure.__dict__["reports_all"] = True
    return handle_failure


def as_actor_failure(error: Exception) -> Exception:
    """The error as Tune knows it: unchanged, unless it is one of Ray's own that Tune has no case for."""
    is_known = not isinstance(error, RayError) or isinstance(error, RayActorError | RayTaskError)
    return error if is_known else ActorFailure(error)
