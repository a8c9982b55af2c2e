"""How far images are changed. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Strengths:
    """How far each image may be changed; S1 (4.2) names the changes and calls them slight, the numbers are assumed.

    0 changes nothing. Raises `ValueError` for a value out of its range.
    """

    crop: float = 0.2
    """The largest share of a side that is cropped before the rest is resized to the full size; below 1."""
    flip: float = 0.5
    """The probability of a flip along each axis."""
    quarters: bool = True
    """Whether images are turned by 0, 90, 180 or 270 degrees at random; only square ones are turned."""
    degrees: float = 10.0
    """The largest further rotation, in either direction; what it uncovers is filled by mirroring."""
    brightness: float = 0.1
    """The largest relative change of the grey levels."""
    hue: float = 0.02
    """The largest rotation of the colours, 1 being a whole turn; RGB only."""
    blur: float = 0.5
    """The largest standard deviation in pixels; every other image is blurred."""

    def __post_init__(self) -> None:
        limits = {"crop": 0.9, "flip": 1.0, "degrees": 180.0, "brightness": 1.0, "hue": 0.5, "blur": 2.0}
        for field in fields(self):
            if field.name in limits and not 0 <= getattr(self, field.name) <= limits[field.name]:
                raise ValueError(
                    f"{field.name} must be between 0 and {limits[field.name]:g}, not {getattr(self, field.name)}"
                )


NONE = Strengths(crop=0, flip=0, quarters=False, degrees=0, brightness=0, hue=0, blur=0)
"""Changes nothing."""
