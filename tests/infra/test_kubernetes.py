"""Every manifest, as `kubectl apply -k` would send it: schemas, commands, rights, network and secrets."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.infra_commands import WrongCall, calls, parse
from tests.support.infra_tools import INFRA, ROOT, module, rendered

pytestmark = pytest.mark.long

OVERLAYS = ["local", "aws", "gcp", "local-sweep", "aws-sweep", "gcp-sweep"]
KUBERNETES = "1.34"
CRDS = {"RayCluster": "rayclusters", "RayJob": "rayjobs"}
REFERENCE = ROOT.parent / "shared/reference/kuberay_1.7.0"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session", params=OVERLAYS)
def manifests(request: pytest.FixtureRequest, home: Path) -> list[dict[str, Any]]:
    """An overlay's manifests."""
    return rendered(INFRA / f"kubernetes/overlays/{request.param}", home)


def pods(document: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every pod template of a document, with a name for messages."""
    if isinstance(document, dict):
        name = document.get("groupName") or document.get("metadata", {}).get("name") or name
        if "containers" in document:
            yield name, document
        for value in document.values():
            yield from pods(value, name)
    elif isinstance(document, list):
        for value in document:
            yield from pods(value, name)


def kind(manifests: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [manifest for manifest in manifests if manifest["kind"] == name]


def closed(schema: Any) -> Any:
    """A CRD's schema as the API server reads it with strict validation: no field that it doesn't know."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    open_ended = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    parts = {key: closed(value) for key, value in schema.items() if not key.startswith("x-kubernetes")}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not open_ended:
        parts["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        parts["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return parts


def test_core_kinds_are_valid(manifests: list[dict[str, Any]]) -> None:
    validate = module("kubernetes_validate").validate
    for manifest in manifests:
        if manifest["kind"] not in CRDS:
            validate(manifest, KUBERNETES, strict=True)


def test_kuberays_kinds_are_valid(manifests: list[dict[str, Any]]) -> None:
    if not REFERENCE.exists():
        pytest.skip("the schemas of KubeRay 1.7.0 are not beside this checkout")
    ours = [manifest for manifest in manifests if manifest["kind"] in CRDS]
    assert ours
    for manifest in ours:
        with gzip.open(REFERENCE / f"{CRDS[manifest['kind']]}.json.gz") as file:
            crd = json.load(file)
        assert manifest["apiVersion"] == f"{crd['group']}/{crd['version']}"
        schema = closed(crd["schema"])
        schema["properties"]["metadata"] = {"type": "object"}
        jsonschema.validate(manifest, schema)


def test_a_field_that_kuberay_does_not_know_is_found(home: Path) -> None:
    if not REFERENCE.exists():
        pytest.skip("the schemas of KubeRay 1.7.0 are not beside this checkout")
    [cluster] = kind(rendered(INFRA / "kubernetes/overlays/local", home), "RayCluster")
    cluster["spec"]["headGroupSpec"]["rayStartParameters"] = {}
    with pytest.raises(jsonschema.ValidationError, match="rayStartParameters"):
        test_kuberays_kinds_are_valid([cluster])


def test_every_command_is_one_that_its_program_takes(manifests: list[dict[str, Any]]) -> None:
    said = [words for manifest in manifests for words in calls(manifest)]
    assert {words[0] for words in said} >= {"mlflow", "ray"}
    for words in said:
        parse(words)


def test_the_nightlys_command_is_one_that_saddle_takes(manifests: list[dict[str, Any]]) -> None:
    [cron] = kind(manifests, "CronJob")
    [words] = list(calls(cron))
    assert words[:3] == ["saddle", "nightly", "run"]
    assert words[-2:] == ["--date", "2026-11-30"]
    parse(words)


def test_a_command_with_a_wrong_option_is_found() -> None:
    with pytest.raises(WrongCall):
        parse(["saddle", "run", "quickstart", "--adress", "auto"])
    with pytest.raises(WrongCall):
        parse(["ray", "start", "--head", "--dashboard-hosts=0.0.0.0"])


def test_the_nightly_neither_overlaps_nor_runs_for_every_missed_tick(manifests: list[dict[str, Any]]) -> None:
    [cron] = kind(manifests, "CronJob")
    assert cron["apiVersion"] == "batch/v1"
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    assert cron["spec"]["startingDeadlineSeconds"] < 24 * 3600
    assert {"timeZone", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"} <= set(cron["spec"])
    [_, answered] = cron["spec"]["jobTemplate"]["spec"]["podFailurePolicy"]["rules"]
    assert answered["onExitCodes"]["values"] == [1, 2, 4], "3, and a kill, are tried again"


def test_no_pod_is_root_or_keeps_a_capability_and_all_say_what_they_need(manifests: list[dict[str, Any]]) -> None:
    seen = [found for manifest in manifests for found in pods(manifest)]
    assert len(seen) >= 6
    for name, pod in seen:
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["runAsUser"] >= 999, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            context, resources = container["securityContext"], container["resources"]
            assert (context["allowPrivilegeEscalation"], context["capabilities"]) == (False, {"drop": ["ALL"]}), name
            for most in ("requests", "limits"):
                assert {"cpu", "memory"} <= set(resources[most]), name


def test_only_the_head_may_ask_the_api_server(manifests: list[dict[str, Any]]) -> None:
    accounts = {a["metadata"]["name"]: a["automountServiceAccountToken"] for a in kind(manifests, "ServiceAccount")}
    assert [name for name, mounted in accounts.items() if mounted] == ["ray-head"]
    for manifest in manifests:
        for name, pod in pods(manifest):
            mounted = pod.get("automountServiceAccountToken", True)
            assert not mounted or pod["serviceAccountName"] == "ray-head", name
    assert kind(manifests, "ClusterRoleBinding") == kind(manifests, "RoleBinding") == []


def test_the_ray_cluster_asks_for_a_token_and_trains_nothing_on_its_head(manifests: list[dict[str, Any]]) -> None:
    specs = [c["spec"] for c in kind(manifests, "RayCluster")]
    specs += [j["spec"]["rayClusterSpec"] for j in kind(manifests, "RayJob")]
    [spec] = specs
    assert spec["authOptions"] == {"mode": "token"}
    assert spec["rayVersion"]
    assert (spec["enableInTreeAutoscaling"], spec["autoscalerOptions"]["version"]) == (True, "v2")
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    groups = {group["groupName"]: group for group in spec["workerGroupSpecs"]}
    assert all(group["minReplicas"] == 0 for name, group in groups.items() if name == "gpu")
    for group in groups.values():
        pod = group["template"]["spec"]
        assert pod["restartPolicy"] == "Never"
        drain = pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1]
        assert "ray drain-node" in drain
        assert "--deadline-remaining-seconds 60" in drain
        assert pod["terminationGracePeriodSeconds"] > 60


def test_a_sweep_has_its_own_cluster_which_goes_with_it(home: Path) -> None:
    for overlay in ("local", "aws", "gcp"):
        sweep = rendered(INFRA / f"kubernetes/overlays/{overlay}-sweep", home)
        [job] = kind(sweep, "RayJob")
        [standing] = kind(rendered(INFRA / f"kubernetes/overlays/{overlay}", home), "RayCluster")
        assert kind(sweep, "RayCluster") == []
        assert job["spec"]["rayClusterSpec"] == standing["spec"]
        assert job["spec"]["shutdownAfterJobFinishes"]
        assert job["spec"]["backoffLimit"] > 0
        [submitter] = job["spec"]["submitterPodTemplate"]["spec"]["containers"]
        assert submitter["image"] == standing["spec"]["headGroupSpec"]["template"]["spec"]["containers"][0]["image"]
