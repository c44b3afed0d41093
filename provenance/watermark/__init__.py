"""An imperceptible mark that carries a certificate's serial number through coding, cutting and level changes.

Pure: numpy and scipy, no Django. The master is looked at once (`plan`), and the very same gains are then applied to it
and to every stem (`Mark.apply`), so that marked stems still add up to the marked master. `read` finds the number
again without the original. docs/watermark.md describes the scheme and what it withstands.
"""

from __future__ import annotations

from .code import SERIALS
from .embedding import Mark, plan
from .layout import SCHEME, VERSION, Pattern
from .masking import Audibility
from .reading import GIVEN_AT_MOST, Found, read, readable

__all__ = [
    "GIVEN_AT_MOST", "SCHEME", "SERIALS", "VERSION", "Audibility", "Found", "Mark", "Pattern", "plan", "read",
    "readable",
]  # fmt: skip
