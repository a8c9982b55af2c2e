"""Secrets are never shown: one redaction for all that leaves a process as text.

It is applied where words cross a border: to exceptions on their way to ledger, report, MLflow, Ray and the terminal,
to log records, and to everything that the command line prints. It is idempotent, and leaves ordinary text unchanged.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import os
import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from saddle.errors import UserError
from saddle.secret_names import is_password_name, is_secret_name

HIDDEN = "***"

SHORTEST_EXACT = 8
"""Values of the environment's secret variables are looked for from this length on; `1` and `test` occur everywhere."""

# a password in an address ends at the last @, also if it contains one; but `http://host:8080/…@` has a port
_SCHEME = r"(?:(?P<web>https?|wss?|ray|grpc)|(?!(?:https?|wss?|ray|grpc)://)[\w+.-]*)://"
_NO_PORT = r"""(?(web)(?!\d{1,5}(?:[/?#\s"']|\Z)))"""
_IN_QUOTES = re.compile(
    rf"""(?P<begin>["']{_SCHEME}[^:/@\s"'\[]{{0,256}}:){_NO_PORT}(?!PASSWORD@)[^"'\n]{{0,512}}@""", re.IGNORECASE
)
_USERINFO = re.compile(
    rf"(?P<begin>(?<![\w+.-]){_SCHEME}[^:/@\s\[]{{0,256}}:){_NO_PORT}(?!\*\*\*@|PASSWORD@)\S{{0,512}}@", re.IGNORECASE
)
_TOKEN_AS_USER = re.compile(r"(://)(?=[\w.~%-]*\d)[\w.~%-]{20,}@")

_HEADER = re.compile(
    r"""((?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?)(?!\*\*\*)[^\s"'\\,;}][^\n"'\\]*""", re.IGNORECASE
)
_BEARER = re.compile(r"(\bbearer\s+)(?=\S*\d|\S{20})[\w.~+/=-]{6,}", re.IGNORECASE)
_BASIC = re.compile(r"(\bbasic\s+)([A-Za-z0-9+/]{8,}={0,2})", re.IGNORECASE)

_QUOTED = r""""(?:\\.|""|[^"\\\n])*(?:"|(?=\n)|\Z)|'(?:\\.|''|[^'\\\n])*(?:'|(?=\n)|\Z)"""
_ESCAPED = r"""(?P<esc>\\+["'])(?:(?!(?P=esc)).)*(?:(?P=esc)|\Z)"""
_BARE = r"(?:(?!%26|&)[^\s\"'])(?:(?!%26|&)\S)*"
_NAME = re.compile(
    r"""(?P<open>\\{0,8}["'])?(?<![\w.-])(?P<name>[\w.-]++)(?:\\{0,8}["'])?(?P<sep>\s*(?:=>|:|=(?!=))\s*|%3D)(?=\S)""",
    re.IGNORECASE,
)
_VALUE = re.compile(rf"{_ESCAPED}|[bru]{{0,2}}(?:{_QUOTED})|{_BARE}", re.IGNORECASE | re.DOTALL)
_PLAIN = re.compile(r"[-+]?(\d{1,6}|\d*\.\d+|\d+e[-+]?\d+)[,;)\]}]*|(true|false|none|null|nan)[,;)\]}]*", re.IGNORECASE)
_NOTHING = re.compile(r"""(none|null|true|false|""|'')?[,;)\]}]*""", re.IGNORECASE)
_CODE = re.compile(r"[(<{\[]")

_KEY_ID = re.compile(r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA|ANPA|ANVA|AIPA)[A-Z0-9]{12,}\b")
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_\w{16,}|glpat-[\w-]{16,}|hf_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{16,}"
    r"|xox[abeoprs]-[\w-]{10,}|sk-(?=[\w-]{0,200}\d)[\w-]{16,200}|AIza[\w-]{30,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}"
    r"|dapi[0-9a-f]{30,}|dop_v1_[0-9a-f]{30,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)"
)
_WEBHOOK = re.compile(
    r"(\bhooks\.slack\.com/(?:services|workflows|triggers)/|\bdiscord(?:app)?\.com/api/(?:v\d+/)?webhooks/"
    r"|\bwebhook\.office\.com/webhookb2/|\bapi\.telegram\.org/bot|/(?:web)?hooks?/(?=[\w-]{16}))[^\s\"'<>]+",
    re.IGNORECASE,
)
_QUERY_KEY = re.compile(r"([?&](?:key|code|auth|sas)=)[^\s&#\"'<>]{16,}", re.IGNORECASE)


_CAN_HOLD_ONE = re.compile(r"[:=%]|[\w.+/~-]{12}|bearer|basic|-----", re.IGNORECASE)


def redact(text: str) -> str:
    """The text without what is secret in it: passwords, tokens, keys and signatures, however they are written."""
    own = _own_secrets(tuple(os.environ.items()))
    if own is not None:
        text = own.sub(HIDDEN, text)
    if _CAN_HOLD_ONE.search(text) is None:  # a table has many cells
        return text
    text = _PRIVATE_KEY.sub(rf"\1{HIDDEN}\2", text)
    text = _IN_QUOTES.sub(rf"\g<begin>{HIDDEN}@", text)
    text = _USERINFO.sub(rf"\g<begin>{HIDDEN}@", text)
    text = _TOKEN_AS_USER.sub(rf"\1{HIDDEN}@", text)
    text = _WEBHOOK.sub(rf"\1{HIDDEN}", text)
    text = _HEADER.sub(rf"\1{HIDDEN}", text)
    text = _BEARER.sub(rf"\1{HIDDEN}", text)
    text = _BASIC.sub(_without_basic, text)
    text = _without_named(text)
    text = _QUERY_KEY.sub(rf"\1{HIDDEN}", text)
    text = _KEY_ID.sub(HIDDEN, text)
    return _TOKENS.sub(HIDDEN, text)


def redact_error(error: BaseException) -> BaseException:
    """The same exception, or where that can't be, one that says the same, with nothing secret in it or its causes."""
    visited: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in visited:
        visited.add(id(link))
        link.args = tuple(redact(part) if isinstance(part, str) else part for part in link.args)
        for name in ("filename", "filename2"):
            if isinstance(path := getattr(link, name, None), str) and redact(path) != path:
                setattr(link, name, redact(path))
        if hasattr(link, "__notes__"):
            link.__notes__ = [redact(note) for note in link.__notes__]
        link = link.__cause__ or link.__context__
    text = str(error)
    if redact(text) == text or isinstance(error, UserError):  # the kind says what to do, and words are shown redacted
        return error
    return RuntimeError(f"{type(error).__name__}: {redact(text)}").with_traceback(error.__traceback__)


@contextlib.contextmanager
def redacting() -> Iterator[None]:
    """Let no exception out of the block, or of the function it decorates, with something secret in it."""
    try:
        yield
    except BaseException as error:
        redacted = redact_error(error)
        if redacted is error:
            raise
        raise redacted from None


def redact_logs() -> None:
    """Let every log record of this process be redacted when it is made, regardless of its logger and handlers."""
    factory = logging.getLogRecordFactory()
    if not getattr(factory, "redacts", False):
        logging.setLogRecordFactory(_RedactedRecords(factory))


@dataclass(frozen=True)
class _RedactedRecords:
    """Makes log records as before, with nothing secret in message and traceback."""

    make: Callable[..., logging.LogRecord]
    redacts = True

    def __call__(self, *arguments: Any, **named: Any) -> logging.LogRecord:
        record = self.make(*arguments, **named)
        with contextlib.suppress(TypeError, ValueError, KeyError):  # logging itself reports a wrong format
            message = record.getMessage()
            if redact(message) != message:
                record.msg, record.args = redact(message), None
        if record.exc_info and record.exc_info[1] is not None:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)).rstrip())
        return record


def _without_named(text: str) -> str:
    """The text with `name=value` and `name: value` without the values, where the name is that of a secret."""
    parts, end = [], 0
    while (match := _NAME.search(text, end)) is not None:
        parts.append(text[end : match.end()])
        end = match.end()
        value = _VALUE.match(text, end) if is_secret_name(match["name"]) else None
        if value is not None and _may_be_secret(match["name"], value[0]) and _is_said_to_be(match, value):
            parts.append(_hidden_like(value))
            end = value.end()
    return "".join([*parts, text[end:]])


def _hidden_like(value: re.Match[str]) -> str:
    """The replacement of a value, in quotes if it was quoted."""
    mark = value["esc"] or next((mark for mark in "\"'" if value[0].lstrip("bruBRU").startswith(mark)), "")
    whole = bool(mark) and value[0].endswith(mark) and len(value[0]) > len(mark)
    return f"{mark}{HIDDEN}{mark}" if whole else HIDDEN


def _is_said_to_be(match: re.Match[str], value: re.Match[str]) -> bool:
    """Whether a colon means a value here: `"token": "x"`, `password: x`; but not `demands a token: set …`."""
    if ":" not in match["sep"] or match["open"] or value[0][:1] in "\"'\\":
        return True
    compound = re.search(r"[_.-]|[a-z][A-Z]", match["name"]) is not None
    if not compound and not is_password_name(match["name"]):
        return False
    # a setting is alone on its line, or another one follows; a sentence would continue
    rest = value.string[value.end() :].split("\n", 1)[0].strip()
    return not rest or rest[0] in ",;)}]|&" or re.match(r"[\w.-]+\s*[:=]", rest) is not None


def _may_be_secret(name: str, value: str) -> bool:
    """Whether the value can be a secret: a switch, an empty one or what is hidden already is none."""
    bare = value.strip("\\\"'")
    if bare.startswith(HIDDEN) or _NOTHING.fullmatch(bare):
        return False
    if is_password_name(name):
        return True
    if name.lower().endswith("pwd") and bare.startswith("/"):  # the shell's working directory
        return False
    return not _PLAIN.fullmatch(bare) and not (value[:1] not in "\"'\\" and _CODE.search(bare))


def _without_basic(match: re.Match[str]) -> str:
    """`Basic …` without what is a name and a password in base64; other words stay."""
    try:
        decoded = base64.b64decode(match[2], validate=True)
    except (binascii.Error, ValueError):
        return match[0]
    return f"{match[1]}{HIDDEN}" if b":" in decoded else match[0]


@lru_cache(maxsize=8)
def _own_secrets(environment: tuple[tuple[str, str], ...]) -> re.Pattern[str] | None:
    """What finds the secrets of these variables in a text; None if there are none.

    Only where they don't continue as words: the password `postgres` leaves `postgresql` alone.
    """
    values = {part for name, value in environment for part in _secrets_of(name, value)}
    longest_first = sorted(values, key=lambda value: (-len(value), value))
    pattern = "|".join(map(re.escape, longest_first))
    return re.compile(rf"(?<![^\W_])(?:{pattern})(?![^\W_])") if pattern else None


def _secrets_of(name: str, value: str) -> tuple[str, ...]:
    """What is secret of a variable: all of it, or the password of an address; as it is and as URLs write it."""
    secrets = [value] if is_secret_name(name) and not os.path.exists(value) else []
    if "://" in value:
        try:
            secrets.append(urlsplit(value).password or "")
        except ValueError:
            secrets.append(value)
    spelled = {spelling for part in secrets for spelling in (part, unquote(part), quote(part, safe=""))}
    return tuple(part for part in spelled if len(part) >= SHORTEST_EXACT and HIDDEN not in part)
