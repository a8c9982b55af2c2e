"""What a plain YAML 1.2 scalar means: `1e-4` is a number, `off` a word, and a date, infinity or NaN is refused."""

from __future__ import annotations

import fractions
import math
import re

NULL = re.compile(r"~|null|Null|NULL|")
TRUE = re.compile(r"true|True|TRUE")
FALSE = re.compile(r"false|False|FALSE")
INTEGER = re.compile(r"[-+]?[0-9][0-9_]*")
BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?")
_NUMBER = r"(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]{1,3})?"  # larger exponents take gigabytes to be exact
FRACTION = re.compile(rf"[-+]?{_NUMBER}(\s*/\s*[-+]?{_NUMBER})+")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
WORD = re.compile(r"(?!(null|true|false)$)[a-z][a-z0-9_/.]*(-[a-z0-9_/.]+)*")
"""Texts that need no quotes, whichever version of YAML reads them."""

LARGEST = 2**63 - 1
"""Integers beyond 64 bits fit neither a Parquet column nor a seed."""


class ScalarError(ValueError):
    """A scalar that no field of a study can hold."""


class Fraction(str):
    """An unquoted `8/255`: a number where one is wanted (see `saddle.studyfile.numbers`), and a text elsewhere."""

    def number(self) -> int | float:
        """Its value, an int if it is whole; raises `ScalarError` if it has none."""
        parts = self.replace("_", "").split("/")
        if len(parts) != 2 or len(self) > 80:
            raise ScalarError(f"{self[:40]} is not a fraction; write one as NUMBER/NUMBER, such as 8/255")
        above, below = (fractions.Fraction(part.strip()) for part in parts)
        if not below:
            raise ScalarError(f"{self} divides by zero")
        try:
            value = float(above / below)
        except OverflowError:
            raise ScalarError(f"{self} is too large for a float") from None
        return int(value) if value.is_integer() and abs(value) <= LARGEST else value


def plain(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar; raises `ScalarError` for dates, infinities, NaN and too large numbers.

    A fraction is a text still, as it depends on its field (see `Fraction`).
    """
    if NULL.fullmatch(text):
        return None
    if TRUE.fullmatch(text) or FALSE.fullmatch(text):
        return text.lower() == "true"
    if INTEGER.fullmatch(text) or BASED.fullmatch(text):
        return _integer(text)
    if FLOAT.fullmatch(text):
        number = float(text.replace("_", ""))
        if not math.isfinite(number):
            raise ScalarError(f"{text[:40]} is too large for a float")
        return number
    if NOT_FINITE.fullmatch(text):
        raise ScalarError(f"{text} is not a finite number")
    if DATE.fullmatch(text):
        raise ScalarError(f'{text[:40]} is a date, which no setting takes; for a text write "{text[:40]}" with quotes')
    return Fraction(text) if FRACTION.fullmatch(text) else text


def is_text(text: str) -> bool:
    """Whether an unquoted scalar means the text itself."""
    try:
        return plain(text) == text
    except ScalarError:
        return False


def _integer(text: str) -> int:
    # The length comes first: Python refuses to convert thousands of digits, and that would be a traceback.
    if len(text) > 40:
        raise ScalarError(f"{text[:20]}… is too large for an integer")
    number = int(text.replace("_", ""), 0 if BASED.fullmatch(text) else 10)
    if abs(number) > LARGEST:
        raise ScalarError(f"{text} is too large for an integer")
    return number
