"""S3 credentials that only the driver has, on their way to the workers of a cluster.

Ray Tune puts the four AWS_* names into the runtime environment of its actors, and that is shown to everybody: on the
workers' command lines, in `runtime_env_agent.log` (0644) and by the state API. Here they travel as the answer to a call
of an actor, which Ray passes from process to process behind the cluster's token, and neither shows nor stores: an
argument or answer this small never gets to the object store, whose content may be spilled to disk.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from saddle.cluster.ray_internals import variables_for_tune
from saddle.errors import StorageError
from saddle.secret_names import is_secret_name
from saddle.store.s3.calls import make_client, status_of

KEY, SECRET, SESSION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
ENDPOINT, REGION = "AWS_ENDPOINT_URL_S3", "AWS_DEFAULT_REGION"
ROLES = ("iam-role", "container-role", "assume-role-with-web-identity")
"""Where botocore finds what belongs to a machine or pod: each node has its own, or is meant to have none."""

REFRESH_SECONDS = 60.0
"""How old the credentials may be that workers are given: a profile's may be renewed meanwhile."""

ASK_SECONDS = 30.0
"""How long a worker waits for the driver's credentials."""

PROBE_SECONDS = 5.0

_adopted = threading.Event()
"""Set where this process has the driver's credentials: Ray may use it for another actor later."""


class CredentialKeeper:
    """An actor on the driver's node that gives workers the driver's credentials, and no other process."""

    def __init__(self) -> None:
        self._settings: dict[str, str] = {}

    def keep(self, settings: Mapping[str, str]) -> None:
        """Answer with these from now on."""
        self._settings = dict(settings)

    def answer(self) -> dict[str, str]:
        """The driver's variables; none before `keep`."""
        return dict(self._settings)


def withhold_secrets_from_tune() -> None:
    """Let Ray Tune put no secret into the runtime environment of its actors."""
    names = variables_for_tune()
    names.difference_update([name for name in names if is_secret_name(name)])


@contextlib.contextmanager
def share_credentials() -> Iterator[None]:
    """Answer the workers of this driver with its own S3 credentials until the block ends.

    Nothing is shared where the driver has none, or only its machine's role: a node's role is its own.
    """
    settings = own_settings()
    if not settings:
        yield
        return
    import ray

    keeper = _start_keeper()
    ray.get(keeper.keep.remote(settings))
    ended = threading.Event()
    refresher = threading.Thread(target=_refresh, args=(keeper, ended), name="saddle-credentials", daemon=True)
    refresher.start()
    try:
        yield
    finally:
        ended.set()
        refresher.join(REFRESH_SECONDS)
        with contextlib.suppress(ray.exceptions.RayError, ValueError):  # the cluster may have gone
            ray.kill(keeper)


def own_settings() -> dict[str, str]:
    """The S3 credentials of this process's environment, profile or configuration files, with endpoint and region.

    Nothing where there are none, or where only the machine's own role gives any.
    """
    import botocore.session
    from botocore.exceptions import BotoCoreError, ClientError

    session = botocore.session.Session()
    try:
        for role in ROLES:
            session.get_component("credential_provider").remove(role)
        credentials = session.get_credentials()
        if credentials is None:
            return {}
        frozen = credentials.get_frozen_credentials()
        endpoint = session.create_client("s3").meta.endpoint_url
    except (BotoCoreError, ClientError, ValueError):
        return {}  # the driver's own first use of the store says in full what is wrong
    settings = {KEY: frozen.access_key, SECRET: frozen.secret_key, SESSION: frozen.token or ""}
    settings[REGION] = session.get_config_variable("region") or ""
    settings[ENDPOINT] = "" if ".amazonaws.com" in endpoint else endpoint
    return {name: value for name, value in settings.items() if value}


def adopt_credentials(storage: str) -> None:
    """Take the driver's S3 credentials into this process, unless its node has its own that open `storage`.

    Called by every worker process before its first use of S3, and before each trial: they may have been renewed.
    """
    variables = _ask_driver()
    if not variables or (not _adopted.is_set() and node_opens(storage)):
        return
    _adopted.set()
    for name in (KEY, SECRET, SESSION, "AWS_SECURITY_TOKEN"):
        if name not in variables:
            os.environ.pop(name, None)
    os.environ.update({name: value for name, value in variables.items() if is_secret_name(name)})
    if "AWS_ENDPOINT_URL" not in os.environ:
        os.environ.update({name: variables[name] for name in (ENDPOINT,) if name in variables})
    if REGION in variables:
        os.environ.setdefault(REGION, variables[REGION])


@cache
def node_opens(storage: str) -> bool:
    """Whether this node has credentials of its own, from its environment, files or role, that open `storage`.

    Only a refusal counts: many machines have a role that has nothing to do with the storage, or only reads it.
    An endpoint that can't be reached says nothing against them.
    """
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        if boto3.session.Session().get_credentials() is None:
            return False
        if storage.startswith("s3://"):
            _use(*storage.removeprefix("s3://").partition("/")[::2])
    except ClientError as error:
        return status_of(error) not in (400, 401, 403)
    except (BotoCoreError, StorageError) as error:
        return isinstance(error, HTTPClientError)
    return True


def _use(bucket: str, prefix: str) -> None:
    """List, write and delete once, as a worker does; raises botocore's errors."""
    client = make_client(PROBE_SECONDS)
    key = f"{prefix}/opened-by-{secrets.token_hex(8)}".lstrip("/")
    client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    client.put_object(Bucket=bucket, Key=key, Body=b"")
    client.delete_object(Bucket=bucket, Key=key)


def _name() -> str:
    """The name of this driver's keeper; another driver in the same namespace has another."""
    import ray

    return f"saddle-credentials-{ray.get_runtime_context().get_job_id()}"


def _start_keeper() -> Any:
    """The actor on the driver's own node, restarted if it dies."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor_class = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(CredentialKeeper)
    return actor_class.options(name=_name(), get_if_exists=True, scheduling_strategy=here).remote()


def _refresh(keeper: Any, ended: threading.Event) -> None:
    """Update the keeper from time to time: credentials are renewed, and a keeper that died has forgotten them."""
    import ray

    while not ended.wait(REFRESH_SECONDS):
        with contextlib.suppress(ray.exceptions.RayError):
            ray.get(keeper.keep.remote(own_settings()), timeout=REFRESH_SECONDS)


def _ask_driver() -> dict[str, str]:
    """The driver's settings; nothing if it shares none."""
    import ray

    try:
        keeper = ray.get_actor(_name())
        answer: dict[str, str] = ray.get(keeper.answer.remote(), timeout=ASK_SECONDS)
    except (ValueError, ray.exceptions.RayError):
        return {}
    return answer
