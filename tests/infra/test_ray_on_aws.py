"""`ray up infra/ray/aws.yaml`: Ray's own schema, and the calls of Ray and of the preparation, on moto's EC2 and IAM."""

from __future__ import annotations

import copy
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import jsonschema
import pytest
import yaml
from moto import mock_aws

from tests.support.infra_commands import calls_of_line, parse
from tests.support.infra_tools import INFRA, documents

pytestmark = pytest.mark.long

REGION, ACCOUNT, HOME_NETWORK = "eu-central-1", "123456789012", "203.0.113.7/32"
TEXT = (INFRA / "ray/aws.yaml").read_text()
[CLUSTER] = documents(TEXT)
NODES = {name: node["node_config"] for name, node in CLUSTER["available_node_types"].items()}
POLICIES = sorted((INFRA / "ray/policies").glob("*.json"))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "fake")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield


@pytest.fixture
def preparation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prepare_aws", INFRA / "ray/prepare_aws.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def cluster(aws: None, preparation: ModuleType, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The file with the names that the preparation printed, in an account that has nothing else."""
    preparation.main(["--region", REGION, "--bucket", "my-bucket", "--ssh-from", HOME_NETWORK])
    printed = dict(re.findall(r"^(\w+): (\S+)$", capsys.readouterr().out, re.MULTILINE))
    image = boto3.client("ec2").describe_images()["Images"][0]["ImageId"]
    boto3.client("ec2").create_key_pair(KeyName="saddle")
    text = TEXT
    for name, value in {**printed, "AMI": image, "REGION": REGION}.items():
        text = re.sub(rf"(?<![\w.]){name}(?=[\]\s,ab]|$)", value, text)
    [filled] = documents(text)
    return filled


def test_rays_own_schema_takes_it() -> None:
    import ray.autoscaler

    schema = json.loads((Path(ray.autoscaler.__file__).with_name("ray-schema.json")).read_text())
    jsonschema.validate(CLUSTER, schema)


def test_its_commands_are_ones_that_ray_takes() -> None:
    lines = [*CLUSTER["head_start_ray_commands"], *CLUSTER["worker_start_ray_commands"]]
    said = [words for line in lines for words in calls_of_line(line)]
    assert [words[:2] for words in said] == [["ray", "stop"], ["ray", "start"]] * 2
    for words in said:
        parse(words)


def test_unsafe_defaults_are_set_otherwise() -> None:
    from ray.autoscaler._private.aws.config import DEFAULT_AMI

    for node in NODES.values():
        assert node["MetadataOptions"]["HttpTokens"] == "required"
        assert node["IamInstanceProfile"], "workers write checkpoints"
        assert node["SecurityGroupIds"], "without one Ray makes a group that SSH reaches from everywhere"
        assert node["ImageId"] not in DEFAULT_AMI.values()
        assert all(disk["Ebs"]["Encrypted"] for disk in node["BlockDeviceMappings"])
    assert all(NODES[name]["InstanceMarketOptions"]["MarketType"] == "spot" for name in ("cpu", "gpu"))
    assert "InstanceMarketOptions" not in NODES["head"]
    assert CLUSTER["file_mounts"] == {"/home/ray/.ray/auth_token": "~/.ray/auth_token"}
    assert CLUSTER["idle_timeout_minutes"] <= 15
    assert CLUSTER["provider"]["cache_stopped_nodes"] is False
    assert "--dashboard-host=127.0.0.1" in CLUSTER["head_start_ray_commands"][1]


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_policies_allow_no_action_by_pattern(path: Path) -> None:
    document = json.loads(path.read_text())
    for statement in document["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert [action for action in actions if "*" in action] == []
        if statement.get("Resource") == "*":
            assert all(action.startswith("ec2:Describe") for action in actions), "what only looks"


def test_the_preparation_makes_roles_and_a_group_and_changes_nothing_when_run_again(
    cluster: dict[str, Any], preparation: ModuleType
) -> None:
    ec2, iam = boto3.client("ec2"), boto3.client("iam")

    def made() -> Any:
        groups = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["saddle-ray"]}])
        profiles = iam.list_instance_profiles()["InstanceProfiles"]
        roles = {p["InstanceProfileName"]: [r["RoleName"] for r in p["Roles"]] for p in profiles}
        return [(g["GroupId"], g["IpPermissions"]) for g in groups["SecurityGroups"]], roles

    [(group, rules)], roles = made()
    assert roles == {"saddle-head": ["saddle-head"], "saddle-worker": ["saddle-worker"]}
    by_protocol = {rule["IpProtocol"]: rule for rule in rules}
    assert [pair["GroupId"] for pair in by_protocol["-1"]["UserIdGroupPairs"]] == [group]
    assert by_protocol["-1"]["IpRanges"] == []
    assert [each["CidrIp"] for each in by_protocol["tcp"]["IpRanges"]] == [HOME_NETWORK]
    assert iam.list_role_policies(RoleName="saddle-worker")["PolicyNames"] == ["saddle-bucket"]
    stored = iam.get_role_policy(RoleName="saddle-head", PolicyName="saddle-head")["PolicyDocument"]
    assert f"arn:aws:iam::{ACCOUNT}:role/saddle-worker" in json.dumps(stored)
    before = made()
    preparation.main(["--region", REGION, "--bucket", "my-bucket", "--ssh-from", HOME_NETWORK])
    assert made() == before


def test_ssh_from_everywhere_is_refused(aws: None, preparation: ModuleType) -> None:
    with pytest.raises(SystemExit):
        preparation.main(["--region", REGION, "--bucket", "b", "--ssh-from", "0.0.0.0/0"])


def test_ray_starts_and_ends_nodes_with_what_the_file_says(cluster: dict[str, Any]) -> None:
    from ray.autoscaler._private.aws.config import bootstrap_aws
    from ray.autoscaler._private.aws.node_provider import AWSNodeProvider
    from ray.autoscaler._private.util import prepare_config

    config = bootstrap_aws(prepare_config(copy.deepcopy(cluster)))
    ours = boto3.client("ec2").describe_security_groups()["SecurityGroups"]
    assert "ray-autoscaler-saddle" not in {group["GroupName"] for group in ours}, "Ray made a group of its own"
    iam_roles = {role["RoleName"] for role in boto3.client("iam").list_roles()["Roles"]}
    assert iam_roles == {"saddle-head", "saddle-worker"}, "Ray made a role of its own, which may do everything in EC2"
    provider = AWSNodeProvider(config["provider"], "saddle")
    for name in ("head", "cpu"):
        node_config = config["available_node_types"][name]["node_config"]
        provider.create_node(copy.deepcopy(node_config), {"ray-node-type": name}, 1)
    started = [i for r in boto3.client("ec2").describe_instances()["Reservations"] for i in r["Instances"]]
    profiles = {instance["IamInstanceProfile"]["Arn"].rpartition("/")[2] for instance in started}
    assert profiles == {"saddle-head", "saddle-worker"}
    for instance in started:
        assert instance["MetadataOptions"]["HttpTokens"] == "required"
        assert {"Key": "ray-cluster-name", "Value": "saddle"} in instance["Tags"]
        assert instance["KeyName"] == "saddle"
    nodes = provider.non_terminated_nodes({})
    assert len(nodes) == 2
    provider.terminate_nodes(nodes)
    assert provider.non_terminated_nodes({}) == []


def test_placeholders_are_the_ones_that_the_documents_name() -> None:
    placeholders = {"REGION", "REGISTRY", "TAG", "AMI", "SUBNET", "SECURITY_GROUP"}
    written = set(re.findall(r"(?<![\w$])[A-Z_]{3,}(?![\w])", yaml.safe_dump(CLUSTER)))
    assert written - {"ALL", "CPU", "RAY_HEAD_IP", "REGIONa", "REGIONb"} == placeholders
