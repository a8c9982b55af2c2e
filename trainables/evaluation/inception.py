"""FID's own Inception network: its weights from a file or the internet, and its features."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import tempfile
from http.client import HTTPException
from pathlib import Path
from typing import Literal
from urllib.request import Request, urlopen

import torch
from torch import Tensor

from trainables.evaluation.features import FeatureExtractor, NetworkFeatures, weights_checksum

FILE = "weights-inception-2015-12-05-6726825d.pth"
URL = f"https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
OFFICIAL = "6726825d"
"""How the SHA-256 of FID's weights begins, as their file's name says."""
TIMEOUT = 30.0
CHUNK = 1 << 20


class WeightsError(ValueError):
    """Inception's weights are absent or wrong; the message states what is needed."""


def inception(
    path: str | os.PathLike[str] | None = None,
    *,
    dimensions: Literal[64, 192, 768, 2048] = 2048,
    url: str = URL,
    device: torch.device | str = "cpu",
    batch: int = 64,
) -> FeatureExtractor:
    """Inception-v3 as FID uses it (torchmetrics' network), whose features have `dimensions` (methods.md 1.9: S1's
    values fit 64 rather than the customary 2048).

    Weights come from the file `path`, else from torch's own cache, to which `url` is downloaded if needed. With other
    weights than FID's the distance is called FD. Grey images count as RGB with three equal channels.
    Raises `WeightsError` if there are no weights, with how to get them or do without.
    """
    if importlib.util.find_spec("torch_fidelity") is None:
        raise WeightsError("FID needs torch-fidelity's Inception: pip install 'saddle[fid]', or use features: judge")
    weights = _given(Path(path).expanduser()) if path is not None else _cached(url)
    official = _sha256(weights).startswith(OFFICIAL)
    if not official:
        _require_tensors(weights)  # torch-fidelity unpickles anything in the file
    from torchmetrics.image.fid import NoTrainInceptionV3  # here, because it takes seconds

    try:
        network = NoTrainInceptionV3("inception-v3-compat", [str(dimensions)], str(weights), antialias=False)
    except (RuntimeError, KeyError, TypeError) as error:
        raise WeightsError(f"{weights} has no weights of FID's Inception-v3 ({FILE}): {_first_line(error)}") from None
    network.to(device)

    def compute(images: Tensor) -> Tensor:
        if images.shape[1] not in (1, 3):
            raise ValueError(f"Inception takes grey or RGB images, not {images.shape[1]} channels")
        pixels = (images.to(device).clamp(0, 1) * 255).round().to(torch.uint8)
        features: Tensor = network(pixels.expand(-1, 3, -1, -1))
        return features

    return NetworkFeatures(
        name="Inception-v3, FID's weights" if official else f"Inception-v3, other weights ({weights.name})",
        distance="fid" if official else "fd",
        dimensions=dimensions,
        resize="8-bit values, to 299×299 bilinearly as TensorFlow 1 does",
        checksum=weights_checksum(network),
        network=network,
        compute=compute,
        batch=batch,
    )


def _given(path: Path) -> Path:
    if not path.is_file():
        raise WeightsError(f"{path} is not a file; Inception's weights are {URL}")
    return path


def _cached(url: str) -> Path:
    """The file in torch's cache, which torch-fidelity and torchmetrics also use, downloaded if it isn't there."""
    target = Path(torch.hub.get_dir()) / "checkpoints" / FILE
    if target.is_file():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as hidden:
            fetched = Path(hidden) / FILE
            request = Request(url, headers={"User-Agent": "saddle"})
            with fetched.open("wb") as out, urlopen(request, timeout=TIMEOUT) as answer:
                while chunk := answer.read(CHUNK):
                    out.write(chunk)
            digest = _sha256(fetched)
            if not digest.startswith(OFFICIAL):
                raise WeightsError(f"{url} returned something other than FID's weights: its SHA-256 is {digest}")
            os.replace(fetched, target)
    except (OSError, HTTPException) as error:
        raise WeightsError(
            f"FID needs Inception's weights, which are neither in {target.parent} nor available from {url} ({error}); "
            f"copy {FILE} there, name its path, or measure the Fréchet distance between the features of a classifier "
            "trained in the project (called FD)"
        ) from None
    return target


def _require_tensors(path: Path) -> None:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch.load can raise anything for wrong bytes
        raise WeightsError(f"{path} is not a file of weights: {_first_line(error)}") from None
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise WeightsError(f"{path} is not a state dict, a mapping of names to tensors")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__).strip()
