"""Why a whole file is not taken in."""

from __future__ import annotations


class ImportRefused(Exception):
    """This file is not read. `code` for scripts, `reason` for people: one sentence or two."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason
