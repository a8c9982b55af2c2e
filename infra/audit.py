"""Known weaknesses of the pinned packages, by pip-audit. Advisory: it always ends with 0, and prints why if it failed.

    python infra/audit.py [--tool build/audit/bin/pip-audit]

Without a network, or with an index without weaknesses, pip-audit itself reports that there are none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "infra/constraints.txt"
TOOL = ROOT / "build/audit/bin/pip-audit"
VERSION = "2.10.1"
SECONDS = 900


class NotMade(Exception):
    """The audit could not be made; the reason is for a person."""


def install(tool: Path) -> None:
    """Install pip-audit in a separate environment: it may need other versions than those that it audits."""
    folder = tool.parents[1]
    try:
        venv.create(folder, with_pip=True)
        command = [folder / "bin/python", "-m", "pip", "install", "--quiet", f"pip-audit=={VERSION}"]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise NotMade(f"pip-audit could not be installed ({reason(error)})") from error


def ask(tool: Path, constraints: Path) -> list[dict[str, Any]]:
    """pip-audit's result for each package: its `vulns`, or a `skip_reason`."""
    command = [tool, "--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off"]
    try:
        process = subprocess.run(
            [*command, "--requirement", constraints], capture_output=True, text=True, timeout=SECONDS, check=False
        )
        return list(json.loads(process.stdout)["dependencies"])
    except (OSError, subprocess.SubprocessError) as error:
        raise NotMade(f"pip-audit failed ({reason(error)})") from error
    except (ValueError, KeyError) as error:
        last = process.stderr.strip().splitlines()[-1:] or ["it printed nothing"]
        raise NotMade(f"pip-audit gave no answer: {last[0]}") from error


def reason(error: Exception) -> str:
    """The last line of a program's output, or the error itself."""
    message = str(getattr(error, "stderr", None) or error).strip()
    return message.splitlines()[-1] if message else type(error).__name__


def report(packages: list[dict[str, Any]]) -> list[str]:
    """The lines of the report: each weakness, then how many packages were looked up; raises `NotMade` for none."""
    found_packages = [package for package in packages if "vulns" in package]
    if not found_packages:
        raise NotMade(f"none of {len(packages)} packages could be looked up")
    lines = [
        f"{package['name']} {package['version']}: {weakness['id']}, fixed in "
        f"{', '.join(weakness['fix_versions']) or 'no version yet'}"
        for package in found_packages
        for weakness in package["vulns"]
    ]
    weak = sum(bool(package["vulns"]) for package in found_packages)
    not_looked_up = (
        f", {len(packages) - len(found_packages)} could not be looked up" if len(found_packages) < len(packages) else ""
    )
    return [*lines, f"audit: {weak} of {len(found_packages)} packages have known weaknesses{not_looked_up}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tool", type=Path, default=TOOL, help="path of pip-audit; installed there if missing")
    parser.add_argument("--constraints", type=Path, default=CONSTRAINTS)
    arguments = parser.parse_args()
    try:
        if not arguments.tool.exists():
            install(arguments.tool)
        lines = report(ask(arguments.tool, arguments.constraints))
    except NotMade as why:
        lines = [f"audit: not made: {why}"]
    print(*lines, sep="\n")


if __name__ == "__main__":
    main()
