"""Every setting and every figure of a take as words, in one order: for its row in the history and for comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from catalog.templatetags.editorial import clock, percent, point, tenth, words
from generation.brief import Brief
from generation.engines import engines
from generation.engines.neural.catalogue import MODELS
from generation.models import GeneratedTrack

ASKED, MEASURED, MATCH, MADE = "Asked", "Measured", "Match", "Made by"
_ROLES = {"all": "everything", "style": "style only"}


@dataclass(frozen=True)
class Parameter:
    """One of a take's settings or figures. value: "" where the take has none."""

    group: str
    label: str
    value: str


@dataclass(frozen=True)
class Compared:
    """One parameter of several takes, beside each other."""

    label: str
    values: tuple[str, ...]

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


def parameters(take: GeneratedTrack, titles: Mapping[str, str]) -> list[Parameter]:
    """Everything known of how a take was asked for, what came of it and how near it is. titles: of references."""
    asked = [Parameter(ASKED, label, value) for label, value in _asked(take, titles)]
    found = take.measured
    measured = [
        ("BPM", tenth(found.get("bpm")) if found.get("bpm") is not None else "none found"),
        ("Key", _key(found) or "none found"),
        ("Energy", point(found.get("energy"))),
        ("Loudness", f"{tenth(found['lufs'])} LUFS" if found.get("lufs") is not None else ""),
        ("Length", clock(found.get("duration") or take.duration)),
    ]
    longest = take.novelty.get("longest_passage") or {}
    match = [
        ("Blend" if take.blend else "Catalog", percent(take.similarity_score)),
        ("Own catalog", percent(take.blend["match"]["own"]) if take.blend else ""),
        ("The other's catalog", percent(take.blend["match"]["partner"]) if take.blend else ""),
        ("Without its sources", percent(take.similarity.get("without_donors"))),
        *((words(name), percent(value)) for name, value in (take.similarity.get("breakdown") or {}).items()),
        ("Recordings used", str(take.novelty.get("sources") or "")),
        ("Longest passage", f"{longest['seconds']:.1f} seconds" if longest else ""),
    ]
    made = [
        ("Engine", engine_label(take.engine)),
        ("Version", take.model_version),
        ("Licence", take.licence),
        ("Seed", take.seed),
        ("With", f"{take.blend['partner']}, {percent(take.blend['weight'])}" if take.blend else ""),
    ]
    return [
        *asked,
        *(Parameter(MEASURED, label, value) for label, value in measured),
        *(Parameter(MATCH, label, value) for label, value in match),
        *(Parameter(MADE, label, value) for label, value in made),
    ]


def grouped(found: Iterable[Parameter]) -> list[tuple[str, list[Parameter]]]:
    """By group, without what has no value."""
    groups: dict[str, list[Parameter]] = {}
    for one in found:
        if one.value:
            groups.setdefault(one.group, []).append(one)
    return list(groups.items())


def compared(takes: Sequence[Sequence[Parameter]]) -> list[tuple[str, list[Compared]]]:
    """The parameters of several takes beside each other, by group; what none of them has is left out."""
    values = [{(one.group, one.label): one.value for one in take} for take in takes]
    names = dict.fromkeys((one.group, one.label) for take in takes for one in take)
    groups: dict[str, list[Compared]] = {}
    for group, label in names:
        beside = tuple(found.get((group, label), "") for found in values)
        if any(beside):
            groups.setdefault(group, []).append(Compared(label, beside))
    return list(groups.items())


def engine_label(slug: str) -> str:
    """The name of an engine, also of one that is no longer installed."""
    engine = engines().get(slug)
    return engine.label if engine else slug.replace("-", " ").capitalize()


def referred(takes: Iterable[GeneratedTrack]) -> set[str]:
    """Ids of the tracks that these takes refer to."""
    return {
        str(one["track_id"])
        for take in takes
        for one in take.generation_params.get("references") or []
        if one
    }


def _key(values: Mapping[str, Any]) -> str:
    return " ".join(filter(None, (values.get("key"), values.get("camelot"))))


def _asked(take: GeneratedTrack, titles: Mapping[str, str]) -> list[tuple[str, str]]:
    try:
        brief = Brief.from_json(take.generation_params)
    except (KeyError, TypeError, ValueError):  # of a version that wrote other fields
        return [("Prompt", take.prompt)]
    model = MODELS.get(brief.model or "")
    return [
        ("Prompt", brief.prompt or take.prompt),
        ("BPM", f"{brief.bpm:g}" + ("" if brief.felt == "straight" else f", {brief.felt}")),
        ("Key", f"{brief.key.name} {brief.key.camelot}" if brief.key else "as the material has it"),
        ("Energy", point(brief.energy)),
        ("Density", point(brief.density)),
        ("Genre", brief.genre or "any"),
        ("Length", clock(brief.duration_seconds)),
        ("Moods", ", ".join(brief.moods)),
        ("Instruments", ", ".join(brief.instruments)),
        ("References", "; ".join(_reference(one, titles) for one in brief.references)),
        ("Edit", edit_words(brief.edit.to_json() if brief.edit else {})),
        ("Temperature", f"{brief.temperature:g}"),
        *((words(name), _option(value)) for name, value in sorted(brief.options.items())),
        ("Model", (model.label if model else brief.model) or ""),
        ("Adapter", f"{brief.adapter}, strength {brief.strength:g}" if brief.adapter else ""),
        ("Told the model", brief.text or ""),
        ("Watermark", "yes" if brief.watermark else "no"),
    ]


def _reference(one: Any, titles: Mapping[str, str]) -> str:
    said = f"{titles.get(one.track_id, 'a track that was deleted')} ({_ROLES.get(one.role, one.role)}"
    return said + (f", bars {(one.start_bar or 0) + 1}–{one.end_bar})" if one.end_bar else ")")


def edit_words(edit: Mapping[str, Any]) -> str:
    """The one change of an edit, as a brief's JSON has it: "replace, drums"; "" where there is none."""
    if not edit.get("kind"):
        return ""
    bars = edit.get("bars")
    details = [edit.get("layer"), *(edit.get("layers") or []), None if bars is None else f"{bars} bars"]
    return ", ".join(str(one) for one in (edit["kind"], *details) if one)


def _option(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
