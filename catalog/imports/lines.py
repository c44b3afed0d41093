"""A text file line by line, within limits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from catalog.imports import limits
from catalog.imports.errors import ImportRefused


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """Lines with their ends, NUL characters left out. Raises ImportRefused for a line longer than a megabyte."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        try:
            while line := file.readline(limits.MAX_SILENCE):
                if len(line) >= limits.MAX_SILENCE:
                    raise ImportRefused("damaged", "A line of this file is longer than a list of tracks has.")
                yield line.lstrip("\ufeff").replace("\x00", "")
        except UnicodeError:  # half a character of UTF-16 at the end
            raise ImportRefused(
                "truncated", "The file was cut off: it ends in the middle of a letter."
            ) from None
