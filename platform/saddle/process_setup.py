"""What a process sets up before it works: a user's name, a home, an output that shows our signs, no proxy for loopback.

Libraries below us end in tracebacks where these are missing; here each is replaced, or said in a line.
"""

from __future__ import annotations

import codecs
import contextlib
import getpass
import io
import os
import pwd
import stat
import sys
import tempfile
import unicodedata
from pathlib import Path

from saddle.errors import UserError

LOOPBACK = ("127.0.0.1", "localhost", "::1")

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy")

IN_ASCII = str.maketrans({
    "–": "-", "—": "-", "−": "-", "×": "x", "≥": ">=", "≤": "<=", "±": "+-", "…": "...", "·": "-", "→": "->",
    "α": "alpha", "ε": "epsilon", "η": "eta", "λ": "lambda", "σ": "sigma", "∞": "inf", "≈": "~", "’": "'",
    "─": "-", "━": "-", "█": "#", "✓": "yes",
})  # fmt: skip
"""Signs of ours, for an output that has none of them."""


def set_up_process() -> None:
    """Make up for what is missing; raises `UserError` if the working directory is gone."""
    write_what_can_be_written()
    name_user()
    find_home()
    keep_loopback_from_proxies()
    require_working_directory()


def require_working_directory() -> None:
    """Raise `UserError` if the working directory was deleted: nothing relative can be found, and no child starts."""
    if working_directory() is None:
        raise UserError(
            "the working directory no longer exists: change into one that does, such as with cd ~, and try again"
        )


def working_directory() -> Path | None:
    """The working directory; None if it was removed meanwhile."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


def name_user() -> None:
    """Give a user without an entry in the system's list a name, which torch and MLflow ask for."""
    try:
        getpass.getuser()
    except (KeyError, OSError):  # what it raises depends on Python's version
        os.environ["USER"] = f"uid{os.getuid()}"


def find_home() -> None:
    """Give a user without a home one among the temporary files: caches go there, and nothing that has to stay."""
    home = os.environ.get("HOME")
    if not home:
        with contextlib.suppress(KeyError):
            home = pwd.getpwuid(os.getuid()).pw_dir
    if home and os.access(home, os.R_OK | os.X_OK):
        os.environ["HOME"] = home
        if not os.access(home, os.W_OK):
            os.environ.setdefault("MPLCONFIGDIR", str(_own_folder() / "matplotlib"))
        return
    os.environ["HOME"] = str(_own_folder())


def _own_folder() -> Path:
    """A folder of this user's among the temporary files, the same for every process."""
    folder = Path(tempfile.gettempdir()) / f"home-of-uid{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid():
        return folder
    return Path(tempfile.mkdtemp(prefix="home-"))  # somebody else's, or a link


def keep_loopback_from_proxies() -> None:
    """Let servers of this machine be asked directly: a proxy that is set for the world can't reach them.

    Asked through one, `saddle ui` waited 98 s for its own server.
    """
    if not any(os.environ.get(name) or os.environ.get(name.upper()) for name in PROXY_VARIABLES):
        return
    excepted = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in excepted.split(",") if host.strip()]
    hosts += [host for host in LOOPBACK if host not in hosts]
    os.environ["no_proxy"] = os.environ["NO_PROXY"] = "*" if "*" in hosts else ",".join(hosts)


def write_what_can_be_written() -> None:
    """Let an output that is not in UTF-8 show our signs in its own, instead of ending in a traceback."""
    codecs.register_error("saddle", _in_other_signs)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="saddle")


def _in_other_signs(error: UnicodeError) -> tuple[str, int]:
    """Signs that the output's encoding has for those that it lacks."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    replacement = "".join(_instead(sign, error.encoding) for sign in error.object[error.start : error.end])
    return replacement, error.end


def _instead(sign: str, encoding: str) -> str:
    plain = unicodedata.normalize("NFKD", sign).encode("ascii", "ignore").decode()
    for candidate in (sign.translate(IN_ASCII), plain):
        if candidate and candidate != sign:
            return candidate
    if "\udc80" <= sign <= "\udcff":  # a byte of a path that is not text
        return f"\\x{ord(sign) - 0xDC00:02x}"
    return sign.encode("ascii", "backslashreplace").decode()
