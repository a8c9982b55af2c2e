"""Notifying people of a study or a night by a webhook or a command; addresses are read only where they are used."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence

from saddle.backoff import pause_after
from saddle.study.channel import Channel

ATTEMPTS = 5
FIRST_PAUSE = 1.0
SECONDS = 20.0
"""How long a webhook may take to answer."""

COMMAND_SECONDS = 120.0


class NotDelivered(Exception):
    """A channel could not be notified; the message names the channel, and neither its address nor what it answered."""


def notify(
    channels: Sequence[Channel],
    text: str,
    environment: Mapping[str, str] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> tuple[list[str], list[str]]:
    """Notify every channel; the names of those that were notified, and what was wrong with the others."""
    notified, problems = [], []
    for channel in channels:
        try:
            deliver(channel, text, os.environ if environment is None else environment, pause)
            notified.append(channel.name)
        except NotDelivered as error:
            problems.append(str(error))
    return notified, problems


def deliver(channel: Channel, text: str, environment: Mapping[str, str], pause: Callable[[float], None]) -> None:
    """Notify one channel, with retries and growing pauses after a transient failure."""
    for attempt in range(1, ATTEMPTS + 1):
        reason, may_pass = _try(channel, text, environment)
        if not reason:
            return
        if not may_pass or attempt == ATTEMPTS:
            raise NotDelivered(f"{channel.name} was not notified: {reason}")
        pause(pause_after(attempt, FIRST_PAUSE))


def _try(channel: Channel, text: str, environment: Mapping[str, str]) -> tuple[str, bool]:
    """What went wrong, empty if nothing did, and whether it may pass."""
    if channel.command is not None:
        return _run(channel.command, text, environment)
    address = environment.get(channel.variable or "", "")
    if not address:
        return f"the variable {channel.variable} is not set", False
    return _post(address, text)


def _post(address: str, text: str) -> tuple[str, bool]:
    body = json.dumps({"text": text}).encode()
    try:
        request = urllib.request.Request(address, body, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=SECONDS):
            return "", False
    except urllib.error.HTTPError as error:
        return f"it answered {error.code}", error.code >= 500 or error.code in (408, 429)
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)  # of which only the kind is given: its text may hold the address
        return f"it can't be reached ({type(reason).__name__})", True
    except Exception as error:  # http.client and urllib raise many errors for an address that is none
        return f"its address can't be used ({type(error).__name__})", False


def _run(command: str, text: str, environment: Mapping[str, str]) -> tuple[str, bool]:
    try:
        process = subprocess.run(
            command, shell=True, input=text, text=True, capture_output=True, timeout=COMMAND_SECONDS,
            env=dict(environment),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it took more than {COMMAND_SECONDS:.0f} s", True
    return ("", False) if process.returncode == 0 else (f"it ended with exit code {process.returncode}", True)
