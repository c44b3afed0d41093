"""What the page of one track says, in words and figures, beside what the row holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from catalog import snapshots
from catalog.analysis import Section, TrackAnalysis
from catalog.analysis.keys import Key, compatible, key_or_none
from catalog.models import Analysis, Artist, Import, Track

# Below this share a tempo that "moves" is one that wavers, not one that goes somewhere.
NOTABLE_DRIFT = 0.01
EVIDENCE = {
    "audio": "The sound decided it.",
    "artist range": "The sound allows several readings. Where your other tracks lie decided.",
    "tag": "The sound allows several readings. The file’s tag decided.",
    "file name": "The sound allows several readings. The file’s name decided.",
    "collection": "The sound allows several readings. Your DJ collection decided.",
}
SOURCES = {Import.Source.REKORDBOX.value: "Rekordbox"}
PLAYLISTS = 12  # names of playlists on the page
RELATIONS = ("the same key", "its relative", "a fifth up", "a fifth down")


@dataclass(frozen=True)
class Rank:
    """How energetic a track is among the artist's other analysed ones: the share 0..1 of them that has less."""

    share: float
    others: int


@dataclass(frozen=True)
class Collected:
    """What a DJ program said about the track, as it said it."""

    source: str
    bpm: float | None
    key: Key | None
    genre: str
    credit: str
    album: str
    comment: str
    rating: int | None
    plays: int | None
    added_on: date | None
    last_played_on: date | None
    playlists: list[str]
    cues: list[dict[str, Any]]
    grid: int
    duration: float | None
    filename: str


@dataclass(frozen=True)
class _Part:
    """A section as a row of the page: bars counted from one."""

    section: Section

    @property
    def name(self) -> str:
        return self.section.name

    @property
    def first(self) -> int:
        return self.section.first_bar + 1

    @property
    def last(self) -> int:
        return self.section.first_bar + self.section.bars

    @property
    def start(self) -> float:
        return self.section.start

    @property
    def seconds(self) -> float:
        return self.section.end - self.section.start


def context(track: Track) -> dict[str, Any]:
    """What the template of a track needs besides the row, its analysis and the form."""
    found = track.analysis
    document = found.document if found else {}
    read = snapshots.analysis_of(track) if found else None
    key = track.key
    return {
        "document": document,
        "read": read,
        "read_key": key_or_none(found.key_name) if found and found.key_name else None,
        "sections": [_Part(one) for one in read.sections] if read else [],
        "measured_by": EVIDENCE.get(str(document.get("bpm_evidence")), ""),
        "felt": _felt(read) if read else "",
        "drift": _drift(document),
        "contradicted": bool(
            found and found.bpm and read and not len(read.bars) and document.get("sections")
        ),
        "rank": _rank(track.artist, found) if found else None,
        "alternatives": [bpm for bpm in document.get("bpm_alternatives", []) if bpm][:3],
        "key_alternatives": (document.get("key") or {}).get("alternatives", [])[:2],
        "neighbours": list(zip(compatible(key), RELATIONS, strict=True)) if key else [],
        "found_genre": str(track.tags.get("genre", "") or track.imported.get("genre", "")),
        "collected": _collected(track),
    }


def _felt(read: TrackAnalysis) -> str:
    """The felt tempo in a sentence, where it is not the counted one."""
    for felt, words in ((read.half_time_bpm, "half"), (read.double_time_bpm, "twice")):
        if felt:
            sure = f", {read.felt_confidence * 100:.1f}% sure" if read.felt_confidence else ""
            return f"Felt at {felt:.1f}, {words} the counted tempo{sure}"
    return ""


def _drift(document: dict[str, Any]) -> str:
    """One sentence where the tempo is not one tempo."""
    if document.get("tempo_steady") is not False or not document.get("bpm"):
        return ""
    drift = float(document.get("tempo_drift") or 0)
    if drift < NOTABLE_DRIFT:
        return "The tempo wavers; the bars are followed one by one."
    return f"The tempo moves: {drift * 100:.1f}% between its slowest and fastest passages. The figure is their middle."


def _rank(artist: Artist, found: Analysis) -> Rank | None:
    """Where the energy lies among the artist's tracks; of two equal ones each counts half."""
    if found.energy is None:
        return None
    ranked = Analysis.objects.filter(current_of__artist=artist, current_of__status=Track.READY)
    energies = list(ranked.exclude(energy=None).values_list("energy", flat=True))
    if len(energies) < 2:
        return None
    less = sum(1 for one in energies if one is not None and one < found.energy)
    others = len(energies) - 1
    equal = max(0, energies.count(found.energy) - 1)
    return Rank((less + equal / 2) / others, others)


def _collected(track: Track) -> Collected | None:
    said = track.imported
    if not said:
        return None
    inside = track.playlist_entries.select_related("playlist").order_by("playlist__folder", "playlist__name")
    playlists = list(dict.fromkeys(str(entry.playlist) for entry in inside))
    names = ("kind", "start", "end", "number", "name", "colour")
    return Collected(
        source=SOURCES.get(said.get("source", ""), "your list"),
        bpm=track.imported_bpm,
        key=key_or_none(track.imported_key) if track.imported_key else None,
        genre=str(said.get("genre", "")),
        credit=str(said.get("artist", "")),
        album=str(said.get("album", "")),
        comment=str(said.get("comment", "")),
        rating=track.rating,
        plays=track.plays,
        added_on=track.added_on,
        last_played_on=track.last_played_on,
        playlists=playlists[:PLAYLISTS],
        cues=[dict(zip(names, cue, strict=False)) for cue in said.get("cues", [])],
        grid=len(said.get("grid", [])),
        duration=said.get("duration"),
        filename=str(said.get("location", "")).replace("\\", "/").rpartition("/")[2],
    )
