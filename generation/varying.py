"""Variations of what was made: a finished take edited, or the whole request once more with something different."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from catalog import snapshots
from catalog.models import Track
from generation import changes, edits, exporting, remains, submitting
from generation.brief import Brief, Edit
from generation.models import GeneratedTrack, Generation
from generation.prompting import BadWishes, Wishes
from generation.submitting import Refused, TooFewTracks

TITLE_LENGTH = 120
NO_TAKE = "There is no finished take here that could be edited."


class CannotEdit(Refused):
    """The take is not one that can be edited; the sentence says why."""


@dataclass(frozen=True)
class Variation:
    """What a variation of `parent` would be, decided. change, take: of an edit; a whole new request has neither."""

    parent: Generation
    wishes: Wishes
    take: GeneratedTrack | None = None
    change: edits.Change | None = None

    @property
    def params(self) -> dict[str, Any]:
        """What was asked for, as the row keeps it: by it a repeated request is known again."""
        said = self.wishes.to_json()
        return said | {"edit": self.change.edit.to_json()} if self.change else said


def editable(take: GeneratedTrack, known: Mapping[str, Track] | None = None) -> str:
    """ "" when the take can be edited, else a sentence why not."""
    return remains.cannot(take, "edit", "edited", known)


def shape_of(take: GeneratedTrack) -> edits.Shape:
    names = [str(stem["name"]) for stem in take.stems] or [str(one["layer"]) for one in take.built_from]
    return edits.shape(
        take.pk,
        bpm=exporting.tempo_of(take),
        energy=float(take.generation_params.get("energy", 0.5)),
        sections=take.sections,
        layers=names,
        duration=take.duration,
    )


def take_of(generation: Generation, named: str | int | None = None) -> GeneratedTrack | None:
    """The take of this id or number; without one, that which matches best. None: the generation has no take.

    Raises BadWishes for a take that is not there.
    """
    takes = generation.takes.order_by("-similarity_score", "number")
    if named is None or named == "":
        return takes.first()
    found = next((one for one in takes if str(named) in {one.pk, str(one.number)}), None)
    if found is None:
        raise BadWishes({"take": f"“{generation.title}” has no take {named}."})
    return found


def changed(generation: Generation, change: str = "", **fields: Any) -> Wishes:
    """The wishes of the whole request once more: as they were decided, with one thing changed.

    Raises BadWishes for a change that is not one of a request.
    """
    brief = Brief.from_json(generation.brief)
    wishes = replace(
        Wishes.from_json(generation.params),
        bpm=brief.bpm,
        key=brief.key.name if brief.key else None,
        energy=brief.energy,
        duration_seconds=brief.duration_seconds,
        seed=None,
    )
    if (energy := changes.energy_step(change, brief.energy)) is not None:
        wishes = replace(wishes, energy=energy, seed=brief.seed)
    elif (bpm := changes.tempo(change)) is not None:
        wishes = replace(wishes, bpm=bpm, seed=brief.seed)
    elif changes.plain(change) not in changes.AGAIN:
        raise BadWishes({"change": changes.not_understood(change)})
    return replace(wishes, **fields) if fields else wishes


def varied(
    generation: Generation,
    change: str = "",
    *,
    take: str | int | None = None,
    edit: Edit | None = None,
    **fields: Any,
) -> Variation:
    """What these words, this edit or these fields ask for. Raises BadWishes or CannotEdit.

    `change` in words is an edit of the finished take wherever it can be one. Where it cannot, more or less energy
    and another tempo are the whole request once more with the same seed; so are `fields` that say what shall be
    different. edit: `take_id` is filled in here. With it, fields may hold its new energy or bpm, and a seed.
    """
    if edit is not None:
        if change.strip():
            raise BadWishes({"edit": "Send either words (change) or an edit, not both."})
        return _edited(generation, take, edit, fields)
    again = changes.plain(change) in changes.AGAIN
    if again or set(fields) - {"seed"}:
        if take not in (None, ""):
            take_of(generation, take)
        return Variation(generation, changed(generation, change, **fields))
    found = take_of(generation, take)
    why = editable(found) if found else NO_TAKE
    if found is None or why:
        try:
            return Variation(generation, changed(generation, change, **fields))
        except BadWishes:
            if changes.is_edit(change):
                raise CannotEdit(why) from None
            raise
    try:
        return _variation(generation, found, changes.in_words(change, shape_of(found)), fields)
    except edits.NoSuchEdit as error:
        raise BadWishes({"change": str(error)}) from None


def _edited(generation: Generation, named: str | int | None, edit: Edit, fields: dict[str, Any]) -> Variation:
    found = take_of(generation, named)
    if found is None:
        raise CannotEdit(NO_TAKE)
    if why := editable(found):
        raise CannotEdit(why)
    about = {"energy": "energy", "tempo": "bpm"}.get(edit.kind)
    if stray := sorted(set(fields) - {"seed", about}):
        raise BadWishes(dict.fromkeys(stray, f"An edit of the kind “{edit.kind}” leaves this as it is."))
    try:
        change = edits.decided(
            replace(edit, take_id=found.pk),
            shape_of(found),
            energy=fields.get("energy"),
            bpm=fields.get("bpm"),
        )
    except edits.NoSuchEdit as error:
        raise BadWishes({"edit": str(error)}) from None
    return _variation(generation, found, change, fields)


def _variation(
    generation: Generation, take: GeneratedTrack, change: edits.Change, fields: dict[str, Any]
) -> Variation:
    wishes = replace(
        changed(generation),
        energy=change.energy if change.energy is not None else take.generation_params["energy"],
        bpm=change.bpm or exporting.tempo_of(take),
        duration_seconds=change.seconds or take.generation_params["duration_seconds"],
        takes=1,
        seed=fields.get("seed"),
    )
    return Variation(generation, wishes, take, change)


def vary(
    generation: Generation,
    change: str = "",
    *,
    take: str | int | None = None,
    edit: Edit | None = None,
    request_key: str | None = None,
    **fields: Any,
) -> tuple[Generation, bool]:
    """Queue a variation (`varied`). (the row, False) when this request_key was used before.

    Raises BadWishes, and Refused as `submit` does or where a take cannot be edited.
    """
    if (before := submitting.asked_before(generation.artist, request_key)) is not None:
        return before, False
    made = varied(generation, change, take=take, edit=edit, **fields)
    if made.change is None or made.take is None:
        return submitting.submit(
            generation.artist,
            wishes=made.wishes,
            engine=generation.engine,
            request_key=request_key,
            parent=generation,
        )
    submitting.available(generation.engine)
    submitting.refuse_too_many(generation.artist)
    snapshot = snapshots.current(generation.artist)
    if snapshot is None:  # the tracks were deleted in this moment
        raise TooFewTracks(0, 1)
    return submitting.queue(
        generation.artist,
        brief=brief_of(made.take, made.change, made.wishes.seed),
        params=made.params,
        engine=generation.engine,
        snapshot=snapshot,
        title=title_of(generation, made.change.title),
        parent=generation,
        request_key=request_key,
    )


def brief_of(take: GeneratedTrack, change: edits.Change, seed: int | None = None) -> Brief:
    """The brief of an edit: the take's own, with what the edit changes.

    What is composed anew gets a new seed; else the take's own decides whatever is left to decide.
    """
    own = Brief.from_json(take.generation_params)
    new: dict[str, Any] = {"edit": change.edit, "avoid": (), "takes": 1}
    if seed is not None:
        new["seed"] = seed
    elif change.anew:
        new["seed"] = secrets.randbits(63)
    said = {"energy": change.energy, "bpm": change.bpm, "duration_seconds": change.seconds}
    new |= {name: value for name, value in said.items() if value is not None}
    evidence = own.evidence | {name: "asked" for name, value in said.items() if value is not None}
    return replace(own, evidence=evidence, **new)


def title_of(generation: Generation, change: str) -> str:
    """“Untitled 07, longer break”: the name without what an earlier edit added to it, and what is different."""
    name = re.sub(r",.*", "", generation.title).strip()
    return f"{name}, {change}"[:TITLE_LENGTH]
