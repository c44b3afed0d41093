"""What a take's row and folder hold: its files, the recordings it is built from, and what its plan tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from catalog.models import Track
from generation import blending, exporting, sources
from generation.engines import engines
from generation.models import GeneratedTrack, Restoration
from provenance.models import Certificate


def kept_of(certificate: Certificate) -> Mapping[str, Path]:
    """Where the certified files of a take lie, for `provenance.keeping`; {} for a certificate of no take."""
    take = GeneratedTrack.objects.filter(certificate=certificate).first()
    return {kind: take.file(kind) for kind in ("wav", "flac", "mp3", "preview")} if take else {}


def missing_files(take: GeneratedTrack) -> list[str]:
    """What should lie in the take's folder and does not: "wav", "preview", "flac", "mp3", "stems"."""
    gone = [kind for kind in ("wav", "preview") if not take.file(kind).is_file()]
    packed = [kind for kind in ("flac", "mp3") if not take.file(kind).is_file()]
    # After a restoration they may be left out on purpose (restoring.Restoring.certified).
    if packed and (gone or not was_restored(take)):
        gone += packed
    if any(not take.stem_file(str(one["name"])).is_file() for one in take.stems):
        gone.append("stems")
    return gone


def restoration_of(take: GeneratedTrack) -> Restoration | None:
    return getattr(take, "restoration", None)


def was_restored(take: GeneratedTrack) -> bool:
    row = restoration_of(take)
    return row is not None and row.status == Restoration.READY


def changes_of(take: GeneratedTrack) -> list[str]:
    """Of an edit: a sentence for each thing that is different from the take it was made from."""
    return [str(one) for one in take.plan.get("changes") or []]


def candidates_of(take: GeneratedTrack) -> list[dict[str, Any]]:
    """The plans that were compared, as the engine listed them: {style, match, chosen, reason}."""
    return [
        {
            "style": str(one.get("style") or ""),
            "match": one.get("match"),
            "chosen": bool(one.get("chosen")),
            "reason": str(one.get("reason") or ""),
        }
        for one in take.plan.get("candidates") or []
    ]


def source_ids(take: GeneratedTrack) -> set[str]:
    return {str(entry["track_id"]) for entry in take.built_from if entry.get("track_id")}


def gone_sources(take: GeneratedTrack, known: Mapping[str, Track] | None = None) -> list[str]:
    """Titles of the recordings the take is built from that cannot be used any more.

    known: tracks of the artist by id, those of the take among them, where a page has read them already. Those of the
    other artist of a take of two are looked up.
    """
    wanted = source_ids(take)
    if known is None:
        known = Track.objects.of(take.generation.artist).listed().in_bulk(sorted(wanted))
    if take.blend:
        known = {**known, **blending.usable(take, wanted)}
    titles = exporting.titles_of(take)
    return [
        titles.get(str(one["id"])) or str(one["id"])
        for one in sources.recordings(take.built_from, titles)
        if not _usable(known.get(str(one["id"])))
    ]


def _usable(track: Track | None) -> bool:
    if track is None or track.status != Track.READY or track.origin == Track.Origin.GENERATED:
        return False
    return track.analysis is not None and track.file.is_file()


def cannot(take: GeneratedTrack, capability: str, done: str, known: Mapping[str, Track] | None = None) -> str:
    """Why the plan of this take cannot be worked with, as a sentence; "" when it can.

    capability: "edit" or "replay". done: what cannot be done then: "edited", "made again".
    """
    engine = engines().get(take.engine)
    if engine is None:
        return f"The engine that made this take is not installed here, so it cannot be {done}."
    if capability not in engine.capabilities():
        return f"{engine.label} makes each take from the start: a finished one cannot be {done}."
    if not take.plan:
        return f"This take has no plan from which it could be {done}."
    reads = getattr(engine, "plan_version", None)
    if reads is not None and take.plan.get("version") != reads:
        return f"An earlier version of {engine.label} made this take, and its plan cannot be {done}."
    if take.blend and not blending.stands(take.blend["id"]):
        why = blending.why_not(take.blend["id"], take.blend["partner"])
        return f"{why}, so this take of both cannot be {done}."
    if gone := gone_sources(take, known):
        among = "the recordings of both" if take.blend else "your recordings"
        return (
            f"{_quoted(gone)} {'is' if len(gone) == 1 else 'are'} no longer among {among}, and this take is "
            f"built from {'it' if len(gone) == 1 else 'them'}, so it cannot be {done}."
        )
    return ""


def _quoted(titles: list[str]) -> str:
    shown = [f"“{title}”" for title in titles[:3]]
    if len(titles) > 3:
        return f"{', '.join(shown)} and {len(titles) - 3} more"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
