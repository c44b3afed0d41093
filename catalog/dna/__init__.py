"""Audio DNA: what a set of analysed tracks says about the artist.

Pure. The same tracks and the same background give the same document, in any order; every part is
defined for an empty catalog, and nothing is ever NaN.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from catalog.dna.coherence import coherence_profile
from catalog.dna.collection import collection_profile
from catalog.dna.drift import drift_profile
from catalog.dna.facts import TrackFacts
from catalog.dna.families import family_profile
from catalog.dna.footing import footing
from catalog.dna.genres import genre_profile
from catalog.dna.lineage import genealogy
from catalog.dna.palette import palette_profile
from catalog.dna.profiles import bpm_profile, energy_profile, key_profile
from catalog.dna.sentences import sentences
from catalog.dna.weighing import behind
from catalog.similarity import Background

__all__ = ["DNA_VERSION", "TrackFacts", "build_dna", "catalog_hash", "for_composing"]

DNA_VERSION = 2


def catalog_hash(audio_hashes: Iterable[str]) -> str:
    """ "sha256:…" over the sorted decoded-audio hashes: the same catalog in any order, the same hash.

    Blank hashes (tracks without audio) and repeated ones do not count.
    """
    ordered = sorted({h.strip().lower() for h in audio_hashes if h and h.strip()})
    return "sha256:" + hashlib.sha256("\n".join(ordered).encode("ascii")).hexdigest()


def build_dna(tracks: Sequence[TrackFacts], background: Background) -> dict[str, Any]:
    """The DNA document of these tracks, JSON-able, defined for none.

    Tempo, key, genres and drift count tracks that are known by their tags alone; palette, energy, coherence,
    distinctiveness and measured families only what was listened to. Every part says how many it rests on.
    """
    tracks = sorted(tracks, key=lambda t: (t.audio_sha256, t.id))
    total = len(tracks)
    heard = [t for t in tracks if t.analysed]
    generated = sum(t.generated for t in tracks)
    palette = palette_profile(heard, background)
    dna: dict[str, Any] = {
        "version": DNA_VERSION,
        "background_version": background.version,
        "track_count": total,
        "analysed_count": len(heard),
        "generated_count": generated,
        "generated_share": round(generated / total, 4) if total else 0.0,
        "catalog_hash": catalog_hash(t.audio_sha256 for t in tracks),
        "sonic_palette": palette["sonic_palette"],
        "sonic_palette_reference": palette["sonic_palette_reference"],
        "sonic_palette_reference_count": palette["reference_count"],
        "sonic_palette_rank": palette["sonic_palette_rank"],
        "sonic_palette_detail": behind([1.0] * palette["n"], total, palette["n"]),
        "palette_words": palette["palette_words"],
        **coherence_profile(heard, background, total),
        "bpm_profile": bpm_profile(tracks),
        "key_profile": key_profile(tracks),
        "energy_profile": energy_profile(tracks),
        "measured_families": family_profile(heard, background),
        **genre_profile(tracks),
        "influence_genealogy": genealogy(tracks),
        "drift": drift_profile(tracks, background),
        "collection": collection_profile(heard, [t for t in tracks if not t.analysed]),
        "from_audio": _from_audio(heard) if 0 < len(heard) < total else None,
    }
    dna["sentences"] = sentences(dna)
    dna["footing"] = footing(dna)
    return dna


def _from_audio(heard: Sequence[TrackFacts]) -> dict[str, Any]:
    return {
        "bpm_profile": bpm_profile(heard),
        "key_profile": key_profile(heard),
        "dominant_genres": genre_profile(heard)["dominant_genres"],
    }


def for_composing(dna: Mapping[str, Any]) -> dict[str, Any]:
    """The document as the composer reads it: what it cuts from is the audio, not the rest of a collection.

    Where a catalog also holds tracks without audio, tempo, key and genre are those of the tracks that have it.
    """
    return {**dna, **(dna.get("from_audio") or {})}
