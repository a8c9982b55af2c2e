"""The root of everything that is the user's to mend."""

from __future__ import annotations


class UserError(Exception):
    """Something a person asked for can't be done; the message says why and what would work."""
