"""One's own images on S3, over HTTP: the same as from a local folder, through every fault, and read once per node."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.faulty_proxy import Fault, FaultyProxy, Request
from tests.support.s3 import S3, SECRET
from tests.support.waiting import join_all
from tests.trainables.datasets.encoding import noise, png, write_parquet
from trainables.datasets import DataError, load
from trainables.datasets.errors import DataNotFoundError
from trainables.datasets.files.addresses import find
from trainables.datasets.files.locations import File, Folder

LIMIT = 180.0


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "cache"))


def upload(s3: S3, folder: Path, bucket: str) -> None:
    client = s3.client()
    for path in folder.rglob("*"):
        if path.is_file():
            client.upload_file(str(path), bucket, path.relative_to(folder).as_posix())


def both(folder: Path, bucket: str, train: str, test: str, **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same Parquet dataset, here and there."""
    return (
        {"parquet": {"train": str(folder / train), "test": str(folder / test)}, **more},
        {"parquet": {"train": f"s3://{bucket}/{train}", "test": f"s3://{bucket}/{test}"}, **more},
    )


@pytest.fixture
def parquet(tmp_path: Path, s3: S3) -> tuple[dict[str, Any], dict[str, Any]]:
    """A dataset of one file and one folder of files, here and on S3."""
    folder = tmp_path / "own"
    write_parquet(folder / "data" / "train.parquet", noise(60), row_group_size=25)
    for part in range(3):
        write_parquet(folder / "data" / "test" / f"{part}.parquet", noise(5, seed=part))
    bucket = s3.bucket()
    upload(s3, folder, bucket)
    return both(folder, bucket, "data/train.parquet", "data/test")


def test_parquet_from_s3_is_the_same(parquet: tuple[dict[str, Any], dict[str, Any]]) -> None:
    here, there = parquet
    assert load(there).fingerprint == load(here).fingerprint
    assert load({**there, "size": 5}).fingerprint == load({**here, "size": 5}).fingerprint != load(here).fingerprint
    assert load(there).name == "train"


@pytest.mark.parametrize("split", [True, False])
def test_class_folders_from_s3_are_the_same(tmp_path: Path, s3: S3, split: bool) -> None:
    folder = tmp_path / "letters"
    for part in ("train", "test") if split else ("",):
        for label, name in enumerate(("A", "B b", "é+%")):
            (folder / part / name).mkdir(parents=True)
            for index, image in enumerate(noise(7, seed=label)):
                (folder / part / name / f"{index}.png").write_bytes(png(image))
    (folder / "README.txt").write_text("not a class")
    bucket = s3.bucket()
    upload(s3, tmp_path, bucket)
    s3.client().put_object(Bucket=bucket, Key="letters/", Body=b"")  # as consoles mark a folder
    s3.client().put_object(Bucket=bucket, Key="letters-2/A/0.png", Body=b"")  # a longer name is another folder
    here, there = load({"folder": str(folder)}), load({"folder": f"s3://{bucket}/letters/"})
    assert there.fingerprint == here.fingerprint
    assert (there.name, there.classes) == ("letters", ("A", "B b", "é+%"))


def test_more_keys_than_a_page_has_are_all_listed(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.datasets.files.s3.PAGE", 4)
    bucket, client = s3.bucket(), s3.client()
    for index in range(11):
        client.put_object(Bucket=bucket, Key=f"a/{index:04}.png", Body=b"x")
    [folder] = find(f"s3://{bucket}")
    assert isinstance(folder, Folder)
    [child] = folder.children()
    assert isinstance(child, Folder)
    assert [file.name for file in child.children()] == [f"{index:04}.png" for index in range(11)]


def test_what_is_wrong_on_s3_is_named_with_its_address(tmp_path: Path, s3: S3) -> None:
    bucket, client = s3.bucket(), s3.client()
    for name in ("A", "B"):
        client.put_object(Bucket=bucket, Key=f"l/{name}/0.png", Body=png(noise(1)[0]))
    client.put_object(Bucket=bucket, Key="l/B/1.png", Body=b"rubbish")
    with pytest.raises(DataError, match=f"^s3://{bucket}/l/B/1.png is not an image"):
        load({"folder": f"s3://{bucket}/l"})
    client.put_object(Bucket=bucket, Key="l/B/notes.txt", Body=b"")
    with pytest.raises(DataError, match=f"^s3://{bucket}/l/B/notes.txt is not an image .*move it out"):
        load({"folder": f"s3://{bucket}/l"})
    with pytest.raises(DataNotFoundError, match=f"s3://{bucket}/nowhere does not exist"):
        load({"folder": f"s3://{bucket}/nowhere"})
    with pytest.raises(DataNotFoundError, match=r"l/A/0\.png is not a folder"):
        load({"folder": f"s3://{bucket}/l/A/0.png"})
    with pytest.raises(DataNotFoundError, match=f"Parquet file s3://{bucket}/a.parquet does not exist"):
        load({"parquet": {"train": f"s3://{bucket}/a.parquet", "test": f"s3://{bucket}/a.parquet"}})
    with pytest.raises(DataError, match=r"s3://no-such-bucket-of-ours/a can't be read: the bucket does not exist"):
        load({"folder": "s3://no-such-bucket-of-ours/a"})
    client.put_object(Bucket=bucket, Key="bad.parquet", Body=b"PAR1 rubbish")
    with pytest.raises(DataError, match=f"s3://{bucket}/bad.parquet is not a readable Parquet file"):
        load({"parquet": {"train": f"s3://{bucket}/bad.parquet", "test": f"s3://{bucket}/bad.parquet"}})
    train = write_parquet(tmp_path / "t.parquet", noise(4))
    client.upload_file(str(train), bucket, "t.parquet")
    worse = write_parquet(tmp_path / "u.parquet", np.zeros((2, 3, 3), dtype=np.uint8))
    client.upload_file(str(worse), bucket, "u.parquet")
    with pytest.raises(DataError, match=f"s3://{bucket}/u.parquet, row 0 has 3×3 pixels, and s3://.*t.parquet, row 0"):
        load({"parquet": {"train": f"s3://{bucket}/t.parquet", "test": f"s3://{bucket}/u.parquet"}})


@pytest.mark.parametrize(
    ("address", "message"),
    [
        (f"s3://key:{SECRET}@bucket/a", "not an address on S3; it is written s3://BUCKET/KEY, without credentials"),
        (
            f"https://key:{SECRET}@host/a",
            "https://… can't be read; data must be in a local folder or at s3://BUCKET/KEY",
        ),
        ("s3://", "not an address on S3"),
        ("s3://B/a", "not an address on S3"),
    ],
)
def test_a_wrong_address_is_explained_and_not_quoted(address: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        load({"folder": address})
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


def test_absent_credentials_are_explained(
    parquet: tuple[dict[str, Any], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(DataError, match="no AWS credentials; set AWS_ACCESS_KEY_ID"):
        load(parquet[1])


def is_get(request: Request) -> bool:
    return request.method == "GET" and "parquet" in request.path


@pytest.mark.parametrize(
    "faults",
    [
        [Fault("answer", 503)] * 3,
        [Fault("answer", 500)] * 3,
        [Fault("truncate", keep=700)] * 2,
        [Fault("truncate", keep=0), Fault("reset"), Fault("answer", 503)],
    ],
    ids=["503", "500", "truncated", "mixed"],
)
def test_passing_faults_change_nothing(
    parquet: tuple[dict[str, Any], dict[str, Any]], s3_proxy: FaultyProxy, faults: list[Fault]
) -> None:
    here, there = parquet
    for fault in faults:
        s3_proxy.next(fault, of=is_get)
    assert load(there).fingerprint == load(here).fingerprint
    assert not s3_proxy._waiting, "every fault took place"


def test_a_slow_endpoint_is_waited_for(parquet: tuple[dict[str, Any], dict[str, Any]], s3_proxy: FaultyProxy) -> None:
    s3_proxy.delay = 0.3
    assert load(parquet[1]).fingerprint == load(parquet[0]).fingerprint


@pytest.mark.parametrize("fault", [Fault("answer", 503), Fault("truncate", keep=500), Fault("reset")])
def test_lasting_faults_are_a_clear_error(
    parquet: tuple[dict[str, Any], dict[str, Any]],
    s3_proxy: FaultyProxy,
    fault: Fault,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    s3_proxy.plan = lambda request: fault if is_get(request) else None
    with pytest.raises(DataError, match=r"^s3://.*/data/\S+ can't be read: ") as caught:
        load(parquet[1])
    assert SECRET not in str(caught.value) + caplog.text
    assert not list((tmp_path / "cache" / "datasets").glob("*/entry.json"))
    s3_proxy.heal()
    assert load(parquet[1]).fingerprint == load(parquet[0]).fingerprint


def test_an_endpoint_that_is_not_there_is_a_clear_error(
    parquet: tuple[dict[str, Any], dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{probe.getsockname()[1]}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    with pytest.raises(DataError, match=r"^s3://.*train\.parquet can't be read: Could not connect to the endpoint URL"):
        load(parquet[1])


class Liar(BaseHTTPRequestHandler):
    """A server that answers ranges with what `lie` makes of them, and says nothing of it in the length."""

    protocol_version = "HTTP/1.1"
    content = bytes(range(256)) * 8
    lie = "short"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests' output is for failures."""

    def do_HEAD(self) -> None:
        self.answer(200, b"", len(self.content))

    def do_GET(self) -> None:
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        part = self.content[first : last + 1]
        if self.lie == "short":
            self.answer(206, part[: len(part) // 2], len(part) // 2, f"bytes {first}-{last}/{len(self.content)}")
        elif self.lie == "elsewhere":
            self.answer(206, part, len(part), f"bytes 0-{len(part) - 1}/{len(self.content)}")
        else:
            self.answer(200, self.content, len(self.content))

    def answer(self, status: int, body: bytes, length: int, given: str | None = None) -> None:
        self.send_response(status)
        self.send_header("ETag", '"x"')
        self.send_header("Content-Length", str(length))
        if given:
            self.send_header("Content-Range", given)
        self.end_headers()
        self.wfile.write(body)


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        ("short", "only 50 of 100 bytes were received, 2 times"),
        ("elsewhere", "asked for bytes 300-399/2048, S3 answered with bytes 0-99/2048"),
        ("everything", "asked for bytes 300-399/2048, S3 answered with bytes 0-2047/2048"),
    ],
)
def test_an_answer_that_is_not_what_was_asked_for_is_refused(
    s3: S3, monkeypatch: pytest.MonkeyPatch, lie: str, message: str
) -> None:
    """What pyarrow's own filesystem takes for whole."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Lying", (Liar,), {"lie": lie}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
        [file] = find("s3://bucket/key")
        assert isinstance(file, File)
        reader = file.open()
        reader.seek(300)
        with pytest.raises(DataError, match=f"s3://bucket/key can't be read: {message}"):
            reader.read(100)
    finally:
        server.shutdown()
        join_all(thread)
        server.server_close()


def test_a_file_replaced_while_it_is_read_is_noticed(
    parquet: tuple[dict[str, Any], dict[str, Any]], s3: S3, s3_proxy: FaultyProxy, tmp_path: Path
) -> None:
    address = parquet[1]["parquet"]["train"].removeprefix("s3://")
    bucket, _, key = address.partition("/")
    newer = write_parquet(tmp_path / "newer.parquet", noise(60, seed=9), row_group_size=25)
    seen = 0

    def replace(request: Request) -> None:
        nonlocal seen
        seen += is_get(request)
        if seen == 3:
            s3.client().upload_file(str(newer), bucket, key)

    s3_proxy.plan = replace
    with pytest.raises(DataError, match=r"train\.parquet can't be read: it was replaced while it was being read"):
        load(parquet[1])
    s3_proxy.heal()
    assert np.array_equal(load(parquet[1]).train.images[:, 0].numpy(), noise(60, seed=9))


LOADS = """
from trainables.datasets import load
print(load({spec!r}).fingerprint)
"""


@pytest.mark.long
def test_processes_of_a_node_stream_once(
    parquet: tuple[dict[str, Any], dict[str, Any]],
    s3_proxy: FaultyProxy,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """Contents are asked for once, however many processes start at the same moment; later ones ask what is there."""
    here, there = parquet
    s3_proxy.delay = 0.05  # so that all are there before the first has finished
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", LOADS.format(spec=there)], stdout=subprocess.PIPE, text=True, env=environment
        )
        for _ in range(3)
    ]
    printed = {process.communicate(timeout=LIMIT)[0].strip() for process in processes}
    assert printed == {load(here).fingerprint}
    together = sum(map(is_get, s3_proxy.requests))
    s3_proxy.requests.clear()
    load(there)
    assert sum(map(is_get, s3_proxy.requests)) == 0
    s3_proxy.requests.clear()
    monkeypatch.setenv("SADDLE_CACHE", str(tmp_path / "another node"))
    load(there)
    alone = sum(map(is_get, s3_proxy.requests))
    assert together == alone > 0


PEAK = """
from pathlib import Path
from trainables.datasets.config import parse_spec
from trainables.datasets.finding import find_source

def anonymous():
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon")]
    return int(line.split()[1]) << 10

def stream(spec):
    count = peak = 0
    for count, sample in enumerate(find_source(parse_spec(spec)).contents().samples, 1):
        peak = max(peak, anonymous()) if count % 100 == 0 else peak
    return count, peak

_, before = stream({small!r})
count, peak = stream({large!r})
print(count, peak - before)
"""


@pytest.mark.long
def test_memory_stays_small_however_large_a_row_group(tmp_path: Path, s3: S3) -> None:
    """Of 80 MB in one row group only some pieces are in memory at a time."""
    rows = noise(20_000, (4000,))
    bucket = s3.bucket()
    for name, count in (("train", len(rows)), ("test", 100)):
        columns = {"image": [row.tobytes() for row in rows[:count]], "label": [0] * count}
        pq.write_table(pa.table(columns), tmp_path / f"{name}.parquet")
        s3.client().upload_file(str(tmp_path / f"{name}.parquet"), bucket, f"{name}.parquet")
    _, large = both(tmp_path, bucket, "train.parquet", "test.parquet")
    _, small = both(tmp_path, bucket, "test.parquet", "test.parquet")
    done = subprocess.run(
        [sys.executable, "-c", PEAK.format(small=small, large=large)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    count, peak = map(int, done.stdout.split())
    assert count == 20_100
    assert peak < rows.size, "reading it whole takes four times that"
