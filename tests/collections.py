"""Small collections for tests, written as Rekordbox writes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'


def track(number: int, *, inside: str = "", **changes: Any) -> str:
    """One TRACK. Attributes are changed, added, or left out (None)."""
    attributes: dict[str, Any] = {
        "TrackID": number,
        "Name": f"Tune {number}",
        "Artist": "Ossa",
        "Genre": "Dubstep",
        "Size": 1_000_000 + number,
        "TotalTime": 180 + number,
        "AverageBpm": "140.00",
        "DateAdded": "2021-03-04",
        "BitRate": 320,
        "PlayCount": 3,
        "Rating": 204,
        "Location": f"file://localhost/Users/dj/Music/tune%20{number}.mp3",
        "Tonality": "Abm",
        **changes,
    }
    said = " ".join(
        f"{name}={quoteattr(str(value))}" for name, value in attributes.items() if value is not None
    )
    return f"<TRACK {said}>{inside}</TRACK>\n"


def collection(*tracks: str, playlists: str = "", head: str = HEAD) -> str:
    listed = f'<PLAYLISTS><NODE Type="0" Name="ROOT">{playlists}</NODE></PLAYLISTS>' if playlists else ""
    return (
        f'{head}<DJ_PLAYLISTS Version="1.0.0"><PRODUCT Name="rekordbox"/>'
        f'<COLLECTION Entries="{len(tracks)}">{"".join(tracks)}</COLLECTION>{listed}</DJ_PLAYLISTS>'
    )


def playlist(name: str, *keys: object, key_type: int = 0) -> str:
    members = "".join(f"<TRACK Key={quoteattr(str(key))}/>" for key in keys)
    return f'<NODE Name={quoteattr(name)} Type="1" KeyType="{key_type}">{members}</NODE>'


def folder(name: str, *nodes: str) -> str:
    return f'<NODE Name={quoteattr(name)} Type="0">{"".join(nodes)}</NODE>'


def written(path: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path
