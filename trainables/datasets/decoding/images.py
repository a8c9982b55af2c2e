"""Encoded images to 8-bit pixels: one policy for folders, Parquet, S3 and archives, and for masks.

- **Formats**: PNG, JPEG, WebP, TIFF, BMP, GIF, PPM/PGM/PBM, JPEG 2000 and AVIF, recognised by content, not by name.
- **Channels**: grey stays grey (1-bit: 0 and 255); palettes, CMYK (Adobe's inverted JPEGs, too), YCbCr and HSV become
  RGB; LAB is refused. One image in colour makes the whole set RGB.
- **Transparency** (alpha, premultiplied or not, palettes', a transparent colour) is composited on `background`, white
  unless the dataset says otherwise.
- **Orientation** of EXIF, XMP or TIFF is applied. **ICC profiles and gamma are ignored**, as in the published sets.
- **Depth**: 16-bit grey is scaled by its declared range, 0 to 65535 or that of a TIFF's BitsPerSample; floats have 0 to
  1, 32-bit integers none. If values are outside of it, or a set with 16-bit or float images reaches less than a
  quarter of it (are these 12 bits in 16?), it is refused until the dataset says `range: [low, high]`; values outside of
  a stated range are refused, too. 16-bit colours keep their upper 8 bits and can't be given a range. TIFF's
  white-is-zero is inverted.
- **Several frames** (GIF, APNG, WebP, TIFF pages) are refused; of a camera's MPO only the photograph is read.
- **Refused** are truncated images, those without pixels, and those of more than `PIXELS`.
- **Masks** are never composited or scaled, and resized to the nearest pixel: their values are names. A mask without an
  own orientation that only fits the image's stored pixels is turned along with them.

Plain 8-bit grey and RGB images come out unchanged.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageChops, UnidentifiedImageError

from trainables.datasets.errors import DataError

POLICY = 2
"""Raise it when the same bytes would be decoded differently: datasets in the node's cache are then decoded again."""

FORMATS = ("PNG", "JPEG", "MPO", "WEBP", "TIFF", "BMP", "DIB", "GIF", "PPM", "JPEG2000", "AVIF")
"""Pillow's names; others might start a program (EPS) or give one image of many (ICO)."""
PIXELS = 2 * (Image.MAX_IMAGE_PIXELS or 89_478_485)
"""The most pixels of an image: Pillow refuses more, as decompression bombs."""
FULL = 65_535
WHITE = (255, 255, 255)
ORIENTATION, PHOTOMETRIC, BITS = 0x0112, 262, 258
WHITE_IS_ZERO = 0
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
NOTED = ("exif", "Raw profile type exif", "xmp", "XML:com.adobe.xmp")
"""The places where Pillow finds an orientation."""
ON_THE_SIDE = (5, 6, 7, 8)
GREY_MODES = ("1", "L", "LA", "La")

Pixels = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Decoding:
    """The decoding options of a dataset's description; `value_range`: (low, high) of images deeper than 8 bits."""

    background: tuple[int, int, int] = WHITE
    value_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Reach:
    """How much of an assumed range an image's values use: `highest` of `full`."""

    highest: float
    full: float
    scalable: bool = True
    """Whether a range can be stated for the image."""

    @property
    def share(self) -> float:
        return self.highest / self.full


@dataclass(frozen=True)
class Decoded:
    """An image of mode L or RGB, turned upright by `turn`."""

    image: Image.Image
    turn: int = 1
    """EXIF's number of the orientation that has been applied."""
    deep: bool = False
    """Whether its values were scaled."""
    reach: Reach | None = None


def decode(source: bytes, where: str, decoding: Decoding | None = None) -> Image.Image:
    """The image as mode L (grey) or RGB; `where` names it in the `DataError` for a damaged or ambiguous one."""
    return read(source, where, decoding or Decoding()).image


def read(source: bytes, where: str, decoding: Decoding) -> Decoded:
    """The image with the properties by which its set is judged; raises `DataError` as `decode` does."""
    with opened(source, where) as (image, rawmode, turn):
        reach = None
        if image.mode == "LAB":
            raise DataError(f"{where} is in LAB colours, which aren't read; save it as RGB")
        deep = image.mode in ("I", "F") or image.mode.startswith("I;16")
        if deep:
            flat, reach = _scaled(image, where, decoding)
        else:
            if ";16" in rawmode:
                reach = _reach_of_colours(image, where, decoding)
            flat = _composited(image, rawmode, decoding.background)
        return Decoded(turned(flat, image, turn), turn, deep, reach)


@contextmanager
def opened(source: bytes, where: str) -> Iterator[tuple[Image.Image, str, int]]:
    """The loaded image, how its pixels were stored, and its orientation."""
    if not source:
        raise DataError(f"{where} is not an image: it has no bytes")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about large images, which have a limit here
            with Image.open(io.BytesIO(source), formats=_formats()) as image:
                _check_size(image, where)
                rawmode = _rawmode(image)
                turn = _orientation(image) if image.format == "TIFF" else 1  # loading turns it upright
                image.load()
                yield image, rawmode, turn if image.format == "TIFF" else _orientation(image)
    except DataError:
        raise
    except UnidentifiedImageError:
        raise DataError(
            f"{where} is not an image, or of a kind that isn't read (PNG, JPEG, WebP, TIFF, BMP, GIF and PPM are)"
        ) from None
    except Image.DecompressionBombError:
        raise DataError(f"{where} has more than {PIXELS:,} pixels, the most that are read; cut or shrink it") from None
    except (OSError, SyntaxError, ValueError, IndexError, KeyError, EOFError, struct.error) as error:
        raise DataError(f"{where} is damaged: {error}") from None


def _formats() -> tuple[str, ...]:
    """The formats that this Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _check_size(image: Image.Image, where: str) -> None:
    if not image.width * image.height:
        raise DataError(f"{where} has no pixels: it is {image.height}×{image.width}")
    frames = getattr(image, "n_frames", 1)
    if frames > 1 and image.format != "MPO":
        raise DataError(f"{where} has {frames} frames or pages, not one image; save the right one as a separate file")


def _rawmode(image: Image.Image) -> str:
    """How the file stores its pixels, such as RGB;16B; known until they are loaded."""
    tiles = getattr(image, "tile", None)
    arguments = tiles[0][3] if tiles else image.mode
    return str(arguments[0] if isinstance(arguments, tuple) and arguments else arguments)


def _orientation(image: Image.Image) -> int:
    if image.format != "TIFF" and not any(name in image.info for name in NOTED):
        return 1
    try:
        number = image.getexif().get(ORIENTATION, 1)
    except (OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, struct.error):
        return 1  # other readers don't turn images for unreadable EXIF either
    return number if number in TURNS else 1


def turned(flat: Image.Image, image: Image.Image, turn: int) -> Image.Image:
    """The upright image; Pillow turns TIFF images itself."""
    return flat if turn == 1 or image.format == "TIFF" else flat.transpose(TURNS[turn])


def _composited(image: Image.Image, rawmode: str, background: tuple[int, int, int]) -> Image.Image:
    """The image in mode L or RGB, transparent parts on the background."""
    grey = image.mode in GREY_MODES
    plain = "L" if grey else "RGB"
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        image = ImageChops.invert(image)  # Pillow takes every JPEG for Adobe's, whose inks are inverted
    if not image.has_transparency_data:
        return image.convert(plain)
    rgba = _with_alpha(image, rawmode)
    if rgba.getchannel("A").getextrema() == (255, 255):
        return rgba.convert(plain)
    if grey and len(set(background)) > 1:
        plain = "RGB"
    return Image.alpha_composite(Image.new("RGBA", rgba.size, (*background, 255)), rgba).convert(plain)


def _with_alpha(image: Image.Image, rawmode: str) -> Image.Image:
    if image.mode in ("La", "RGBa"):
        image = image.convert(image.mode.replace("a", "A"))
    key: Any = image.info.get("transparency")
    if image.mode == "L" and rawmode in ("L;2", "L;4"):  # Pillow scales the pixels, not the transparent value
        image.info["transparency"] = key * 255 // (2 ** int(rawmode[2:]) - 1)
    if image.mode == "RGB" and ";16" in rawmode:
        image.info["transparency"] = tuple(value >> 8 for value in key)  # Pillow keeps the upper half of it, too
    return image.convert("RGBA")


def _scaled(image: Image.Image, where: str, decoding: Decoding) -> tuple[Image.Image, Reach | None]:
    """Deep grey scaled to 0 … 255 by its range, and how much of it is used if the range was assumed."""
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise DataError(f"{where} has values that are not finite numbers; replace them")
    low, high, stated = _range(image, decoding)
    least, most = float(values.min()), float(values.max())
    if high is None or least < low or most > high:
        kind = "floating-point" if image.mode == "F" else "integer"
        outside = "whose range isn't given" if high is None else f"outside of {low:g} to {high:g}"
        raise DataError(
            f"{where} has {kind} values from {least:g} to {most:g}, {outside}; add `range: [LOW, HIGH]` to the "
            "dataset, the values of black and white"
        )
    grey = np.rint((values - low) / (high - low) * 255)
    if _tag(image, PHOTOMETRIC) == WHITE_IS_ZERO:
        grey = 255 - grey
    scaled = Image.fromarray(grey.astype(np.uint8))
    key = image.info.get("transparency")
    if isinstance(key, int):
        alpha = Image.fromarray(np.where(values == key, 0, 255).astype(np.uint8))
        scaled = _composited(Image.merge("LA", (scaled, alpha)), "LA", decoding.background)
    return scaled, None if stated else Reach(most - low, high - low)


def _range(image: Image.Image, decoding: Decoding) -> tuple[float, float | None, bool]:
    """The values of black and white, and whether the dataset or the file states them; None if neither does."""
    if decoding.value_range is not None:
        return *decoding.value_range, True
    if image.mode == "F":
        return 0.0, 1.0, False
    if image.mode == "I" and image.format != "PPM":
        return 0.0, None, False
    bits = _tag(image, BITS)
    return (0.0, 2.0 ** bits[0] - 1, True) if bits and bits[0] < 16 else (0.0, FULL, False)


def _tag(image: Image.Image, number: int) -> Any:
    return getattr(image, "tag_v2", {}).get(number)


def _reach_of_colours(image: Image.Image, where: str, decoding: Decoding) -> Reach:
    """The reach of 16-bit colours, of which Pillow gives the upper 8 bits."""
    if decoding.value_range not in (None, (0, FULL)):
        raise DataError(f"{where} has 16-bit colours, to which `range` can't be applied; save it with 8 bits a channel")
    bands = image.getbands()
    extrema = [image.getchannel(band).getextrema() for band in bands if band not in ("A", "a")]
    return Reach(max(float(high) for _, high in extrema) * 256 + 255, FULL, scalable=False)  # type: ignore[arg-type]


def from_pixels(pixels: Pixels) -> Image.Image:
    """The image of pixels (H, W) or (H, W, 3) uint8."""
    return Image.fromarray(np.ascontiguousarray(pixels))


def resize(image: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    """The image at `size` (H, W), bilinear; unchanged without one."""
    return image if size is None else image.resize((size[1], size[0]), Image.Resampling.BILINEAR)
