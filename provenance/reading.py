"""What was claimed and who did what, as rows for the certificate page. Pure; only what was signed appears."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from provenance import disclosure, wording

ROLES = {
    "composition": "Composition",
    "arrangement": "Arrangement",
    "production": "Production",
    "sound_sources": "Sound sources",
    "performance": "Performance",
    "mixing": "Mix",
    "mastering": "Master",
}
TYPES = {
    "ai_generated": "Generated with AI",
    "adapter": "Adapter of a model, trained on a catalog",
    "declared": "Declared by the account holder",
    "human_made": "Made by hand",
    "origin": "The artist’s own recording",
    "ai_assisted": "AI-assisted",
}
Rows = list[tuple[str, str]]


def claims(provenance: Mapping[str, Any], opened: Mapping[str, Any] | None = None) -> Rows:
    """Label and value of everything a reader asks about first. `opened`: private parts anybody may read."""
    generator, source = _block(provenance, "generator"), _block(provenance, "source")
    params, result = _block(provenance, "generation_params"), _block(provenance, "result")
    kind = str(provenance.get("type", ""))
    rows: Rows = [("Kind", TYPES.get(kind, wording.clip(kind.replace("_", " "))))]
    rows += _text("Prompt", params.get("prompt"), quoted=True)
    for name in disclosure.names(provenance):
        value = (opened or {}).get(name)
        if name != "title":  # the first sentence of the page says it
            rows += _text(part_label(name), value or "Private; its hash is signed", quoted=value is not None)
    rows += _text("Model", wording.model_name(provenance))
    rows += _text("Weights", generator.get("weights_label") or generator.get("weights"))
    rows += _text("Licence", generator.get("licence"))
    if generator.get("commercial_use") is False:
        rows.append(("Commercial use", "Not allowed by the licence of the weights"))
    rows += _number("BPM", params.get("bpm"), "{:.0f}")
    rows += _text("Key", params.get("key"))
    energy = _number("Energy", params.get("energy"), "{:.2f}")
    rows += [(label, value[1:] if value.startswith("0.") else value) for label, value in energy]
    rows += _text("Genre", params.get("genre"))
    rows += _text("Seed", params.get("seed"))
    references = params.get("reference_tracks")
    if isinstance(references, list) and references:
        rows.append(("References", f"{len(references)} track{'' if len(references) == 1 else 's'}"))
    used = source.get("recordings_used")
    if isinstance(used, int) and not isinstance(used, bool) and used > 0:
        rows.append(("Recordings heard", _of(used, source.get("track_count"))))
    other = wording.partner(provenance)
    rows += _partner(other)
    score = _number("Match", result.get("similarity_score"), "{:.1%}")
    rows += [(label, f"{value} to the {'blend of both' if other else 'catalog'}") for label, value in score]
    each = _block(result, "similarity_to")
    rows += _number("Match to the artist’s own", each.get("own"), "{:.1%}")
    rows += _number("Match to the other’s", each.get("partner"), "{:.1%}")
    learned = _block(provenance, "training")
    rows += _text("Learned from", _count(learned.get("track_count"), "recording"))
    rows += _text("Training steps", learned.get("steps"))
    rows += _number("Loss before", learned.get("loss_before"), "{:.3f}")
    rows += _number("Loss after", learned.get("loss_best"), "{:.3f}")
    rights = _block(provenance, "rights")
    rows += _text("Training rights", rights.get("training"))
    rows += _text("Derivative works", rights.get("derivative"))
    rows += _text("Remixes", rights.get("remix"))
    mark = _block(provenance, "watermark")
    if isinstance(serial := mark.get("serial"), int) and not isinstance(serial, bool):
        heard = "" if mark.get("readable") is not False else "; not readable in this recording"
        rows.append(("Watermark", f"Inaudible, number {serial:,}{heard}"))
    elif mark.get("scheme") == "none":
        rows.append(("Watermark", "None, by the artist's choice"))
    return rows


def _partner(other: Mapping[str, Any]) -> Rows:
    """The other artist of a recording of two: who, how much of them, and since when they agree."""
    rows = _text("With", other.get("artist"))
    rows += _number("Asked of them", other.get("weight"), "{:.0%}")
    rows += _number("Their share of the bars", other.get("share_of_bars"), "{:.1%}")
    used = other.get("recordings_used")
    if isinstance(used, int) and not isinstance(used, bool):
        rows.append(("Their recordings heard", _of(used, other.get("track_count"))))
    given = _block(other, "consent").get("given_at")
    try:
        rows += [("Their consent", f"Given on {wording.day(given)}")] if isinstance(given, str) else []
    except ValueError:
        rows += _text("Their consent", given)
    return rows


def _of(used: int, count: Any) -> str:
    """ "6 of 12"; "6" where somebody signed something that is no number of recordings."""
    return f"{used:,} of {count:,}" if isinstance(count, int) and not isinstance(count, bool) else f"{used:,}"


def part_label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def credits_of(provenance: Mapping[str, Any]) -> Rows:
    """Role and who or what filled it."""
    listed = _block(provenance, "credits")
    known = [(ROLES[role], listed[role]) for role in ROLES if role in listed]
    other = [
        (role.replace("_", " ").capitalize(), value) for role, value in listed.items() if role not in ROLES
    ]
    return [(wording.clip(role), _sentence(value)) for role, value in [*known, *other][:12]]


def seed(provenance: Mapping[str, Any]) -> str:
    value = _block(provenance, "generation_params").get("seed")
    return wording.clip(value) if isinstance(value, (str, int)) else ""


def _block(provenance: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = provenance.get(name)
    return value if isinstance(value, Mapping) else {}


def _count(value: Any, what: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return ""
    return f"{value:,} {what}{'' if value == 1 else 's'}"


def _text(label: str, value: Any, *, quoted: bool = False) -> Rows:
    if not isinstance(value, (str, int)) or isinstance(value, bool) or not str(value).strip():
        return []
    words = " ".join(str(value).split())
    return [(label, words if quoted else _sentence(words))]


def _number(label: str, value: Any, form: str) -> Rows:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return []
    return [(label, form.format(value))]


def _sentence(value: Any) -> str:
    words = wording.clip(value)
    return words[:1].upper() + words[1:]
