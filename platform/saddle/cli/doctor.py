"""`saddle doctor`: whether this machine has what saddle needs."""

from __future__ import annotations

import typer

from saddle.cli.options import AsJson, DataRoot, Storage


def doctor(storage: Storage = None, data_root: DataRoot = None, as_json: AsJson = False) -> None:
    """Check packages, processors, storage, data, MLflow and whether Ray starts. The exit code is 1 if a check fails.

    Example: saddle doctor
    """
    from saddle.cli.checkup import examine
    from saddle.cli.output.tables import print_json, print_table

    findings = examine(storage, data_root)
    if as_json:
        print_json([finding._asdict() for finding in findings])
    else:
        print_table(("check", "", "what was found"), [(f.check, "ok" if f.ok else "FAILS", f.found) for f in findings])
    if not all(finding.ok for finding in findings):
        raise typer.Exit(1)
