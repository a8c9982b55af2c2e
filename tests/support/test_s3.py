"""The endpoint and the proxy behave as tests rely on."""

from __future__ import annotations

import http.client
import time
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from tests.support.faulty_proxy import Fault, FaultyProxy
from tests.support.s3 import S3


@pytest.fixture
def impatient(s3_proxy: FaultyProxy) -> Any:
    """A client of the proxy that tries once."""
    return boto3.session.Session().client("s3", config=Config(retries={"total_max_attempts": 1}, read_timeout=5))


def test_the_environment_names_the_endpoint(s3: S3) -> None:
    bucket = s3.bucket()
    boto3.session.Session().client("s3").put_object(Bucket=bucket, Key="a/b", Body=b"1")
    assert s3.keys(bucket) == ["a/b"]
    s3.empty()
    names = {listed["Name"] for listed in s3.client().list_buckets()["Buckets"]}
    assert bucket not in names, "others' may be left, if a process was still writing to one"


def test_faults_happen_as_often_as_told(s3: S3, s3_proxy: FaultyProxy, impatient: Any) -> None:
    bucket = s3.bucket("faults")
    s3_proxy.fail(1, status=500)
    with pytest.raises(ClientError, match="InternalError"):
        impatient.put_object(Bucket=bucket, Key="k", Body=b"12345")
    assert s3.keys(bucket) == []
    s3_proxy.next(Fault("lose"))
    with pytest.raises(ClientError, match="SlowDown"):
        impatient.put_object(Bucket=bucket, Key="k", Body=b"12345")
    assert s3.keys(bucket) == ["k"]
    s3_proxy.truncate(keep=2)
    body = impatient.get_object(Bucket=bucket, Key="k")["Body"]
    with pytest.raises(Exception, match=r"IncompleteRead|not enough|Connection broken"):
        body.read()
    s3_proxy.reset()
    with pytest.raises(ConnectionClosedError):
        impatient.get_object(Bucket=bucket, Key="k")
    assert impatient.get_object(Bucket=bucket, Key="k")["Body"].read() == b"12345"
    assert [request.method for request in s3_proxy.requests] == ["PUT", "PUT", "GET", "GET", "GET"]


def test_a_dead_endpoint_refuses_and_lives_again_at_the_same_address(
    s3: S3, s3_proxy: FaultyProxy, impatient: Any
) -> None:
    bucket = s3.bucket()
    impatient.list_objects_v2(Bucket=bucket)
    s3_proxy.die()
    with pytest.raises((EndpointConnectionError, ConnectionClosedError)):
        impatient.list_objects_v2(Bucket=bucket)
    s3_proxy.heal()
    s3_proxy.delay = 0.3
    since = time.monotonic()
    impatient.list_objects_v2(Bucket=bucket)
    assert time.monotonic() - since >= 0.3


def test_other_servers_can_be_proxied_too(s3: S3, s3_proxy: FaultyProxy) -> None:
    host, port = s3_proxy.url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    try:
        connection.request("GET", "/moto-api/")
        assert connection.getresponse().status == 200
    finally:
        connection.close()
