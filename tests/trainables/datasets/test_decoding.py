"""The decode policy: what people's images become, whichever way they were saved."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageChops

from tests.support.odd_images import INK, alpha, encoded, four_bits, palette
from trainables.datasets import DataError
from trainables.datasets.decoding.images import PIXELS, Decoding, decode

BLACK = Decoding(background=(0, 0, 0))


@pytest.mark.parametrize(
    ("source", "mode"),
    [
        (encoded(alpha()), "RGB"),
        (encoded(alpha("LA")), "L"),
        (encoded(alpha(), "WEBP", lossless=True, exact=True), "RGB"),
        (encoded(alpha(), "TIFF"), "RGB"),
        (encoded(alpha("LA"), "TIFF"), "L"),
        (palette(0), "RGB"),
        (palette(bytes([0, 255])), "RGB"),
        (encoded(Image.fromarray(np.where(INK, 0, 1).astype(np.uint8) * 9), transparency=9), "L"),
        (encoded(Image.fromarray(np.where(INK, 0, 7)[..., None].repeat(3, 2).astype(np.uint8)), transparency=(7,) * 3),
         "RGB"),
        (encoded(Image.fromarray(~INK), transparency=1), "L"),
        (encoded(Image.fromarray(np.where(INK, 0, 500).astype(np.uint16)), transparency=500), "L"),
        (four_bits(), "L"),
    ],
    ids=["RGBA", "LA", "WebP", "TIFF", "TIFF LA", "palette", "palette alphas", "L key", "RGB key", "1-bit key",
         "16-bit key", "4-bit key"],
)  # fmt: skip
def test_black_ink_on_transparency_stays_visible(source: bytes, mode: str) -> None:
    image = decode(source, "ink")
    assert image.mode == mode
    assert np.array_equal(np.asarray(image.convert("L")), np.where(INK, 0, 255))
    assert not np.asarray(decode(source, "ink", BLACK)).any(), "on black nobody sees it, as was asked for"


@pytest.mark.parametrize("mode", ["RGBa", "La"])
def test_premultiplied_alpha_is_undone(mode: str) -> None:
    """A half transparent white: 128 of 255, premultiplied, over white is white, over black grey."""
    samples = 4 if mode == "RGBa" else 2
    content = tiff(bytes([128] * samples) * 24, [8] * samples, 2 if mode == "RGBa" else 1, extra=1)
    assert set(np.asarray(decode(content, "x")).flatten()) == {255}
    assert set(np.asarray(decode(content, "x", BLACK)).flatten()) == {128}


def test_half_transparent_pixels_mix_with_the_background() -> None:
    source = encoded(Image.new("RGBA", (2, 2), (100, 0, 0, 51)))
    assert decode(source, "x").getpixel((0, 0)) == (224, 204, 204)
    assert decode(source, "x", Decoding((0, 0, 255))).getpixel((0, 0)) == (20, 0, 204)


def tiff(
    content: bytes,
    bits: list[int],
    photometric: int,
    *,
    sample_format: int = 1,
    extra: int | None = None,
    orientation: int = 1,
) -> bytes:
    """A TIFF of 4×6 pixels."""
    entries = [
        (256, 3, [6]), (257, 3, [4]), (258, 3, bits), (259, 3, [1]), (262, 3, [photometric]), (273, 4, [8]),
        (274, 3, [orientation]), (277, 3, [len(bits)]), (278, 3, [4]), (279, 4, [len(content)]),
        (339, 3, [sample_format] * len(bits)),
    ]  # fmt: skip
    if extra is not None:
        entries.insert(-1, (338, 3, [extra]))
    start = 8 + len(content) + len(content) % 2
    after = start + 2 + 12 * len(entries) + 4
    table, more = b"", b""
    for tag, kind, values in entries:
        packed = struct.pack(f"<{len(values)}{'H' if kind == 3 else 'I'}", *values)
        field = packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", after + len(more))
        more += packed if len(packed) > 4 else b""
        table += struct.pack("<HHI", tag, kind, len(values)) + field
    header = b"II*\0" + struct.pack("<I", start)
    body = content + b"\0" * (len(content) % 2)
    return header + body + struct.pack("<H", len(entries)) + table + b"\0\0\0\0" + more


def twelve_bits(values: np.ndarray[Any, Any]) -> bytes:
    """Rows of 12-bit values, packed."""
    return b"".join(
        int("".join(f"{int(value):012b}" for value in row), 2).to_bytes(len(row) * 12 // 8, "big") for row in values
    )


RAMP = np.linspace(0, 1, 24).reshape(4, 6)
LEVELS = np.rint(RAMP * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("source", "value_range"),
    [
        (encoded(Image.fromarray(np.rint(RAMP * 65535).astype(np.uint16))), None),
        (encoded(Image.fromarray(np.rint(RAMP * 65535).astype(np.uint16)), "TIFF"), None),
        (encoded(Image.fromarray(np.rint(RAMP * 65535).astype(">u2")), "TIFF"), None),
        (b"P5 6 4 65535\n" + np.rint(RAMP * 65535).astype(">u2").tobytes(), None),
        (b"P5 6 4 4095\n" + np.rint(RAMP * 4095).astype(">u2").tobytes(), None),
        (encoded(Image.fromarray(RAMP.astype(np.float32)), "TIFF"), None),
        (encoded(Image.fromarray((RAMP * 100 - 20).astype(np.float32)), "TIFF"), (-20, 80)),
        (encoded(Image.fromarray(np.rint(RAMP * 100000).astype(np.int32)), "TIFF"), (0, 100000)),
        (encoded(Image.fromarray(np.rint(RAMP * 4095).astype(np.uint16))), (0, 4095)),
        (tiff(twelve_bits(np.rint(RAMP * 4095)), [12], 1), None),
        (tiff(np.rint((1 - RAMP) * 65535).astype("<u2").tobytes(), [16], 0), None),
        (tiff(np.rint(RAMP * 65535).astype("<u2")[..., None].repeat(3, 2).tobytes(), [16] * 3, 2), None),
    ],
    ids=["PNG", "TIFF", "big-endian", "PGM", "12-bit PGM", "float", "float range", "32 bits", "12 in 16", "12-bit TIFF",
         "white is zero", "colours"],
)  # fmt: skip
def test_depth_is_scaled_by_its_range(source: bytes, value_range: tuple[float, float] | None) -> None:
    found = np.asarray(decode(source, "ramp", Decoding(value_range=value_range)).convert("L")).astype(int)
    assert np.abs(found - LEVELS).max() <= 1, found


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            encoded(Image.fromarray((RAMP * 1000).astype(np.int32)), "TIFF"),
            "values from 0 to 1000, whose range",
        ),
        (encoded(Image.fromarray((RAMP * 255).astype(np.float32)), "TIFF"), r"values from 0 to 255, outside of 0 to 1"),
        (encoded(Image.fromarray(np.full((4, 6), np.nan, np.float32)), "TIFF"), "not finite numbers"),
        (encoded(Image.new("LAB", (6, 4)), "TIFF"), "in LAB colours, which aren't read; save it as RGB"),
        (encoded(alpha(), "GIF", save_all=True, append_images=[Image.new("L", (6, 4))]), "has 2 frames or pages"),
        (encoded(alpha(), "PNG", save_all=True, append_images=[Image.new("RGBA", (6, 4))]), "has 2 frames or pages"),
        (encoded(alpha(), "WEBP", save_all=True, append_images=[Image.new("RGBA", (6, 4))]), "has 2 frames or pages"),
        (encoded(alpha(), "TIFF", save_all=True, append_images=[alpha(), alpha()]), "has 3 frames or pages, not one"),
        (encoded(Image.new("L", (60, 60)))[:-30], "is damaged"),
        (encoded(Image.new("RGB", (60, 60)), "JPEG")[:-300], "is damaged"),
        (b"P5 0 4 255\n", "no pixels|is not an image|is damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 6 4\n", "is not an image, or of a kind that isn't read"),
        (b"P5 90000 90000 255\n", f"has more than {PIXELS:,} pixels, the most that are read"),
    ],
)
def test_what_cannot_be_decided_is_refused_by_name(source: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"^here.png .*({message})"):
        decode(source, "here.png")


def test_large_images_bring_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    """Between Pillow's warning and its refusal there is nothing to say: read as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
        decode(encoded(Image.new("L", (6, 4))), "x")
    assert not recwarn.list


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(form: str, orientation: int) -> None:
    """A white pixel block that is at the upper left when the image is upright."""
    upright = np.zeros((32, 48), np.uint8)
    upright[:16, :16] = 255
    back = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # the inverse of what applying it does
    stored = Image.fromarray(upright).convert("RGB")
    stored = stored if back is None else stored.transpose(Image.Transpose(back))
    exif = Image.Exif()
    exif[0x0112] = orientation
    if form == "TIFF":
        source = encoded(stored, form, tiffinfo={274: orientation})
    else:
        source = encoded(stored, form, exif=exif, **({"lossless": True} if form == "WEBP" else {}))
    found = np.asarray(decode(source, "x").convert("L")).astype(int)
    assert np.abs(found - upright).max() <= 8


def test_unreadable_exif_turns_nothing() -> None:
    source = encoded(Image.new("RGB", (6, 4)), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert decode(source, "x").size == (6, 4)


def test_of_a_cameras_pictures_the_photograph_is_read() -> None:
    photograph = Image.new("RGB", (6, 4), (200, 0, 0))
    source = encoded(photograph, "MPO", save_all=True, append_images=[Image.new("RGB", (6, 4), (0, 0, 200))])
    red, _, blue = decode(source, "x").getpixel((0, 0))  # type: ignore[misc]
    assert red > 150 > 50 > blue


def inks(black: int, form: str) -> bytes:
    """An image of four inks; as JPEG they are inverted, with the mark of Adobe that says so, or neither of both."""
    image = Image.new("CMYK", (8, 8), (0, 0, 0, black))
    if form != "plain JPEG":
        return encoded(image, form)
    content = encoded(ImageChops.invert(image), "JPEG")
    at = content.index(b"\xff\xee")
    return content[:at] + content[at + 2 + int.from_bytes(content[at + 2 : at + 4], "big") :]


@pytest.mark.parametrize("form", ["JPEG", "plain JPEG", "TIFF"])
def test_inks_become_light(form: str) -> None:
    paper, ink = (decode(inks(black, form), "x") for black in (0, 255))
    assert (paper.mode, ink.mode) == ("RGB", "RGB")
    assert min(paper.getpixel((0, 0))) > 250  # type: ignore[type-var]
    assert max(ink.getpixel((0, 0))) < 5  # type: ignore[type-var]


def test_other_modes() -> None:
    assert np.array_equal(np.asarray(decode(encoded(Image.fromarray(INK)), "x")), INK * 255)
    ycbcr = tiff(bytes([255, 128, 128]) * 24, [8] * 3, 6)
    assert decode(ycbcr, "x").getpixel((0, 0)) == (255, 255, 255)
    red = Image.new("P", (6, 4), 1)
    red.putpalette([0, 0, 0, 255, 0, 0])
    assert decode(encoded(red), "x").getpixel((0, 0)) == (255, 0, 0)


def test_plain_images_come_out_as_they_are_stored() -> None:
    for shape in ((4, 6), (4, 6, 3)):
        pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        for form in ("PNG", "BMP", "PPM", "TIFF"):
            assert np.array_equal(np.asarray(decode(encoded(Image.fromarray(pixels), form), "x")), pixels)
