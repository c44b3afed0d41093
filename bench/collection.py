"""A Rekordbox collection of any size, made up: names, numbers and paths, no music."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

KEYS = ("Abm", "Fm", "Dm", "Ebm", "Am", "Cm", "Gm", "F#m", "C", "Bb", "6A", "")
GENRES = ("", "", "", "", "Drum & Bass", "Dubstep", "UK Garage", "House", "Techno", "Amapiano")
WORDS = (
    *("Night", "Concrete", "River", "Static", "Iron", "Bloom", "Signal"),
    *("Harbour", "Ghost", "Copper", "Velvet", "Orbit", "Ash", "Mirror"),
)


def write(path: Path, tracks: int, *, playlists: int = 40, seed: int = 1) -> Path:
    """A file as Rekordbox 6 exports it, the same for the same numbers: about 1 kB for each track."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(_lines(tracks, playlists, random.Random(seed)))
    return path


def _lines(tracks: int, playlists: int, dice: random.Random) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n\n<DJ_PLAYLISTS Version="1.0.0">\n'
    yield '  <PRODUCT Name="rekordbox" Version="6.8.5" Company="AlphaTheta"/>\n'
    yield f'  <COLLECTION Entries="{tracks}">\n'
    for number in range(1, tracks + 1):
        yield _track(number, dice)
    yield f'  </COLLECTION>\n  <PLAYLISTS>\n    <NODE Type="0" Name="ROOT" Count="{playlists}">\n'
    for number in range(playlists):
        members = [dice.randint(1, tracks) for _ in range(min(tracks, 60))]
        yield f'      <NODE Name="Set {number + 1}" Type="1" KeyType="0" Entries="{len(members)}">\n'
        yield from (f'        <TRACK Key="{member}"/>\n' for member in members)
        yield "      </NODE>\n"
    yield "    </NODE>\n  </PLAYLISTS>\n</DJ_PLAYLISTS>\n"


def _track(number: int, dice: random.Random) -> str:
    name = f"{dice.choice(WORDS)} {dice.choice(WORDS)} {number}"
    artist = f"{dice.choice(WORDS)} & {dice.choice(WORDS)}"
    bpm = (
        dice.choice((0.0, 86.0, 124.0, 128.0, 140.0, 174.0))
        if number % 300 == 0
        else 80 + dice.random() * 100
    )
    seconds = dice.randint(120, 400)
    attributes = {
        "TrackID": number,
        "Name": name,
        "Artist": artist,
        "Album": dice.choice(("", "Dubplates", "First Light")),
        "Grouping": "",
        "Genre": dice.choice(GENRES),
        "Kind": "MP3 File",
        "Size": dice.randint(3_000_000, 15_000_000),
        "TotalTime": seconds,
        "DiscNumber": 0,
        "TrackNumber": 0,
        "Year": dice.choice((0, 2004, 2012, 2019, 2023)),
        "AverageBpm": f"{bpm:.2f}",
        "DateAdded": f"20{dice.randint(15, 25)}-{dice.randint(1, 12):02d}-{dice.randint(1, 28):02d}",
        "BitRate": 320,
        "SampleRate": 44_100,
        "Comments": "www.example.org" if dice.random() < 0.4 else "",
        "PlayCount": dice.randint(0, 61) if dice.random() < 0.3 else 0,
        "Rating": dice.choice((0, 0, 0, 0, 204, 255)),
        "Location": f"file://localhost/Users/dj/Music/{quote(artist)}/{quote(name)}.mp3",
        "Remixer": "",
        "Tonality": dice.choice(KEYS),
        "Label": "",
        "Mix": "",
    }
    written = " ".join(f"{key}={quoteattr(str(value))}" for key, value in attributes.items())
    parts = [f"    <TRACK {written}>\n"]
    parts.append(f'      <TEMPO Inizio="0.{number % 900:03d}" Bpm="{bpm:.2f}" Metro="4/4" Battito="1"/>\n')
    for mark in range(number % 5):
        start = f"{seconds * mark / 5:.3f}"
        parts.append(
            f'      <POSITION_MARK Name="" Type="0" Start="{start}" Num="{mark - 1}" '
            'Red="40" Green="226" Blue="20"/>\n'
        )
    parts.append("    </TRACK>\n")
    return "".join(parts)
