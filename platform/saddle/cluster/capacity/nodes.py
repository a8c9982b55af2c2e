"""What every node of a cluster must see before anything starts: the storage, and saddle itself."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from typing import Any

from saddle.cluster.credentials import adopt_credentials
from saddle.errors import StorageError
from saddle.redaction import redacting
from saddle.store.base import Store
from saddle.store.open import open_store

LOOK_SECONDS = 180.0
"""A node may first have to install what it was sent."""


def require_shared_storage(store: Store) -> None:
    """Raise `StorageError` unless every node that can run trials reads what this process writes to `store`."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"]]
    working = [node for node in nodes if node["Resources"].get("CPU") or node["Resources"].get("GPU")]
    if len(nodes) < 2:
        return
    nonce = secrets.token_hex(8)
    path = f"seen-by-nodes-{nonce}"
    store.write(path, nonce.encode())
    look = ray.remote(num_cpus=0, max_retries=1)(sees)
    try:
        requests = {
            look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)).remote(
                store.url, path, nonce
            ): node
            for node in working
        }
        answered, silent = ray.wait(list(requests), num_returns=len(requests), timeout=LOOK_SECONDS)
        blind = {_name(requests[answer]): why for answer in answered if (why := _answer(answer))}
        blind |= {_name(requests[late]): f"no answer within {LOOK_SECONDS:g} s" for late in silent}
    finally:
        with contextlib.suppress(OSError):
            store.delete(path)
    if blind:
        raise StorageError(_explain(store, blind))


@redacting()
def sees(url: str, path: str, nonce: str) -> str:
    """Why the storage here isn't that of the driver; empty if it is. Runs on a node."""
    adopt_credentials(url)
    try:
        content = open_store(url, create=False).read(path)
    except FileNotFoundError:
        return "the driver's file is missing"
    return "" if content == nonce.encode() else "the file's content differs"


def _answer(reference: Any) -> str:
    import ray

    try:
        return str(ray.get(reference))
    except Exception as error:  # a node without credentials, or one whose environment could not be set up
        return str(error).strip().splitlines()[-1]


def _name(node: Mapping[str, Any]) -> str:
    return f"{node['NodeName'] or node['NodeManagerAddress']} ({node['NodeID'][:8]})"


def _explain(store: Store, blind: Mapping[str, str]) -> str:
    reasons = "".join(f"\n  {name}: {why}" for name, why in sorted(blind.items()))
    if "://" in store.url:
        right = "give every node the endpoint and credentials that the driver has"
    else:
        right = "use --storage s3://BUCKET/PREFIX, or a folder that every node mounts under the same path"
    return f"the storage {store.url} can't be read on every node of the cluster; {right}{reasons}"
