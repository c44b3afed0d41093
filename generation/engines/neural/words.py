"""A brief as the words that a model reads: rules a person can follow, and a text that a person can edit.

The first lines are about all of the music. A line that begins with the name of a section ("drop: …") is about that
section only. Words for the artist's sound come from their DNA, which compares: a band is named only where most
reference recordings of a similar tempo have less, or more, of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from generation.brief import Brief

SECTIONS: dict[str, tuple[str, float]] = {
    # what stands in the text, and how much of the asked energy it has
    "intro": ("sparse opening, few instruments", 0.55),
    "build": ("building up, rising tension", 0.8),
    "drop": ("full energy, all instruments", 1.1),
    "break": ("breakdown, stripped back, atmospheric", 0.5),
    "outro": ("ending, elements dropping out", 0.55),
}
_ENERGY = (
    (0.25, "calm"),
    (0.45, "relaxed"),
    (0.65, ""),
    (0.85, "energetic"),
    (9.9, "very energetic, driving"),
)
_FELT = {"half-time": "half-time feel", "double-time": "double-time feel"}


def described(brief: Brief, dna: Mapping[str, Any], names: list[str]) -> str:
    """The text for this brief. dna: a DNASnapshot document. names: of the sections it will have."""
    lines = [", ".join(_said(brief, dna))]
    if len(names) > 1:
        lines += [f"{name}: {SECTIONS[name][0]}" for name in dict.fromkeys(names)]
    return "\n".join(lines)


def _said(brief: Brief, dna: Mapping[str, Any]) -> list[str]:
    prompt = brief.prompt.strip().rstrip(".")
    said = [prompt] if prompt else []
    if brief.genre:
        said.append(brief.genre)
    elif genres := dna.get("dominant_genres"):
        said.append(str(genres[0]))
    said += [*brief.moods, *brief.instruments]
    if energy := energy_words(brief.energy):
        said.append(energy)
    if felt := _FELT.get(brief.felt):
        said.append(felt)
    said += [str(word) for word in dna.get("palette_words") or []]
    said += [f"{brief.bpm:g} BPM", *([brief.key.name] if brief.key else [])]
    whole = prompt.lower()
    # What the prompt says already is not said twice.
    kept = [one for at, one in enumerate(said) if (at == 0 and prompt) or one.lower() not in whole]
    return list(dict.fromkeys(kept))


def energy_words(energy: float) -> str:
    return next(words for limit, words in _ENERGY if energy <= limit)


def section_text(text: str, name: str, energy: float) -> str:
    """What a model is given for one section: the lines about everything, the section's own, and its energy."""
    general, own = [], []
    for line in text.splitlines():
        head, colon, rest = line.partition(":")
        if colon and head.strip().lower() in SECTIONS:
            if head.strip().lower() == name:
                own.append(rest.strip())
        elif line.strip():
            general.append(line.strip())
    share = SECTIONS.get(name, ("", 1.0))[1]
    words = energy_words(min(1.0, energy * share)) if own else ""
    return ", ".join(filter(None, [*general, *own, words]))
