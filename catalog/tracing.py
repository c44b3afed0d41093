"""The number of the request that something is done for: in the answer, in every log line, and on the jobs it made.

A job's row keeps the number it was made under, and the worker that takes the job goes on under it.
"""

from __future__ import annotations

import re
from contextvars import ContextVar

from catalog.ids import new_id

LONGEST = 64
ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

_number: ContextVar[str] = ContextVar("starforge_request", default="")


def current() -> str:
    """The number of the request at hand; "" outside of any."""
    return _number.get()


def bind(number: str) -> None:
    """What follows in this thread or task is done for this request; for none: ""."""
    _number.set(number)


def accepted(given: str) -> str:
    """A number that somebody sent along, if it can stand in a log line: 8 to 64 letters, digits, dots, dashes,
    underscores. Else, and when none was sent, a new one that can be read out.
    """
    return given if ALLOWED.fullmatch(given) else new_id("req")


def told() -> str:
    """The end of a sentence about a failure: what to tell whoever runs the site. "" outside of any request."""
    number = current()
    return f" If it fails again, tell whoever runs this site this number: {number}." if number else ""
