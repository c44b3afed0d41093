"""Audio DNA: what a set of analysed tracks says about the artist.

Pure. The same tracks and the same background give the same document, in any order; every part is
defined for an empty catalog, and nothing is ever NaN.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from catalog.dna.coherence import coherence_profile
from catalog.dna.facts import TrackFacts
from catalog.dna.genres import genealogy, genre_counts
from catalog.dna.palette import palette_profile
from catalog.dna.profiles import bpm_profile, energy_profile, key_profile
from catalog.dna.sentences import sentences
from catalog.similarity import Background

__all__ = ["DNA_VERSION", "TrackFacts", "build_dna", "catalog_hash"]

DNA_VERSION = 1
_DOMINANT = 5


def catalog_hash(audio_hashes: Iterable[str]) -> str:
    """ "sha256:…" over the sorted decoded-audio hashes: the same catalog in any order, the same hash.

    Blank hashes (tracks without audio) and repeated ones do not count.
    """
    ordered = sorted({h.strip().lower() for h in audio_hashes if h and h.strip()})
    return "sha256:" + hashlib.sha256("\n".join(ordered).encode("ascii")).hexdigest()


def build_dna(tracks: Sequence[TrackFacts], background: Background) -> dict[str, Any]:
    """The DNA document of these tracks, JSON-able, defined for none."""
    tracks = sorted(tracks, key=lambda t: (t.audio_sha256, t.id))
    total = len(tracks)
    generated = sum(t.generated for t in tracks)
    palette = palette_profile(tracks, background)
    counts = genre_counts(tracks)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    dna: dict[str, Any] = {
        "version": DNA_VERSION,
        "background_version": background.version,
        "track_count": total,
        "analysed_count": sum(t.analysed for t in tracks),
        "generated_count": generated,
        "generated_share": round(generated / total, 4) if total else 0.0,
        "catalog_hash": catalog_hash(t.audio_sha256 for t in tracks),
        "sonic_palette": palette["sonic_palette"],
        "sonic_palette_reference": palette["sonic_palette_reference"],
        "sonic_palette_reference_count": palette["reference_count"],
        "sonic_palette_rank": palette["sonic_palette_rank"],
        "palette_words": palette["palette_words"],
        **coherence_profile(tracks, background),
        "bpm_profile": bpm_profile(tracks),
        "key_profile": key_profile(tracks),
        "energy_profile": energy_profile(tracks),
        "dominant_genres": [name for name, _ in ranked[:_DOMINANT]],
        "genres": [{"name": name, "count": c, "share": round(c / total, 4)} for name, c in ranked],
        "untagged_count": sum(not genre_counts([t]) for t in tracks),
        "influence_genealogy": genealogy(tracks),
    }
    dna["sentences"] = sentences(dna)
    return dna
