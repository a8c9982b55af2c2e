"""Who reaches whom in the cluster, and that secrets are only referred to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from saddle.secret_names import is_secret_name
from tests.infra.test_kubernetes import OVERLAYS, kind, pods
from tests.support.infra_tools import INFRA, rendered

KUBERAYS = {"head": {"ray.io/node-type": "head"}, "worker": {"ray.io/node-type": "worker"}}
"""Labels that the operator gives."""


@pytest.fixture(scope="module", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return rendered(INFRA / f"kubernetes/overlays/{request.param}", tmp_path_factory.mktemp("home"))


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}, "this test reads plain labels"
    return all(labels.get(name) == value for name, value in selector.get("matchLabels", {}).items())


def labels_of(manifests: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The labels of each kind of pod, those included that KubeRay adds."""
    labels: dict[str, dict[str, str]] = {}
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] in ("Deployment", "StatefulSet", "Job"):
            labels[manifest["metadata"]["name"]] = spec["template"]["metadata"]["labels"]
        if manifest["kind"] == "CronJob":
            labels["nightly"] = spec["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
        if manifest["kind"] == "RayJob":
            labels["submitter"] = spec["submitterPodTemplate"]["metadata"]["labels"]
        if manifest["kind"] in ("RayCluster", "RayJob"):
            cluster = spec.get("rayClusterSpec", spec)
            ours = {"ray.io/is-ray-node": "yes"}
            head, [worker, *_] = cluster["headGroupSpec"], cluster["workerGroupSpecs"]
            labels["head"] = {**head["template"]["metadata"]["labels"], **KUBERAYS["head"], **ours}
            labels["worker"] = {**worker["template"]["metadata"]["labels"], **KUBERAYS["worker"], **ours}
    return labels


def reaches(manifests: list[dict[str, Any]], source: dict[str, str], target: dict[str, str], port: int) -> bool:
    """Whether the policies let a pod reach another one: out of the one, and into the other."""

    def open_for(direction: str, here: dict[str, str], there: dict[str, str]) -> bool:
        peers = {"ingress": "from", "egress": "to"}[direction]
        for policy in kind(manifests, "NetworkPolicy"):
            if not selects(policy["spec"]["podSelector"], here):
                continue
            for rule in policy["spec"].get(direction, ()):
                ports = [entry["port"] for entry in rule.get("ports", ())]
                near = [peer for peer in rule[peers] if "podSelector" in peer and "namespaceSelector" not in peer]
                if (not ports or port in ports) and any(selects(peer["podSelector"], there) for peer in near):
                    return True
        return False

    return open_for("egress", source, target) and open_for("ingress", target, source)


def test_everything_is_closed_but_for_what_is_opened(manifests: list[dict[str, Any]]) -> None:
    closed = [policy for policy in kind(manifests, "NetworkPolicy") if policy["metadata"]["name"] == "closed"]
    assert [policy["spec"] for policy in closed] == [{"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}]


def test_who_reaches_whom(manifests: list[dict[str, Any]]) -> None:
    labels = labels_of(manifests)
    ports = {"mlflow": 5000, "postgres": 5432, "s3": 8333, "head": 8265}
    found = {
        (source, target)
        for source in labels
        for target in labels
        if source != target and target in ports and reaches(manifests, labels[source], labels[target], ports[target])
    }
    expected = {
        ("head", "mlflow"),
        ("nightly", "mlflow"),
        ("head", "postgres"),
        ("mlflow", "postgres"),
        ("worker", "head"),
    }
    if "s3" in labels:
        expected |= {(source, "s3") for source in ("head", "worker", "nightly", "mlflow", "buckets")}
    if "submitter" in labels:
        expected.add(("submitter", "head"))
    assert found == expected
    assert reaches(manifests, labels["head"], labels["worker"], 12345), "Ray chooses the ports of its workers"


def test_names_the_bucket_and_the_api_server_are_open_and_the_metadata_service_is_not(
    manifests: list[dict[str, Any]],
) -> None:
    labels = labels_of(manifests)

    def outside(name: str) -> set[int]:
        ports: set[int] = set()
        for policy in kind(manifests, "NetworkPolicy"):
            if not selects(policy["spec"]["podSelector"], labels[name]):
                continue
            for rule in policy["spec"].get("egress", ()):
                blocks = [peer["ipBlock"] for peer in rule["to"] if "ipBlock" in peer]
                assert all(block["except"] == ["169.254.0.0/16"] for block in blocks)
                named = [peer for peer in rule["to"] if "namespaceSelector" in peer]
                ports |= {entry["port"] for entry in rule["ports"]} if blocks or named else set()
        return ports

    assert outside("head") == {53, 443, 6443}
    assert outside("worker") == outside("nightly") == outside("mlflow") == {53, 443}
    assert outside("postgres") == {53}


def test_secrets_are_referred_to_and_never_written(manifests: list[dict[str, Any]]) -> None:
    assert kind(manifests, "Secret") == []
    for manifest in manifests:
        if manifest["kind"] == "ConfigMap":
            assert [name for name in manifest["data"] if is_secret_name(name)] == []
        for name, pod in pods(manifest):
            for container in pod["containers"]:
                written = [entry["name"] for entry in container.get("env", ()) if "value" in entry]
                assert [word for word in written if is_secret_name(word)] == [], name


def test_the_script_makes_every_secret_that_is_referred_to(manifests: list[dict[str, Any]]) -> None:
    script = (INFRA / "kubernetes/make-secrets.sh").read_text()
    asked: set[str] = set()
    for manifest in manifests:
        for _, pod in pods(manifest):
            asked |= {volume["secret"]["secretName"] for volume in pod.get("volumes", ()) if "secret" in volume}
            for container in pod["containers"]:
                asked |= {
                    source["secretRef"]["name"] for source in container.get("envFrom", ()) if "secretRef" in source
                }
                asked |= {
                    entry["valueFrom"]["secretKeyRef"]["name"]
                    for entry in container.get("env", ())
                    if "secretKeyRef" in entry.get("valueFrom", {})
                }
    assert {"postgres", "bucket"} <= asked
    assert [name for name in asked if f"make {name}\n" not in script] == []


def test_workers_are_given_neither_the_databases_password_nor_a_way_to_it(manifests: list[dict[str, Any]]) -> None:
    workers = [
        pod for manifest in manifests for _, pod in pods(manifest) if pod.get("serviceAccountName") == "ray-worker"
    ]
    assert workers
    for pod in workers:
        assert {entry["name"] for entry in pod["containers"][0]["env"]} == {"POD_IP"}


def test_every_file_of_the_folder_is_used() -> None:
    folder = INFRA / "kubernetes"
    for kustomization in folder.glob("**/kustomization.yaml"):
        text = kustomization.read_text()
        others: list[Path] = [path for path in kustomization.parent.glob("*.yaml") if path != kustomization]
        assert [path.name for path in others if f"- {path.name}" not in text] == []
