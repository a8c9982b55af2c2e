"""FID's network: weights from a file or a server, honest names, errors that say what would do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.support.waiting import join_all
from trainables.evaluation.inception import FILE, WeightsError, inception


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with random weights of FID's network, which isn't to be had without weights."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Unloaded(FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
            pass

    folder = tmp_path_factory.mktemp("inception")
    torch.save({}, folder / "none.pth")
    torch.manual_seed(0)
    network = Unloaded("random", ["64"], str(folder / "none.pth"))
    torch.save(network.state_dict(), folder / "random.pth")
    return folder / "random.pth"


def test_features_of_grey_images_and_a_distance_that_is_not_called_fid(weights: Path) -> None:
    extractor = inception(weights, dimensions=64, batch=2)
    images = torch.rand(3, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    grey = extractor(images)
    assert grey.shape == (3, 64)
    assert grey.dtype == torch.float64
    torch.testing.assert_close(extractor(images.expand(-1, 3, -1, -1)), grey)
    torch.testing.assert_close(extractor((images * 255).round() / 255), grey)
    assert not torch.equal(grey[0], grey[1])
    assert extractor.distance == "fd", "random weights are not FID's"
    assert "other weights" in extractor.name
    assert (extractor.dimensions, len(extractor.checksum)) == (64, 64)
    with pytest.raises(ValueError, match="not 2 channels"):
        extractor(torch.rand(1, 2, 16, 16))


def test_its_features_are_torch_fidelitys_own(weights: Path) -> None:
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    pixels = torch.randint(0, 256, (2, 3, 20, 20), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    [expected] = FeatureExtractorInceptionV3("reference", ["192"], str(weights))(pixels)
    found = inception(weights, dimensions=192)(pixels.float() / 255)
    torch.testing.assert_close(found, expected.double(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not weights", "not a file of weights"),
        ([1, 2], "not a state dict"),
        (nn.Linear(2, 2).state_dict(), "no weights of FID's Inception-v3"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: object, message: str) -> None:
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(WeightsError, match=message):
        inception(path)


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return (eval, ("__import__('pathlib').Path('ran').touch()",))


def test_a_file_of_weights_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="not a file of weights"):
        inception(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=f"absent.pth is not a file; Inception's weights are https://.*{FILE}"):
        inception(tmp_path / "absent.pth")


@pytest.fixture
def server() -> Iterator[str]:
    """A server that has something else under one name and nothing under any other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/wrong.pth" else 404)
            self.end_headers()
            self.wfile.write(b"something else")

        def log_message(self, *_: object) -> None:
            pass

    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.server_port}"
    served.shutdown()
    served.server_close()
    join_all(thread)


def test_without_weights_it_says_how_to_get_them_or_do_without(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match=f"404.*copy {FILE} there.*classifier trained in the project"):
        inception(url=f"{server}/absent.pth")
    with pytest.raises(WeightsError, match="something other than FID's weights"):
        inception(url=f"{server}/wrong.pth")
    assert list((tmp_path / "hub" / "checkpoints").iterdir()) == [], "nothing of it is kept"


def test_the_cache_of_torch_is_looked_at_first(
    weights: Path, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    (cache / FILE).symlink_to(weights)
    assert inception(url=f"{server}/absent.pth", dimensions=64).checksum == inception(weights, dimensions=64).checksum
