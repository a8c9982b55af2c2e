"""A service and a timer of systemd."""

from __future__ import annotations

from saddle.nightly.schedules.schedule import Schedule


def systemd(schedule: Schedule) -> dict[str, str]:
    """The contents of the units by their file names."""
    persistent = "true" if schedule.nightly.missed == "catch_up" else "false"
    secrets = f"EnvironmentFile=-%h/.config/{schedule.name}.env\n" if schedule.variables else ""
    service = f"""\
[Unit]
Description=One night of {schedule.study.study}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
WorkingDirectory={_quoted(schedule.folder)}
{secrets}ExecStart={" ".join(map(_argument, schedule.command))}
# 1 is worse, 4 changed and not settled: results that the page and the webhook report, not failures of the service
SuccessExitStatus=1 4
Nice=10
"""
    timer = f"""\
[Unit]
Description={schedule.study.study} every night

[Timer]
OnCalendar=*-*-* {schedule.hour:02}:{schedule.minute:02}:00 {schedule.nightly.timezone}
Persistent={persistent}

[Install]
WantedBy=timers.target
"""
    return {f"{schedule.name}.service": service, f"{schedule.name}.timer": timer}


def _quoted(text: str) -> str:
    """A path, in which systemd expands % and nothing else."""
    return text.replace("%", "%%")


def _argument(text: str) -> str:
    """One argument of ExecStart."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if any(sign.isspace() or sign in "\"'\\;" for sign in text) else escaped
