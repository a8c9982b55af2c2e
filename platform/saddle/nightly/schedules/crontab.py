"""A line of a crontab."""

from __future__ import annotations

import shlex

from saddle.nightly.schedules.schedule import Schedule


def crontab(schedule: Schedule) -> str:
    """The line, with the settings that cron needs; its clock is the machine's, regardless of `timezone`."""
    # cron ends a command at %, and starts it with few variables and a short PATH
    command = f"cd {shlex.quote(schedule.folder)} && {schedule.line} >> {schedule.name}.log 2>&1".replace("%", r"\%")
    needs = "".join(f"\n# {name}=…   (an address; only root and you may read a crontab)" for name in schedule.variables)
    return (
        f"# {schedule.study.study}, every night by this machine's clock; the date of a night is that of "
        f"{schedule.nightly.timezone}{needs}\n"
        f"{schedule.minute} {schedule.hour} * * * {command}\n"
    )
