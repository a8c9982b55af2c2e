"""What a study file may say about a dataset, and the facts of those known by name. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter, ValidationError

from trainables.datasets.errors import DataError, nearest

S3_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")

Size = Annotated[int, Field(ge=4, le=4096)]


@dataclass(frozen=True)
class Facts:
    """What is known of a dataset without opening it; `shape`: (C, H, W)."""

    title: str
    shape: tuple[int, int, int]
    classes: tuple[str, ...]
    train: int
    test: int
    bundled: bool = False
    """Comes with an installed package, so there is nothing to fetch."""


DIGIT_NAMES = tuple("0123456789")

KNOWN: Mapping[str, Facts] = {
    "digits": Facts(
        title="scikit-learn's handwritten digits (UCI optdigits, test part)",
        shape=(1, 8, 8),
        classes=DIGIT_NAMES,
        train=1397,
        test=400,
        bundled=True,
    ),
    "mnist": Facts(
        title="MNIST handwritten digits (LeCun et al. 1998)",
        shape=(1, 28, 28),
        classes=DIGIT_NAMES,
        train=60_000,
        test=10_000,
    ),
    "fashion_mnist": Facts(
        title="Fashion-MNIST clothing (Xiao et al. 2017)",
        shape=(1, 28, 28),
        classes=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        train=60_000,
        test=10_000,
    ),
}


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Size | tuple[Size, Size] | None = Field(
        default=None,
        description="Resize (bilinear) every image to N×N, or to [height, width]; without it all must be of one size.",
    )

    @property
    def height_width(self) -> tuple[int, int] | None:
        """The wanted (H, W), or None to keep the images as they are."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size


def _address(address: str) -> str:
    """A path, or an address on S3; what is wrong is not quoted, because a credential may be in it."""
    scheme, separator, _ = address.partition("://")
    if separator and scheme != "s3":
        raise ValueError(f"{scheme[:8]}://… can't be read; data lies in a local folder or at s3://BUCKET/KEY")
    if separator and not S3_ADDRESS.fullmatch(address):
        raise ValueError(
            "this is no address on S3; it is written s3://BUCKET/KEY, without credentials, which come from the "
            "environment or from AWS's own files"
        )
    return address


Address = Annotated[str, Field(min_length=1), AfterValidator(_address)]
"""A path of this machine, or `s3://BUCKET/KEY`."""


class FolderDataset(_Described):
    """Images in class folders: `PATH/train/CLASS/*` and `PATH/test/CLASS/*`, or `PATH/CLASS/*` (split 80/20)."""

    folder: Annotated[Address, Field(description="The folder that holds the class folders; a path or s3://….")]


class ParquetFiles(BaseModel):
    """A Parquet file, or a folder of them, per split; a path or s3://…."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: Address
    test: Address


class ParquetDataset(_Described):
    """Parquet files with columns `image` (encoded bytes), `label`, and optionally `label_name` and `mask`."""

    parquet: ParquetFiles


def _known(name: str) -> str:
    if name not in KNOWN:
        raise ValueError(
            f"{name!r} is no known dataset; {nearest(name, KNOWN)} "
            "(your own data is written {folder: PATH} or {parquet: {train: PATH, test: PATH}})"
        )
    return name


def _kind(value: Any) -> str | None:
    if isinstance(value, str):
        return "name"
    for kind in ("folder", "parquet"):
        if hasattr(value, kind) or (isinstance(value, Mapping) and kind in value):
            return kind
    return None


DatasetSpec = Annotated[
    Annotated[str, AfterValidator(_known), Tag("name")]
    | Annotated[FolderDataset, Tag("folder")]
    | Annotated[ParquetDataset, Tag("parquet")],
    Discriminator(
        _kind,
        custom_error_type="dataset",
        custom_error_message=(
            "a dataset is written NAME, {folder: PATH} or {parquet: {train: PATH, test: PATH}}; "
            f"known names: {', '.join(KNOWN)}"
        ),
    ),
]
"""A known name, a folder of class folders, or a pair of Parquet files."""

_ADAPTER: TypeAdapter[str | FolderDataset | ParquetDataset] = TypeAdapter(DatasetSpec)


def parse_spec(value: Any) -> str | FolderDataset | ParquetDataset:
    """The dataset that `value` describes; raises `DataError` that says what is wrong with it."""
    try:
        return _ADAPTER.validate_python(value)
    except ValidationError as error:
        problems = "; ".join(
            ": ".join(
                filter(None, [".".join(str(part) for part in e["loc"][1:]), e["msg"].removeprefix("Value error, ")])
            )
            for e in error.errors()
        )
        raise DataError(problems) from None


def known_name(value: Any) -> str | None:
    """The known name that a dataset is given by; None for anything else, without complaint."""
    return value if isinstance(value, str) and value in KNOWN else None


def known_facts(value: Any) -> Facts | None:
    """The facts of a dataset given by a known name; None for anything else, without complaint."""
    return KNOWN.get(known_name(value) or "")
