"""Wheels for a cluster's nodes: saddle's own, written from its imported packages, and those of the user's packages."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path

from saddle.errors import WheelError

DISTRIBUTION = "saddle"
PACKAGES = ("saddle", "trainables", "search_spaces", "saddle_contracts")
SUFFIXES = {".py", ".yaml", ".csv", ".html", ".css", ".js", ".txt", ".typed"}
"""What belongs to our packages (see setup.py); anything else below them, runs and data for example, stays here."""

LONG_AGO = (1980, 1, 1, 0, 0, 0)
NOT_SHIPPED = ("Requires-Dist:", "Provides-Extra:")


def saddle_wheel(folder: Path) -> Path:
    """saddle's wheel in `folder`, without a build and without network, from a checkout or an installation."""
    installed = distribution(DISTRIBUTION)
    metadata = "\n".join(f"{name}: {installed.metadata[name]}" for name in ("Metadata-Version", "Name", "Version"))
    info = f"{DISTRIBUTION}-{installed.version}.dist-info"
    files = dict(package_files())
    files[f"{info}/METADATA"] = f"{metadata}\n".encode()
    files[f"{info}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: saddle\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    # trainables are found through these, on nodes too
    files[f"{info}/entry_points.txt"] = (installed.read_text("entry_points.txt") or "").encode()
    return write_wheel(files, folder, f"{DISTRIBUTION}-{installed.version}", "py3-none-any")


def package_files() -> Iterator[tuple[str, bytes]]:
    """Every file of saddle's packages, by its path in the wheel."""
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise WheelError(f"the package {package} is not installed here, so it can't be sent; reinstall saddle")
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if path.suffix in SUFFIXES and path.is_file() and not any(p.startswith(".") for p in inside.parts):
                yield f"{package}/{inside.as_posix()}", path.read_bytes()


def write_wheel(files: Mapping[str, bytes], folder: Path, name: str, tags: str) -> Path:
    """Write `files` as a wheel whose file name changes with its content, because Ray caches wheels by name alone."""
    record = "".join(f"{path},sha256={_digest(content)},{len(content)}\n" for path, content in files.items())
    info = next(path.partition("/")[0] for path in files if path.partition("/")[0].endswith(".dist-info"))
    record += f"{info}/RECORD,,\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in [*files.items(), (f"{info}/RECORD", record.encode())]:
            member = zipfile.ZipInfo(path, LONG_AGO)  # equal files make an equal wheel
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(member, content)
    content = buffer.getvalue()
    target = folder / f"{name}-0{hashlib.sha256(content).hexdigest()[:16]}-{tags}.whl"
    target.write_bytes(content)
    return target


def without_requirements(wheel: Path, folder: Path) -> Path:
    """A copy of `wheel` in `folder` that requires nothing: Ray's pip would fetch what the nodes already have."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            files = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
        name, version, *_, python, abi, platform = wheel.stem.split("-")
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise WheelError(f"{wheel} is not a wheel ({error})") from error
    entries = {}
    for path, content in files.items():
        if path.endswith(".dist-info/METADATA"):
            head, _, body = content.decode().partition("\n\n")
            head = "\n".join(line for line in head.splitlines() if not line.startswith(NOT_SHIPPED))
            content = f"{head}\n\n{body}".encode()
        if not path.endswith(".dist-info/RECORD"):
            entries[path] = content
    return write_wheel(entries, folder, f"{name}-{version}", f"{python}-{abi}-{platform}")


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
