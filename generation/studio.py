"""What the studio page shows before anything is asked for. Reads only; knows no HTTP."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from catalog import snapshots
from catalog.analysis.keys import ALL_KEYS
from catalog.models import Artist, DNASnapshot, Track
from generation import lifecycle
from generation.brief import Brief
from generation.engines import engines
from generation.models import queue_of
from generation.offered import models_of
from generation.prompting import BPM, SECONDS, BadWishes, Wishes, read

REFERENCES_LISTED = 200
QUEUE_LISTED = 10


@dataclass(frozen=True)
class Control:
    """One slider: its range, the value the brief has now, and where the artist's own catalog lies (0..100)."""

    name: str
    label: str
    low: float
    high: float
    step: float
    now: float
    band: tuple[float, float] | None = None

    @property
    def at(self) -> float:
        return round(100 * (min(max(self.now, self.low), self.high) - self.low) / (self.high - self.low), 2)


def _band(profile: dict[str, Any], low: float, high: float) -> tuple[float, float] | None:
    first, last = profile.get("p10"), profile.get("p90")
    if first is None or last is None:
        return None
    start = 100 * (max(low, min(high, float(first))) - low) / (high - low)
    end = 100 * (max(low, min(high, float(last))) - low) / (high - low)
    return round(start, 2), round(max(end - start, 1.2), 2)


def controls(brief: Brief, dna: dict[str, Any]) -> list[Control]:
    energy, tempo = dna.get("energy_profile") or {}, dna.get("bpm_profile") or {}
    return [
        Control("energy", "Energy", 0, 1, 0.01, brief.energy, _band(energy, 0, 1)),
        Control("bpm", "BPM", BPM[0], BPM[1], 1, brief.bpm, _band(tempo, *BPM)),
        Control("duration_seconds", "Length", SECONDS[0], SECONDS[1], 5, brief.duration_seconds),
    ]


def keys(dna: dict[str, Any]) -> list[dict[str, Any]]:
    """Every key round the wheel, each minor key before its relative, with the tracks in it."""
    counts = {one["name"]: one["count"] for one in (dna.get("key_profile") or {}).get("counts") or []}
    ordered = sorted(ALL_KEYS, key=lambda key: (int(key.camelot[:-1]), key.camelot))
    return [{"key": key, "count": counts.get(key.name, 0)} for key in ordered]


def _told(brief: Brief, engine: str, dna: dict[str, Any]) -> Brief:
    """The brief as this engine would have it; as it is where the settings of another one mean nothing to it."""
    for one in (brief, replace(brief, model=None, text=None, options={}, duration_seconds=60.0)):
        try:
            return lifecycle.prepared(one, engine, dna)
        except BadWishes:
            continue
    return brief


def offers(brief: Brief, corpus: int, wishes: Wishes, dna: dict[str, Any]) -> list[dict[str, Any]]:
    """Every engine that is known here, whether it can work now, what it would be told, and how long it would take.

    brief: before any engine has decided anything. `served`: a worker that takes its work is alive.
    """
    found, served = [], lifecycle.served()
    for engine in engines().values():
        availability = engine.availability()
        now = _told(brief, engine.slug, dna)
        found.append(
            {
                "engine": engine,
                "availability": availability,
                "served": queue_of(engine.slug) in served,
                "seconds": lifecycle.estimate(now, engine.slug, corpus) if availability.ready else None,
                "models": models_of(engine),
                "options": [
                    {"option": option, "value": wishes.options.get(option.name, "")}
                    for option in getattr(engine, "options", ())
                ],
                "model": wishes.model or "",
                "chosen_model": now.model,
                "text": wishes.text or "",
                "written": now.text or "",
            }
        )
    return found


def drafted(artist: Artist, wishes: Wishes) -> tuple[Brief, DNASnapshot | None, tuple[str, ...]]:
    """What these wishes would become, and the words that were read in the prompt. Nonsense is left out."""
    try:
        brief, snapshot = lifecycle.draft(artist, wishes, engine="")
    except BadWishes:
        brief, snapshot = lifecycle.draft(artist, Wishes(prompt=wishes.prompt[:1000]), engine="")
    brief = replace(brief, model=wishes.model, text=wishes.text, options=dict(wishes.options))
    return brief, snapshot, read(wishes.prompt).words


def choices(artist: Artist, also: list[str]) -> list[tuple[str, str]]:
    """(id, words) of the tracks to lean on: the newest analysed ones, and those already chosen."""
    ready = (
        Track.objects.of(artist)
        .ready()
        .select_related("analysis")
        .only("title", "bpm_override", "key_override", "analysis__bpm", "analysis__key_name")
    )
    found = list(ready.order_by("-created_at", "id")[:REFERENCES_LISTED])
    missing = {pk for pk in also if pk} - {track.pk for track in found}
    found += list(ready.filter(pk__in=missing)) if missing else []
    return [(track.pk, _words(track)) for track in sorted(found, key=lambda track: track.title.lower())]


def _words(track: Track) -> str:
    key = track.key
    figures = [f"{track.bpm:.0f}" if track.bpm else "", key.short if key else ""]
    return " · ".join([track.title, *filter(None, figures)])


def queue(artist: Artist) -> tuple[list[dict[str, Any]], int]:
    """What is under way for this artist, with the place in the queue of what waits; and how many more there are."""
    found = lifecycle.under_way(artist)
    listed = found[:QUEUE_LISTED]
    places = lifecycle.queue_positions(listed)
    rows = [{"generation": one, "place": places[one.pk]} for one in listed]
    return rows, len(found) - len(listed)


def own_count(artist: Artist) -> int:
    return snapshots.own_count(artist)
