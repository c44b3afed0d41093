"""What a person says about a track, read and checked: the columns it sets, or why it cannot be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from catalog.analysis.keys import key_or_none
from catalog.models import Track

SLOWEST, FASTEST = 20.0, 400.0
# Fields show six digits of a BPM: sending them back changes nothing.
SAME_BPM = 6e-4


def columns(track: Track, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of `track` that `changes` set.

    title; bpm, key and genre (None or "": back to what was measured or found); bpm_factor (2 or .5: what counts
    now, doubled or halved); bpm_locked. Locking keeps the BPM that counts at that moment; while it is locked it
    does not change.

    Raises ValidationError with one message for each field.
    """
    errors: dict[str, str] = {}
    fields: dict[str, Any] = {}
    if "title" in changes:
        title = text_of(changes["title"])
        if not title:
            errors["title"] = "A track needs a title."
        fields |= {"title": title[:200], "settled_title": True}
    if "key" in changes:
        text = text_of(changes["key"])
        key = key_or_none(text) if text else None
        if text and key is None:
            errors["key"] = "Write the key as F minor, Fm, 4A or 9m."
        fields["key_override"] = key.name if key else ""
    if "genre" in changes:
        fields["genre_override"] = genre(changes["genre"])
    try:
        fields |= _tempo(track, changes)
    except ValidationError as error:
        errors |= {name: messages[0] for name, messages in error.message_dict.items()}
    if errors:
        raise ValidationError(errors)
    return fields


def genre(text: Any) -> str:
    return text_of(text)[:120]


def text_of(value: Any) -> str:
    """What was typed, without space around it and without NUL, which PostgreSQL stores in no text."""
    return str(value or "").replace("\0", "").strip()


def bpm(value: Any) -> float:
    """A BPM a person typed. Raises ValidationError."""
    try:
        number = float(str(value).strip().replace(",", "."))
        if SLOWEST <= number <= FASTEST:
            return number
    except ValueError:
        pass
    raise ValidationError({"bpm": "BPM is a number from 20 to 400."})


def _tempo(track: Track, changes: Mapping[str, Any]) -> dict[str, Any]:
    now, was_locked = track.bpm_override, track.bpm_locked
    locked = bool(changes.get("bpm_locked", was_locked))
    wanted = now
    if "bpm" in changes:
        wanted = None if changes["bpm"] in (None, "") else bpm(changes["bpm"])
    elif factor := changes.get("bpm_factor"):
        if not track.bpm:
            raise ValidationError({"bpm": "There is no BPM to double or halve. Type one first."})
        wanted = track.bpm * float(factor)
        if not SLOWEST <= wanted <= FASTEST:
            raise ValidationError({"bpm": f"{wanted:.0f} BPM would lie outside 20 to 400."})
    if now and wanted and math.isclose(now, wanted, abs_tol=SAME_BPM):
        wanted = now
    if locked and was_locked and wanted != now:
        raise ValidationError({"bpm": f"The BPM is locked at {now or track.bpm or 0:.1f}. Unlock it first."})
    if locked and not was_locked:
        wanted = wanted or (track.analysis.bpm if track.analysis else None) or track.imported_bpm
        if not wanted:
            raise ValidationError({"bpm_locked": "There is no BPM to lock. Type one first."})
    fields: dict[str, Any] = {}
    if wanted != now:
        fields["bpm_override"] = wanted
    if locked != was_locked:
        fields["bpm_locked"] = locked
    return fields
