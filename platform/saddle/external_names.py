"""The user's words in the names of other systems: reversible escapes, without collisions, plain names unchanged.

A sign that a system does not take is written `_x5B_`, by its code point, as spreadsheets do; so is the underscore of a
text that looks like such an escape. A name that is too long is cut and ends in a hash of the whole.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")

ESCAPE = re.compile(r"_x([0-9A-F]+)_")
MAY_BECOME_ESCAPE = re.compile(r"_(?=x[0-9A-F])")
HASH_DIGITS = 16

MLFLOW_SIGN = re.compile(r"[/\w.\- :]")
LONGEST_MLFLOW_NAME = 250
"""Of parameters, metrics and tags, and of what Postgres keeps of a run's name."""

UNCLEAR_IN_A_PATH = re.compile(r"^/|/$|(?<=/)/|(?:^|(?<=/))\.(?=\.?(?:/|$))|^\.(?=\.)")
"""Signs without which `/a//b/./../c` leads nowhere else than it says."""

KEY_SIGN = re.compile(r"""[^'"`\\\x00-\x1f\x7f-\x9f\ud800-\udfff]""")
"""What MLflow's search finds inside the quotes of a condition."""
LONGEST_KEY = 4000

FILE_SIGN = re.compile(r"[\w .,=+@()-]", re.ASCII)
"""What local files, S3 keys and the addresses of MLflow's artifacts have in common."""
LONGEST_FILE_NAME = 180
"""Leaves room for endings and temporary prefixes in the 255 bytes that file systems allow."""


def escape(text: str, sign: re.Pattern[str], longest: int, refused: Iterable[int] = ()) -> str:
    """The text in signs that match `sign`, but for the places `refused`, and in at most `longest` of them."""
    places = {*refused, *(place for place, character in enumerate(text) if not sign.fullmatch(character))}
    if places or ESCAPE.search(text):
        places |= {match.start() for match in MAY_BECOME_ESCAPE.finditer(text)}
        text = "".join(f"_x{ord(c):X}_" if place in places else c for place, c in enumerate(text))
    return shorten(text, longest) if text else _hashed("")


def unescape(text: str) -> str:
    """The text that was escaped, unless it was empty or cut."""
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)) if int(match[1], 16) < 0x110000 else match[0], text)


def shorten(text: str, longest: int) -> str:
    """The text; if it is too long, its beginning and a hash of it."""
    return text if len(text) <= longest else text[: longest - len(_hashed(""))] + _hashed(text)


def mlflow_name(text: str) -> str:
    """The name of a parameter, metric or tag, which MLflow also takes for a path and wants in its shortest form."""
    unclear = (match.start() for match in UNCLEAR_IN_A_PATH.finditer(text))
    return escape(text, MLFLOW_SIGN, LONGEST_MLFLOW_NAME, unclear)


def mlflow_names(values: Mapping[str, T]) -> dict[str, T]:
    """The values under the names that MLflow takes."""
    return {mlflow_name(name): value for name, value in values.items()}


def run_key(text: str) -> str:
    """A part of the tag by which runs are searched in MLflow."""
    return escape(text, KEY_SIGN, LONGEST_KEY)


def file_name(text: str) -> str:
    """A single name in any file system or bucket, which no listing hides."""
    return escape(text, FILE_SIGN, LONGEST_FILE_NAME, [0] if text.startswith(".") else [])


def _hashed(text: str) -> str:
    return f"_h{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:HASH_DIGITS]}"
