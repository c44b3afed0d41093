"""Fields as DJ programs write them, as values. Each function takes text that is not empty.

They raise ValueError with the end of a sentence ("is not a number") for what means nothing.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import date
from urllib.parse import unquote

from catalog.analysis.keys import Key, parse_key
from catalog.dna.weights import stars
from catalog.imports.limits import COMMENT, LOCATION, NAME

BPM_RANGE = (20.0, 400.0)
DAY_SECONDS = 24 * 3600.0
_GROUPED = re.compile(r"^\d{1,3}(,\d{3})+$")
_CLOCK = re.compile(r"^(?:(\d{1,2}):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)$")
_DAY = re.compile(r"^(\d{1,4})[-/.](\d{1,2})[-/.](\d{1,4})(?:[T ].*)?$")
_COLOUR = re.compile(r"^(?:0x|#)([0-9a-fA-F]{1,6})$")
_SCHEME = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]+):")


def clean(text: str, limit: int = NAME) -> str:
    """Text any database can store: NFC, one line, without control characters and halves of characters."""
    text = text[: 4 * limit]
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():  # rare, and looking at each character is slow
        text = "".join(" " if c in "\t\r\n" else c for c in text if c in "\t\r\n" or _storable(c))
    return text.strip()[:limit].rstrip()


def _storable(character: str) -> bool:
    return unicodedata.category(character) not in {"Cc", "Cs"}


def comment(text: str) -> str:
    return clean(text, COMMENT)


def number(text: str, *, grouped: bool = True) -> float:
    """A number with a point or a comma; never NaN or infinity. grouped: whether 128,000 may be a great one."""
    text = text.strip().replace("\u00a0", "")
    grouped = grouped and "." not in text and bool(_GROUPED.match(text))
    text = text.replace(",", "" if grouped else ".")
    try:
        if "_" in text:  # Python's own way to group
            raise ValueError
        value = float(text)
    except ValueError:
        raise ValueError("is not a number") from None
    if not math.isfinite(value):
        raise ValueError("is not a number")
    return value


def whole(text: str, *, most: int = 2**40) -> int:
    value = number(text)
    if not 0 <= value <= most:
        raise ValueError("is out of range")
    return int(value)


def plays(text: str) -> int:
    return whole(text, most=1_000_000)


def size(text: str) -> int | None:
    return whole(text) or None


def bitrate(text: str) -> int | None:
    """320, "320 kbps", 320000."""
    value = whole(re.sub(r"\s*k?b(?:it|p)?/?s?$", "", text, flags=re.IGNORECASE), most=100_000_000)
    return (value // 1000 if value > 20_000 else value) or None


def bpm(text: str) -> float | None:
    """None for 0, which is how Rekordbox writes a track it has not analysed."""
    value = number(re.sub(r"\s*bpm$", "", text, flags=re.IGNORECASE), grouped=False)
    if value == 0:
        return None
    if not BPM_RANGE[0] <= value <= BPM_RANGE[1]:
        raise ValueError("is not a tempo from 20 to 400")
    return round(value, 3)


def key(text: str) -> Key:
    try:
        return parse_key(text)
    except ValueError:
        raise ValueError("is not a key") from None


def year(text: str) -> int | None:
    value = int(number(text[:4] if re.match(r"^\d{4}[-/.]", text) else text))
    if value == 0:
        return None
    if not 1850 <= value <= 2200:
        raise ValueError("is not a year")
    return value


def duration(text: str) -> float | None:
    """Seconds: "215", "3:35", "1:02:03". None for 0."""
    if clock := _CLOCK.match(text.strip()):
        hours, minutes, seconds = int(clock[1] or 0), int(clock[2]), number(clock[3])
        value = hours * 3600 + minutes * 60 + seconds
    else:
        value = number(text, grouped=False)
    if value < 0 or value > DAY_SECONDS:
        raise ValueError("is not a length")
    return round(value, 3) or None


def rating(text: str, highest: float) -> int:
    """Stars, 0 to 5, from a number up to `highest` or from written stars ("★★★☆☆", "***")."""
    if set(text) <= set("★☆* "):
        return min(5, text.count("★") + text.count("*"))
    value = number(text)
    if value < 0:
        return 0  # some programs write -1 for not rated
    return stars(value, highest)


def day(text: str) -> date | None:
    """A day; a time behind it is left out. None for 0000-00-00."""
    found = _DAY.match(text.strip())
    if not found:
        raise ValueError("is not a day")
    one, two, three = int(found[1]), int(found[2]), int(found[3])
    if not (one or two or three):
        return None
    try:
        if len(found[1]) == 4:
            return _sensible(date(one, two, three))
        if len(found[3]) != 4:
            raise ValueError
        if "." in text or one > 12:
            return _sensible(date(three, two, one))
        if two > 12 or one == two:
            return _sensible(date(three, one, two))
    except ValueError:
        raise ValueError("is not a day") from None
    raise ValueError("could be two different days; write it as year-month-day")


def _sensible(found: date) -> date:
    if not 1950 <= found.year <= 2200:
        raise ValueError
    return found


def colour(text: str) -> str:
    """ "0xFF007F" -> "#FF007F"; a colour's name stays as it is."""
    found = _COLOUR.match(text.strip())
    return f"#{int(found[1], 16):06X}" if found else clean(text, 40)


def location(text: str) -> str:
    """The path a collection names, as text: file://localhost/C:/Music/a%20b.mp3 -> C:/Music/a b.mp3.

    Addresses that are not files (streams) stay as they are. Nothing is resolved and nothing is looked up.
    """
    text = text.strip()
    if text.lower().startswith("file:"):
        rest = text[5:]
        if rest.startswith("//"):
            host, slash, path = rest[2:].partition("/")
            rest = f"{slash}{path}" if host.lower() in {"", "localhost"} else rest
        text = unquote(rest, errors="replace")
    elif (scheme := _SCHEME.match(text)) and len(scheme[1]) > 1:
        return clean(text, LOCATION)
    text = text.replace("\\", "/")
    if re.match(r"^/[A-Za-z]:/", text):
        text = text[1:]
    return clean(text, LOCATION)
