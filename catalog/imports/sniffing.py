"""What kind of list a file is, told by its content; its name helps only where the content says nothing."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Literal

from catalog.imports import limits
from catalog.imports.errors import ImportRefused

Kind = Literal["rekordbox", "csv", "m3u"]

HEAD = 4096
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
DATABASE = (
    "This is a Rekordbox database. It is encrypted and not read here. In Rekordbox choose "
    "File > Export Collection in xml format, and send that file."
)


def kind_of(path: Path, filename: str = "") -> Kind:
    """Raises ImportRefused when the file is empty, too large, or no list of tracks."""
    size = path.stat().st_size
    if not size:
        raise ImportRefused("empty", "The file is empty.")
    if size > limits.MAX_BYTES:
        raise ImportRefused(
            "too_large",
            f"The file is larger than {limits.MAX_BYTES // 2**20} MB, the limit for a collection.",
        )
    with path.open("rb") as file:
        head = file.read(HEAD)
    suffix = filename.rpartition(".")[2].lower()
    if head.startswith(b"SQLite format 3") or suffix in {"db", "edb"}:
        raise ImportRefused("database", DATABASE)
    encoding = _encoding_of(head)
    text = head.decode(encoding, errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return "rekordbox"
    if any(ord(c) < 32 and c not in "\t\r\n\f" for c in text) or "\ufffd" in text[:-2]:
        raise ImportRefused(
            "unsupported",
            "This is neither a Rekordbox XML file nor a list as text. Send Rekordbox XML, CSV or M3U.",
        )
    if text.upper().startswith("#EXTM3U") or suffix in {"m3u", "m3u8"}:
        return "m3u"
    if text:
        return "csv"
    raise ImportRefused("empty", "The file holds nothing but white space.")


def encoding_of(path: Path) -> str:
    """The encoding of a text file. Read once in full, because the first accent may stand at its end."""
    with path.open("rb") as file:
        head = file.read(HEAD)
        encoding = _encoding_of(head)
        if encoding != "utf-8":
            return encoding
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while piece := file.read(limits.CHUNK):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8"


def _encoding_of(head: bytes) -> str:
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return encoding
    pairs = len(head) // 2
    if pairs and head[1::2].count(0) > 0.4 * pairs and not head[0::2].count(0):
        return "utf-16-le"
    if pairs and head[0::2].count(0) > 0.4 * pairs and not head[1::2].count(0):
        return "utf-16-be"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"
