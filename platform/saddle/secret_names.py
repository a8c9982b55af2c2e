"""Which names denote secrets: of environment variables, settings and parameters of URLs."""

from __future__ import annotations

import re
from functools import lru_cache

ALWAYS = {"password", "passwd", "passphrase", "passcode", "secret", "secrets", "credential", "credentials", "webhook"}
"""Words that make a name secret, at any position in it."""

AT_THE_END = {"token", "apikey", "accesskey", "secretkey", "privatekey", "signature", "sig", "pwd", "pat", "dsn", "key"}
"""Words that make a name secret as its last: `hf_token` is one, `token_width` is none."""

PASSWORDS, RUN_TOGETHER = ("password", "passwd"), ("token", "apikey", "secretkey")
"""Ends of words that are written in one: `PGPASSWORD`, `authtoken`."""

OF_KEYS = {
    "access", "account", "api", "auth", "client", "encryption", "license", "master", "private", "secret", "security",
    "service", "shared", "signing", "ssh", "storage", "subscription",
}  # fmt: skip
"""What makes a key a secret one: `api_key`, but not `sort_key`."""

OF_MODELS = {
    "bos", "class", "cls", "dist", "distillation", "eos", "mask", "max", "min", "next", "num", "pad", "per", "reg",
    "register", "sep", "special", "unk",
}  # fmt: skip
"""What makes a token one of a network's or a text's: `cls_token`."""

PLACES = {"dir", "file", "folder", "length", "path"}
"""As its last word they make a name that of something else: `AWS_SHARED_CREDENTIALS_FILE`."""

QUALIFIERS = {"id", "value", "b64", "base64", "str", "string", "text"}
"""Words that may follow: `AWS_ACCESS_KEY_ID`."""

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret: `AWS_SECRET_ACCESS_KEY`, `accessToken`, `X-Amz-Signature`."""
    words = [word.lower() for word in WORD.findall(name)]
    if words and words[-1] in PLACES:
        return False
    if is_password_name(name):
        return True
    while len(words) > 1 and words[-1] in QUALIFIERS:
        words.pop()
    if not words or not (words[-1] in AT_THE_END or words[-1].endswith(RUN_TOGETHER)):
        return False
    before = words[-2] if len(words) > 1 else ""
    if words[-1] == "key":
        # a variable of the environment is a setting, where a key opens something; elsewhere a key may only sort
        return before in OF_KEYS or (name.isupper() and bool(before))
    return before not in OF_MODELS


def is_password_name(name: str) -> bool:
    """Whether what has this name is always a secret, even if it is a number."""
    words = [word.lower() for word in WORD.findall(name)]
    return any(word in ALWAYS or word.endswith(PASSWORDS) for word in words)
