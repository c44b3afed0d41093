"""Settings kept under a name: save, rename, delete, and what they say in one line."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from catalog.models import Artist
from catalog.templatetags.editorial import clock, point
from generation import lifecycle
from generation.engines import engines
from generation.models import Preset
from generation.parameters import engine_label
from generation.prompting import BadWishes, Wishes

MOST = 100
NAME_LENGTH = 60


class NotKept(Exception):
    """A preset that is not saved or renamed. The message is for the artist."""


class NameTaken(NotKept):
    def __init__(self, name: str) -> None:
        super().__init__(f"You have a preset “{name}” already. Replace it, or choose another name.")


class TooMany(NotKept):
    def __init__(self) -> None:
        super().__init__(f"{MOST} presets are the most there can be. Delete one first.")


def of(artist: Artist) -> QuerySet[Preset]:
    return Preset.objects.filter(artist=artist)


def save(artist: Artist, name: str, wishes: Wishes, engine: str, *, replace: bool = False) -> Preset:
    """Keep these settings. Raises NotKept (NameTaken unless `replace`, TooMany), BadWishes where nobody can ask so."""
    name = named(name)
    if engine not in engines():
        raise BadWishes({"engine": f"There is no engine “{engine}” here. Choose: {', '.join(engines())}."})
    lifecycle.draft(artist, wishes, engine=engine)
    kept = {"engine": engine, "wishes": wishes.to_json()}
    if replace and (before := of(artist).filter(name=name).first()) is not None:
        before.engine, before.wishes = engine, kept["wishes"]
        before.save(update_fields=list(kept))
        return before
    if of(artist).count() >= MOST:
        raise TooMany
    try:
        with transaction.atomic():
            return Preset.objects.create(artist=artist, name=name, **kept)
    except IntegrityError:
        raise NameTaken(name) from None


def rename(preset: Preset, name: str) -> None:
    """Raises NotKept."""
    name = named(name)
    try:
        with transaction.atomic():
            Preset.objects.filter(pk=preset.pk).update(name=name)
    except IntegrityError:
        raise NameTaken(name) from None
    preset.name = name


def named(text: str) -> str:
    """The name as it is kept: one line. Raises NotKept."""
    name = " ".join(text.split())
    if not name:
        raise NotKept("Give the preset a name.")
    if len(name) > NAME_LENGTH:
        raise NotKept(f"Keep the name within {NAME_LENGTH} characters.")
    return name


def settings_of(preset: Preset) -> dict[str, Any]:
    """What a preset says, as a request to the API would: without what it leaves open."""
    said = dict(preset.wishes)
    references = [
        {"id": one.pop("track_id"), **one} for one in map(dict, said.pop("reference_tracks", None) or [])
    ]
    options = said.pop("options", None) or {}
    said |= {"reference_tracks": references, "engine": preset.engine, **options}
    return {name: value for name, value in said.items() if value not in (None, "", [])}


def words(preset: Preset) -> str:
    """What a preset asks for, in one line; what it leaves open is not in it."""
    wishes = Wishes.from_json(preset.wishes)
    prompt = " ".join(wishes.prompt.split())
    parts = [
        f"“{prompt if len(prompt) <= 60 else prompt[:59] + '…'}”" if prompt else "",
        "" if wishes.bpm is None else f"{wishes.bpm:g} BPM",
        wishes.key or "",
        "" if wishes.energy is None else f"energy {point(wishes.energy)}",
        wishes.genre or "",
        "" if wishes.duration_seconds is None else clock(wishes.duration_seconds),
        "" if wishes.takes == 1 else f"{wishes.takes} takes",
        _counted(len(wishes.references), "reference"),
        f"{wishes.partner.weight:.0%} of another artist" if wishes.partner else "",
        "seed locked" if wishes.seed is not None else "",
        engine_label(preset.engine),
    ]
    return " · ".join(part for part in parts if part)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}" if count else ""
