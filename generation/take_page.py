"""What the page of a generation shows of each take. Reads only; knows no HTTP."""

from __future__ import annotations

from typing import Any

from catalog import snapshots
from catalog.analysis.keys import compatible, parse_key
from catalog.analysis.pulse import KEPT
from catalog.models import Track
from generation import (
    allowance,
    ear,
    edits,
    exporting,
    lifecycle,
    pictures,
    pipeline,
    remains,
    retention,
    sources,
    studio,
    varying,
)
from generation.brief import Brief
from generation.engines import engines
from generation.engines.neural.catalogue import MODELS
from generation.models import GeneratedTrack, Generation, Restoration

RATINGS = (1, 2, 3, 4, 5)
BARS = (4, 8, 16, 32)  # that a press makes something longer or shorter by
DIALS = {
    "energy": {
        "kind": "energy",
        "verb": "Set Energy",
        "stays": "Recordings and phrases stay as far as they can.",
    },
    "bpm": {
        "kind": "tempo",
        "verb": "Set Tempo",
        "stays": "The vibe stays: the same bars in the same key at another tempo.",
    },
}


def shown(
    take: GeneratedTrack,
    tracks: dict[str, Track],
    seconds: float | None,
    dna: dict[str, Any],
    held: list[str],
    heard: dict[str, Track] | None = None,
) -> dict[str, Any]:
    """A take with all that its part of the page draws. tracks: those that are named in it, by id. heard: those of them
    that it can be heard against, from `ear.with_grid`.

    seconds: what an edit of it, or making it again, is likely to take. dna: behind the sliders. held: what keeps its
    full audio (`retention.held_by`).
    """
    close = [{**one, "track": tracks.get(str(one.get("id")))} for one in take.closest_tracks]
    files = _files(take, tracks)
    asked, found = take.requested, take.measured
    return {
        "take": take,
        **_ear(take, close, heard or {}, silent=files["silent"]),
        "compared": take.similarity.get("tracks_compared") or take.catalog_snapshot.get("track_count") or 0,
        "asked": asked,
        "found": found,
        "apart": apart(asked, found),
        "tempo_held": tempo_held(found),
        "bars": max((int(one["first_bar"]) + int(one["bars"]) for one in take.sections), default=0),
        "layers": sorted({str(one["layer"]) for one in take.built_from}),
        "built": _built(take, tracks),
        "changes": remains.changes_of(take),
        "blend": {"own_weight": 1 - take.blend["weight"], "own_share": 1 - take.blend["share"]}
        if take.blend
        else {},
        "choice": str(take.plan.get("choice") or ""),
        "weights": weights_of(take),
        "candidates": remains.candidates_of(take),
        "files": files,
        "kept": retention.said_of(take, held, lambda: lifecycle.restorable(take, tracks)),
        "edit": _edit(take, tracks, dna),
        "seconds": seconds,
        "tags": ", ".join(tag.name for tag in take.tags.all()),
        "ratings": RATINGS,
    }


def _ear(
    take: GeneratedTrack, close: list[dict[str, Any]], heard: dict[str, Track], *, silent: bool
) -> dict[str, Any]:
    """The closest recordings, and with the take itself how each of them is played to be as loud as the others."""
    there = [one for one in close if str(one.get("id")) in heard]
    sounds = ear.matched(
        [*([] if silent else [ear.of_take(take)]), *(ear.of_track(heard[str(one["id"])]) for one in there)]
    )
    by_id = dict(zip([str(one["id"]) for one in there], sounds[0 if silent else 1 :], strict=True))
    return {
        "closest": [{**one, "ear": by_id.get(str(one.get("id")))} for one in close],
        "ear": None if silent or not there else sounds[0],
        "heard": len(sounds),
    }


def weights_of(take: GeneratedTrack) -> dict[str, Any]:
    """Label and licence of the weights a take was made with; empty for an engine without."""
    if (model := MODELS.get(str(take.plan.get("model") or ""))) is None:
        return {}
    licence = model.licence
    return {"label": model.label, "licence": licence.name, "commercial_use": licence.commercial_use}


def _built(take: GeneratedTrack, tracks: dict[str, Track]) -> dict[str, Any]:
    """The take's sources for its picture and its table.

    A recording without `track` was deleted since, or is `theirs`: the other artist's of a take of two.
    """
    found = sources.recordings(take.built_from, exporting.titles_of(take))
    theirs = set(take.blend.get("track_ids") or [])
    numbers = {one["id"]: one["number"] for one in found}
    return {
        "recordings": [
            one | {"track": tracks.get(one["id"]), "theirs": one["id"] in theirs} for one in found
        ],
        "passages": [
            {"passage": one, "last": one.bar + one.bars, "number": numbers[one.track_id]}
            for one in sorted(sources.passages(take.built_from), key=lambda one: one.bar)
        ],
        "picture": pictures.score(
            sources.passages(take.built_from),
            take.sections,
            numbers,
            max((int(one["bar"]) + 1 for one in take.built_from), default=0),
        ),
    }


def apart(asked: dict[str, Any], found: dict[str, Any]) -> dict[str, str]:
    """Where the measured take is not what was asked, in words."""
    words: dict[str, str] = {}
    exact = (found.get("tempo") or {}).get("error")
    if asked.get("bpm") and found.get("bpm"):
        off = found["bpm"] / asked["bpm"] - 1 if exact is None else exact
        if abs(off) > (0.01 if exact is None else KEPT):
            form = ".1f" if abs(off) > 0.01 else ".2f"
            words["bpm"] = f"{abs(off) * 100:{form}}% {'faster' if off > 0 else 'slower'} than asked"
    if asked.get("key") and found.get("key") and asked["key"] != found["key"]:
        wanted, heard = parse_key(asked["key"]), parse_key(found["key"])
        mixes = any(heard.same_as(key) for key in compatible(wanted))
        words["key"] = "not as asked, but it mixes" if mixes else "not as asked"
    return words


def tempo_held(found: dict[str, Any]) -> str:
    """What holding a take against the tempo of its plan gave, in words; empty where there is nothing to say."""
    tempo = found.get("tempo") or {}
    if "unclear" in tempo:
        return "Its onsets do not tell to .05%; read freely"
    if "error" not in tempo or abs(tempo["error"]) > KEPT:
        return ""
    return f"On the grid of its plan, read from {'its drums' if tempo['in'] == 'drums' else 'the mix'}"


def seconds_for(generation: Generation, brief: Brief) -> float | None:
    """How long one take like these is likely to take; None where its engine is gone."""
    from dataclasses import replace

    if generation.engine not in engines():
        return None
    count = snapshots.own_count(generation.artist)
    return lifecycle.estimate(replace(brief, takes=1), generation.engine, count)


def made_from(generation: Generation, brief: Brief) -> GeneratedTrack | None:
    """The take that this generation edits, or plays once more, while it is there."""
    pk = brief.edit.take_id if brief.edit else generation.params.get(pipeline.REPLAY)
    if pk is None:
        return None
    rows = GeneratedTrack.objects.filter(pk=pk, generation__artist=generation.artist)
    return rows.select_related("generation").defer("plan", "built_from", "generation_params").first()


def is_being_made_again(take: GeneratedTrack) -> bool:
    row = remains.restoration_of(take)
    return row is not None and row.status in {Restoration.QUEUED, Restoration.RUNNING}


def _files(take: GeneratedTrack, tracks: dict[str, Track]) -> dict[str, Any]:
    """Which files there are, and what can be done about those that are gone."""
    missing, allowed = remains.missing_files(take), allowance.of(take.generation.artist)
    row = remains.restoration_of(take)
    under_way = is_being_made_again(take)
    return {
        "missing": missing,
        "silent": "preview" in missing,
        "expired": take.full_audio != GeneratedTrack.FullAudio.HERE,
        "here": [kind for kind in allowed.formats if take.file(kind).is_file()],
        "stems": allowed.stems and bool(take.stems) and "stems" not in missing,
        "why_not": "" if not missing or under_way else lifecycle.restorable(take, tracks),
        "row": row,
        "under_way": under_way,
        "identical": row is not None and row.status == Restoration.READY and not missing,
    }


def _edit(take: GeneratedTrack, tracks: dict[str, Track], dna: dict[str, Any]) -> dict[str, Any]:
    """The take as something that can be changed: its sections and layers, or why it cannot be."""
    shape = varying.shape_of(take)
    stems = {str(stem["name"]): stem for stem in take.stems}
    return {
        "why_not": lifecycle.editable(take, tracks),
        "shape": shape,
        "sections": [
            {
                "index": index,
                "name": part.name,
                "called": shape.called(index),
                "first": part.first_bar + 1,
                "last": part.end_bar,
                "bars": part.bars,
                "start": shape.seconds(part.first_bar),
                "end": shape.seconds(part.end_bar),
            }
            for index, part in enumerate(shape.sections)
        ],
        "layers": [
            {
                "name": name,
                "label": exporting.label_of(name),
                "stem": stem,
                "replaceable": name in edits.LAYERS,
            }
            for name, stem in stems.items()
        ]
        or [
            {
                "name": name,
                "label": exporting.label_of(name),
                "stem": None,
                "replaceable": name in edits.LAYERS,
            }
            for name in shape.layers
        ],
        "dials": [
            {"control": control, **DIALS[control.name]}
            for control in studio.controls(Brief.from_json(take.generation_params), dna)
            if control.name in DIALS
        ],
        "bars": BARS,
    }
