"""A finished take of the stand-in as a row, for tests that do not listen to it."""

from __future__ import annotations

from typing import Any

from catalog.models import Artist, Track
from generation.brief import Brief
from generation.models import GeneratedTrack, Generation
from generation.prompting import Wishes
from tests.generation.stand_in import StandIn, told
from tests.rows import generation_of, take_of


def finished(artist: Artist, *, seed: int = 5, bpm: float = 180.0, **fields: Any) -> GeneratedTrack:
    """A take of the stand-in as a row: everything but its sound, for tests that do not listen to it."""
    brief = Brief("techno", bpm, None, 0.6, "Techno", 14 * 4 * 60 / bpm, seed)
    names = [track.pk for track in Track.objects.of(artist).ready().order_by("id")]
    plan = StandIn().planned(brief, names)
    built, sections = told(plan)
    generation = generation_of(
        artist,
        engine="stand-in",
        status=Generation.READY,
        progress=1.0,
        params=Wishes(prompt="techno", bpm=bpm).to_json(),
        brief=brief.to_json(),
    )
    titles = dict(Track.objects.of(artist).values_list("pk", "title"))
    options: dict[str, Any] = {
        "engine": "stand-in",
        "title": generation.title,
        "seed": str(seed),
        "plan": plan,
        "built_from": built,
        "sections": sections,
        "stems": [
            {
                "name": name,
                "label": name.title(),
                "gain": 1.0,
                "peak_dbfs": -9.0,
                "size_bytes": 1,
                "peaks": [64] * 40,
            }
            for name in plan["layers"]
        ],
        "duration": 14 * 4 * 60 / bpm,
        "novelty": {
            "sources": 5,
            "bars_by_source": [
                {"id": pk, "title": titles[pk], "bars": 14} for pk in dict.fromkeys(plan["layers"].values())
            ],
        },
        "measured": {"bpm": bpm, "key": "F minor", "camelot": "4A", "lufs": -9.0, "energy": 0.58},
    }
    return take_of(artist, generation=generation, **{**options, **fields})
