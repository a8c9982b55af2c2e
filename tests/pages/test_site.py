"""The pages build as a site without a warning: no dead link, no page that no list names, no name that is not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def build(docs: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """What `make docs` runs, into a folder of its own."""
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-d",
        str(site / "read"),
        str(docs),
        str(site),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    built = build(ROOT / "docs", tmp_path)
    assert built.returncode == 0, built.stderr
    for page in ("study-files.html", "statistics.html", "api.html"):
        assert (tmp_path / page).is_file()
    assert "NotFound" in (tmp_path / "api.html").read_text(encoding="utf-8")


def test_a_dead_link_is_an_error(tmp_path: Path) -> None:
    pages = tmp_path / "docs"
    pages.mkdir()
    (pages / "conf.py").write_text((ROOT / "docs/conf.py").read_text(encoding="utf-8"), encoding="utf-8")
    (pages / "index.md").write_text("# Index\n\n[gone](nowhere.md)\n", encoding="utf-8")
    built = build(pages, tmp_path / "site")
    assert built.returncode != 0
    assert "nowhere.md" in built.stderr
