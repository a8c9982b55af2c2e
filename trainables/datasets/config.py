"""How a study file describes a dataset: a name or files, and a size. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    TypeAdapter,
    ValidationError,
    model_serializer,
)

from trainables.datasets.errors import DataError, nearest
from trainables.datasets.known_dataset import Facts
from trainables.datasets.registry import KNOWN
from trainables.datasets.sources import SplitName
from trainables.datasets.transformations.transformation import Transformation, transformation_of

__all__ = [
    "DatasetSpec",
    "Facts",
    "FolderDataset",
    "NamedDataset",
    "ParquetDataset",
    "dataset_of",
    "known_facts",
    "known_name",
    "own_size",
    "own_transformation",
    "parse_spec",
    "with_size",
    "with_tile",
    "with_transformation",
]

S3_ADDRESS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?")

Size = Annotated[int, Field(ge=4, le=4096)]


class _Described(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    size: Size | tuple[Size, Size] | None = Field(
        default=None,
        description="Resize (bilinear) every image to N×N, or to [height, width]; without it all must be of one size.",
    )
    tile: Size | None = Field(
        default=None,
        description=(
            "Cut every image, and its mask, into tiles of N×N that don't overlap, before any resizing. With masks a "
            "tile is damaged where at least 1 % of its mask is, undamaged where nothing of it is, else left out."
        ),
    )

    transformation: Transformation | None = Field(
        default=None,
        description="Changes of the loaded images, or a choice of their classes, such as {contrast: 0.5}.",
    )

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_defaults(self, serialize(self), self._added())

    @classmethod
    def _added(cls) -> tuple[str, ...]:
        """Fields that descriptions of earlier versions lack."""
        return ("transformation",)

    @property
    def height_width(self) -> tuple[int, int] | None:
        """The wanted (H, W), or None to keep the images unchanged."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size


def _address(address: str) -> str:
    """A path, or an address on S3; errors don't quote it, because it may contain a credential."""
    scheme, separator, _ = address.partition("://")
    if separator and scheme != "s3":
        raise ValueError(f"{scheme[:8]}://… can't be read; data must be in a local folder or at s3://BUCKET/KEY")
    if separator and not S3_ADDRESS.fullmatch(address):
        raise ValueError(
            "this is not an address on S3; it is written s3://BUCKET/KEY, without credentials, which come from the "
            "environment or from AWS's own files"
        )
    return address


Address = Annotated[str, Field(min_length=1), AfterValidator(_address)]
"""A path of this machine, or `s3://BUCKET/KEY`."""


def _range(value: tuple[float, float] | None) -> tuple[float, float] | None:
    if value is not None and not value[0] < value[1]:
        raise ValueError(f"the range {list(value)} is empty; write [LOW, HIGH], such as [0, 4095] for 12 bits")
    return value


def without_defaults(model: BaseModel, values: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """A description's values without defaults of `names`, which stored trials of earlier versions don't have."""
    fields = type(model).model_fields
    return {k: v for k, v in values.items() if k not in names or getattr(model, k) != fields[k].default}


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"this is not a regular expression: {error}") from None
    return value


Level = Annotated[int, Field(ge=0, le=255)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Own(_Described):
    """Own images; only their owner knows the answers that `trainables.datasets.decoding.images` needs."""

    background: Literal["white", "black"] | tuple[Level, Level, Level] = Field(
        default="white",
        description="Background of transparent pixels: white, black, or [red, green, blue].",
    )
    range: Annotated[tuple[Finite, Finite] | None, AfterValidator(_range)] = Field(
        default=None,
        description=(
            "Values of black and white in images deeper than 8 bits: [0, 4095] for 12 bits in 16; without it 16-bit "
            "images have 0 to 65535, floats 0 to 1."
        ),
    )

    @classmethod
    def _added(cls) -> tuple[str, ...]:
        return (*super()._added(), "background", "range", "group")

    @property
    def background_colour(self) -> tuple[int, int, int]:
        """Red, green and blue, 0 to 255."""
        named = {"white": (255, 255, 255), "black": (0, 0, 0)}
        return named[self.background] if isinstance(self.background, str) else self.background


class FolderDataset(_Own):
    """Images in class folders: `PATH/train/CLASS/*`, `PATH/test/CLASS/*` and, if there is one, `PATH/val/CLASS/*`.

    Or `PATH/CLASS/*`, split 80/20.
    """

    folder: Annotated[Address, Field(description="The folder with the class folders; a path or s3://….")]
    group: Annotated[str, Field(min_length=1), AfterValidator(_pattern)] | None = Field(
        default=None,
        description=(
            "A regular expression for the part of CLASS/FILE that images of one group share, such as (.*)_ for "
            "frames TRACK_FRAME; a group is never on both sides of a split."
        ),
    )


class ParquetFiles(BaseModel):
    """A Parquet file, or a folder of them, per split; a path or s3://…."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    train: Address
    test: Address
    validation: Address | None = None
    label: Annotated[str, Field(min_length=1)] | None = None
    """The column of the labels, if it is not `label`."""
    image: Annotated[str, Field(min_length=1)] | None = None
    """The column of the images, if it is not `image`."""
    group: Annotated[str, Field(min_length=1)] | None = None
    """The column that states which images belong together, if it is not `group`."""

    @model_serializer(mode="wrap")
    def _as_before(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return without_defaults(self, serialize(self), ("validation", "label", "image", "group"))

    @property
    def splits(self) -> dict[SplitName, str]:
        """The address of each existing split."""
        named: dict[SplitName, str | None] = {"train": self.train, "test": self.test, "validation": self.validation}
        return {split: address for split, address in named.items() if address is not None}


class ParquetDataset(_Own):
    """Parquet files with columns `image` (encoded bytes), `label`, and optionally `label_name`, `mask` and `group`.

    Images of one `group` (integers or text: a track, a patient, a larger image) are never on both sides of a split.
    Hugging Face's form is read, too: structs of bytes and path, class names in the schema, other names of columns.
    """

    parquet: ParquetFiles


def _known(name: str) -> str:
    if name not in KNOWN:
        raise ValueError(
            f"{name!r} is not a known dataset; {nearest(name, KNOWN)} "
            "(your own data is written {folder: PATH} or {parquet: {train: PATH, test: PATH}})"
        )
    return name


def _kind(value: Any) -> str | None:
    if isinstance(value, str):
        return "name"
    for kind in ("known", "folder", "parquet"):
        if hasattr(value, kind) or (isinstance(value, Mapping) and kind in value):
            return kind
    return None


class NamedDataset(_Described):
    """A dataset known by name, its images resized; without a size it is the same as its name alone."""

    known: Annotated[str, AfterValidator(_known), Field(description="The name, such as gtsrb.")]


DatasetSpec = Annotated[
    Annotated[str, AfterValidator(_known), Tag("name")]
    | Annotated[NamedDataset, Tag("known")]
    | Annotated[FolderDataset, Tag("folder")]
    | Annotated[ParquetDataset, Tag("parquet")],
    Discriminator(
        _kind,
        custom_error_type="dataset",
        custom_error_message=(
            "write a dataset as NAME, {known: NAME, size: N}, {folder: PATH} or "
            f"{{parquet: {{train: PATH, test: PATH}}}}; known names: {', '.join(KNOWN)}"
        ),
    ),
]
"""A known name, alone or with a size, a folder of class folders, or a pair of Parquet files."""

Spec = str | NamedDataset | FolderDataset | ParquetDataset

_ADAPTER: TypeAdapter[Spec] = TypeAdapter(DatasetSpec)


def parse_spec(value: Any) -> Spec:
    """The dataset that `value` describes; raises `DataError` with what is wrong with it."""
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


def with_size(spec: Any, size: int | tuple[int, int] | None) -> Spec:
    """The same dataset with its images resized to `size`, N×N or (height, width); unchanged if that is None."""
    parsed = parse_spec(spec)
    if size is None:
        return parsed
    if isinstance(parsed, str):
        return NamedDataset(known=parsed, size=size)
    return parsed.model_copy(update={"size": size})


def with_tile(spec: Any, tile: int) -> Spec:
    """The same dataset cut into tiles of N×N, instead of those that its own description asks for."""
    parsed = parse_spec(spec)
    if isinstance(parsed, str):
        return NamedDataset(known=parsed, tile=tile)
    return parsed.model_copy(update={"tile": tile})


def with_transformation(spec: Any, transformation: Transformation) -> Spec:
    """The same dataset with these changes; unchanged if there are none."""
    parsed = parse_spec(spec)
    if not transformation.changes:
        return parsed
    if isinstance(parsed, str):
        return NamedDataset(known=parsed, transformation=transformation)
    return parsed.model_copy(update={"transformation": transformation})


def dataset_of(config: Any) -> Spec:
    """The dataset that a configuration names, in its `tile_size`, at its `image_size`, and as its fields transform it.

    The configuration may lack any of these fields.
    """
    spec = parse_spec(config.dataset)
    tile = getattr(config, "tile_size", None)
    spec = with_size(spec if tile is None else with_tile(spec, tile), getattr(config, "image_size", None))
    return with_transformation(spec, transformation_of(config))


def own_transformation(value: Any) -> Transformation | None:
    """The transformation that the description itself asks for."""
    own = value.get("transformation") if isinstance(value, Mapping) else getattr(value, "transformation", None)
    return own if isinstance(own, Transformation) else None


def own_size(value: Any) -> Any:
    """The size that a description of any form itself asks for; None without one or for an invalid description."""
    return value.get("size") if isinstance(value, Mapping) else getattr(value, "size", None)


def known_name(value: Any) -> str | None:
    """The known name of a dataset, with or without a size; None for anything else, even if invalid."""
    name = value.get("known") if isinstance(value, Mapping) else getattr(value, "known", value)
    return name if isinstance(name, str) and name in KNOWN else None


def known_facts(value: Any) -> Facts | None:
    """The facts of a dataset given by a known name, at its size; None for anything else, even if invalid.

    If other tiles than its own are asked for, their number is estimated from their area.
    """
    name = known_name(value)
    facts = KNOWN[name].facts if name is not None else None
    if facts is None or not isinstance(value, NamedDataset):
        return facts
    if value.tile is not None and value.tile != facts.tile:
        more = (facts.tile or facts.shape[1]) ** 2 / value.tile**2
        facts = replace(
            facts,
            shape=(facts.shape[0], value.tile, value.tile),
            train=max(1, round(facts.train * more)),
            test=max(1, round(facts.test * more)),
            tile=value.tile,
            large=facts.stored,
        )
    return facts if value.height_width is None else replace(facts, shape=(facts.shape[0], *value.height_width))
