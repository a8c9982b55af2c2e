"""Makes what aws.yaml refers to: roles with least privileges, their instance profiles, and a security group.

    python infra/ray/prepare_aws.py --region eu-central-1 --bucket my-bucket --ssh-from 203.0.113.7/32

Run once with your own permissions; existing resources are updated. Prints the names for aws.yaml.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

POLICIES = Path(__file__).parent / "policies"
ROLES: Mapping[str, Sequence[str]] = {"saddle-head": ("head", "bucket"), "saddle-worker": ("bucket",)}
GROUP = "saddle-ray"


def main(arguments: Sequence[str] | None = None) -> None:
    """Make roles and security group, and print their names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--region", required=True)
    parser.add_argument("--bucket", required=True)
    parser.add_argument("--ssh-from", required=True, type=narrow_network, metavar="CIDR", help="who may log in")
    parser.add_argument("--subnet", help="where nodes run; by default the default one")
    options = parser.parse_args(arguments)
    account = boto3.client("sts", region_name=options.region).get_caller_identity()["Account"]
    values = {"REGION": options.region, "ACCOUNT": account, "BUCKET": options.bucket}
    for role, policies in ROLES.items():
        make_role(boto3.client("iam", region_name=options.region), role, policies, values)
    ec2 = boto3.client("ec2", region_name=options.region)
    subnet = find_subnet(ec2, options.subnet)
    print(f"SUBNET: {subnet['SubnetId']}")
    print(f"SECURITY_GROUP: {make_security_group(ec2, subnet['VpcId'], options.ssh_from)}")


def narrow_network(text: str) -> str:
    """A network from which SSH is allowed; raises `ValueError` for one of more than 65,536 addresses."""
    network = ipaddress.ip_network(text)
    if network.num_addresses > 2**16:
        raise ValueError(f"{text} is too wide: give your own address, as 203.0.113.7/32")
    return str(network)


def policy(name: str, values: Mapping[str, str]) -> str:
    """A policy document with its placeholders filled in."""
    text = (POLICIES / f"{name}.json").read_text(encoding="utf-8")
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return json.dumps(json.loads(text))


def make_role(iam: Any, role: str, policies: Sequence[str], values: Mapping[str, str]) -> None:
    """A role for instances with these policies, and the instance profile of the same name."""
    unless_there(iam.create_role, RoleName=role, AssumeRolePolicyDocument=policy("trust-ec2", values))
    for name in policies:
        iam.put_role_policy(RoleName=role, PolicyName=f"saddle-{name}", PolicyDocument=policy(name, values))
    unless_there(iam.create_instance_profile, InstanceProfileName=role)
    if not iam.get_instance_profile(InstanceProfileName=role)["InstanceProfile"]["Roles"]:
        iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)


def find_subnet(ec2: Any, name: str | None) -> dict[str, Any]:
    """The subnet of this name, else a default one of the region."""
    if name is not None:
        [subnet] = ec2.describe_subnets(SubnetIds=[name])["Subnets"]
    else:
        subnet = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"][0]
    return dict(subnet)


def make_security_group(ec2: Any, network: str, ssh_from: str) -> str:
    """The id of a group whose members reach each other, and which allows SSH from one network."""
    filters = [{"Name": "vpc-id", "Values": [network]}, {"Name": "group-name", "Values": [GROUP]}]
    existing = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    if existing:
        group = str(existing[0]["GroupId"])
        if existing[0]["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=existing[0]["IpPermissions"])
    else:
        created = ec2.create_security_group(GroupName=GROUP, Description="Ray nodes of saddle", VpcId=network)
        group = str(created["GroupId"])
    rules = [
        {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": group}]},
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": ssh_from}]},
    ]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=rules)
    return group


def unless_there(make: Any, **named: Any) -> None:
    """Create something; that it already exists is not an error."""
    try:
        make(**named)
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityAlreadyExists":
            raise


if __name__ == "__main__":
    main()
