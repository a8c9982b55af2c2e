"""A workflow of GitHub Actions."""

from __future__ import annotations

import json

from saddle.nightly.schedules.schedule import Schedule

IN_A_BUCKET = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL")


def github(schedule: Schedule) -> str:
    """The workflow, for `.github/workflows/`; its runners keep nothing, so the storage must be a bucket."""
    in_bucket = schedule.storage.startswith("s3://")
    names = [*schedule.variables, *(IN_A_BUCKET if in_bucket else ())]
    env = "".join(f"\n          {name}: ${{{{ secrets.{name} }}}}" for name in names)
    note = "" if in_bucket else "\n# A runner keeps no folder until the next night: give --storage s3://BUCKET/PREFIX."
    return f"""\
# {schedule.study.study}, every night (GitHub's clock is UTC).{note}
name: {schedule.name}
on:
  schedule:
    - cron: "{schedule.minute} {schedule.hour} * * *"
  workflow_dispatch:
concurrency:
  group: {schedule.name}
  cancel-in-progress: false
jobs:
  night:
    runs-on: ubuntu-latest
    timeout-minutes: 350
    steps:
      - uses: actions/checkout@v4
        with:
          fetch-depth: 0  # references are trained, and changes bisected, at earlier commits
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: make install
      - name: night
        env:{env or " {}"}
        # 1: worse; 2: wrong input; 3: could not run; 4: changed, not settled yet, which turns nothing red
        run: |
          code=0; .venv/bin/{_escaped(schedule)} || code=$?
          echo "exit code $code"; [ "$code" = 4 ] || exit "$code"
"""


def _escaped(schedule: Schedule) -> str:
    # the name of the program alone: a runner has another path to it
    words = ["saddle", *schedule.command[schedule.command.index("nightly") :]]
    return " ".join(word if word.replace("-", "").replace("/", "").replace(".", "").isalnum() else json.dumps(word)
                    for word in words)  # fmt: skip
