"""XML from a stranger, fed to a target piece by piece, within limits.

expat through defusedxml: a document type is refused, and with it every entity, before anything is expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from catalog.imports import limits
from catalog.imports.errors import ImportRefused


class Target(Protocol):
    """What the parser tells. tags: how many elements have begun."""

    tags: int

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...

    def end(self, tag: str) -> None: ...

    def close(self) -> None: ...


def fed(path: Path, target: Target) -> Iterator[None]:
    """Feed the file to the parser piece by piece; after each piece, `target` holds what it had."""
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    taken = silence = 0
    try:
        with path.open("rb") as file:
            while piece := file.read(limits.CHUNK):
                taken += len(piece)
                if taken > limits.MAX_BYTES:
                    raise ImportRefused(
                        "too_large",
                        f"The file is larger than {limits.MAX_BYTES // 2**20} MB, the limit for a collection.",
                    )
                before = target.tags
                parser.feed(piece)
                silence = silence + len(piece) if target.tags == before else 0
                if silence > limits.MAX_SILENCE:
                    raise ImportRefused(
                        "too_large", "One part of this XML is larger than anything a collection holds."
                    )
                yield
        _finish(parser, target)
        yield
    except DefusedXmlException:
        raise ImportRefused(
            "forbidden",
            "This XML declares a document type or entities. Rekordbox never writes those, and they are not read.",
        ) from None
    except ParseError as error:
        line, column = error.position
        raise ImportRefused(
            "damaged",
            f"This is not well-formed XML: it cannot be read at line {line:,}, column {column + 1:,}. "
            "Export the collection again.",
        ) from None
    except (ValueError, LookupError):  # an encoding nobody knows, which is said before the first tag
        if target.tags:
            raise
        raise ImportRefused("damaged", "This XML is in an encoding that cannot be read.") from None


def _finish(parser: DefusedXMLParser, target: Target) -> None:
    try:
        parser.close()
    except ParseError as error:
        if not target.tags:
            raise ImportRefused("not_xml", "This file is not XML.") from None
        raise ImportRefused(
            "truncated",
            f"The file was cut off: it ends in the middle, at line {error.position[0]:,}. "
            "Export the collection again.",
        ) from None
