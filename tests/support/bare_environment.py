"""A Python that has the packages of this one except saddle: that of a cluster's node."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

SECONDS = 120.0
OURS = ("saddle", "__editable__", "fake_methods", "my_method", "__pycache__")
"""Prefixes of packages that a node's environment lacks: saddle, trainables and search_spaces are one distribution."""


def make_environment(folder: Path) -> Path:
    """A virtual environment in `folder` with the packages of this one except ours; its Python."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=SECONDS)
    packages = folder / "packages"
    packages.mkdir()
    for installed in Path(sysconfig.get_path("purelib")).iterdir():
        if not installed.name.startswith(OURS):  # .pth files are not packages, and have no effect as links
            (packages / installed.name).symlink_to(installed)
    [site] = (folder / "lib").glob("python*/site-packages")
    (site / "packages.pth").write_text(f"{packages}\n")
    pip = folder / "bin/pip"  # Ray installs the wheels of py_modules with the first pip on the path
    pip.write_text(f"#!{folder}/bin/python\nfrom pip._internal.cli.main import main\nraise SystemExit(main())\n")
    pip.chmod(0o755)
    return folder / "bin/python"
