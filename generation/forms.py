"""The studio's form. An empty field is a field the prompt, the references and the catalog may decide."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from catalog.analysis.keys import ALL_KEYS
from generation import keeping
from generation.brief import EDIT_KINDS, ROLES, Blending, Edit, Reference
from generation.edits import AUDIBLE, LAYERS, MOST_BARS
from generation.presets import NAME_LENGTH
from generation.prompting import (
    BPM,
    OPTION_LENGTH,
    OPTIONS,
    PROMPT_LENGTH,
    REFERENCES,
    SECONDS,
    TAKES,
    TEXT_LENGTH,
    Wishes,
)
from generation.seeds import seed_of
from generation.words import STYLES

_CLOCK = re.compile(r"(\d{1,2}):([0-5]?\d)")


class LengthField(forms.FloatField):
    """Seconds, written as 90 or as 1:30."""

    def to_python(self, value: Any) -> float | None:  # type: ignore[override]  # FloatField does so too
        if isinstance(value, str) and (found := _CLOCK.fullmatch(value.strip())):
            return int(found[1]) * 60.0 + int(found[2])
        try:
            return super().to_python(value)
        except ValidationError:
            raise ValidationError("Write the length as 1:30 or as 90 seconds.") from None


ROLE_WORDS = {
    "all": "Everything",
    "drums": "Drums",
    "bass": "Bass",
    "harmony": "Harmony",
    "lead": "Lead",
    "style": "Style only",
}


class StudioForm(forms.Form):
    """What to make. `wishes()` is the value of a valid form."""

    over_plan = False  # refused because the artist's plan does not include it

    prompt = forms.CharField(max_length=PROMPT_LENGTH, required=False, label="Prompt")
    energy = forms.FloatField(min_value=0, max_value=1, required=False, label="Energy")
    bpm = forms.FloatField(min_value=BPM[0], max_value=BPM[1], required=False, label="BPM")
    duration_seconds = LengthField(min_value=SECONDS[0], max_value=SECONDS[1], required=False, label="Length")
    key = forms.ChoiceField(
        choices=[("", ""), *((key.name, key.name) for key in ALL_KEYS)], required=False, label="Key"
    )
    genre = forms.CharField(max_length=60, required=False, label="Genre")
    takes = forms.TypedChoiceField(
        choices=[(str(n), str(n)) for n in range(TAKES[0], TAKES[1] + 1)],
        coerce=int,
        required=False,
        empty_value=None,
        label="Takes",
    )
    seed = forms.CharField(max_length=200, required=False, label="Seed")
    temperature = forms.FloatField(min_value=0.1, max_value=2, required=False, label="Temperature")
    engine = forms.CharField(max_length=40, required=False)
    adapter = forms.CharField(max_length=64, required=False, label="Adapter")
    strength = forms.FloatField(min_value=0, max_value=1, required=False, label="Strength")
    blend = forms.CharField(max_length=64, required=False, label="With")
    weight = forms.FloatField(min_value=0, max_value=100, required=False, label="How much of them")
    # Of engines with models. What they mean, and between which limits, the engine says.
    model = forms.CharField(max_length=60, required=False)
    text = forms.CharField(max_length=TEXT_LENGTH, required=False)
    candidates = forms.IntegerField(required=False)
    references_as = forms.CharField(max_length=20, required=False)
    reference_strength = forms.FloatField(required=False)
    negative_prompt = forms.CharField(max_length=OPTION_LENGTH, required=False)
    steps = forms.IntegerField(required=False)
    cfg = forms.FloatField(required=False)
    top_k = forms.IntegerField(required=False)
    top_p = forms.FloatField(required=False)
    request_key = forms.CharField(max_length=64, required=False)
    preset_name = forms.CharField(max_length=NAME_LENGTH, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for place in range(1, REFERENCES + 1):
            self.fields[f"reference_{place}"] = forms.CharField(max_length=64, required=False)
            self.fields[f"role_{place}"] = forms.ChoiceField(
                choices=[(role, ROLE_WORDS[role]) for role in ROLES], required=False
            )
            for name in ("from", "to"):
                self.fields[f"{name}_{place}"] = forms.IntegerField(
                    min_value=1, max_value=100_000, required=False
                )

    def references(self) -> tuple[Reference, ...]:
        """The chosen tracks. Bars are counted from 1 on the page, and the last one is meant to sound."""
        data, found = self.cleaned_data, []
        for place in range(1, REFERENCES + 1):
            if not (track := data.get(f"reference_{place}")):
                continue
            first, last = data.get(f"from_{place}"), data.get(f"to_{place}")
            found.append(
                Reference(
                    track_id=track,
                    role=data.get(f"role_{place}") or "all",
                    start_bar=None if first is None else first - 1,
                    end_bar=last,
                )
            )
        return tuple(found)

    def blending(self) -> Blending | None:
        """The other artist; on the page their weight is a percentage."""
        if not (chosen := self.cleaned_data["blend"]):
            return None
        weight = self.cleaned_data["weight"]
        return Blending(chosen, 0.5 if weight is None else round(weight / 100, 4))

    def wishes(self) -> Wishes:
        data = self.cleaned_data
        return Wishes(
            prompt=data["prompt"].strip(),
            bpm=data["bpm"],
            energy=data["energy"],
            key=data["key"] or None,
            genre=data["genre"].strip() or None,
            references=self.references(),
            duration_seconds=data["duration_seconds"],
            seed=seed_of(data["seed"]),
            takes=data["takes"] or 1,
            temperature=1.0 if data["temperature"] is None else data["temperature"],
            adapter=data["adapter"] or None,
            strength=1.0 if data["strength"] is None else data["strength"],
            blend=self.blending(),
            model=data["model"].strip() or None,
            text=data["text"].strip() or None,
            options={name: data[name] for name in OPTIONS if data[name] not in (None, "")},
        )

    def take_errors(self, errors: dict[str, str]) -> None:
        """Errors of `lifecycle.submit` under the fields they belong to."""
        for name, sentence in errors.items():
            self.add_error(
                "reference_1" if name == "reference_tracks" else name if name in self.fields else None,
                sentence,
            )


GENRES: tuple[str, ...] = tuple(style.name for style in STYLES)


class EditForm(forms.Form):
    """One change to a finished take, as the page sends it: bars are counted from 1, and the last one sounds."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in (*EDIT_KINDS, "words")], required=False)
    replace = forms.ChoiceField(choices=[(name, name) for name in LAYERS], required=False)
    words = forms.CharField(max_length=200, required=False, label="Edit")
    section = forms.IntegerField(min_value=0, max_value=1000, required=False)
    bars = forms.IntegerField(min_value=1, max_value=MOST_BARS, required=False, label="Bars")
    first = forms.IntegerField(min_value=1, max_value=100_000, required=False, label="First bar")
    last = forms.IntegerField(min_value=1, max_value=100_000, required=False, label="Last bar")
    energy = forms.FloatField(min_value=0, max_value=1, required=False, label="Energy")
    bpm = forms.FloatField(min_value=BPM[0], max_value=BPM[1], required=False, label="BPM")
    layers = forms.MultipleChoiceField(choices=[(name, name) for name in AUDIBLE], required=False)
    press = forms.CharField(max_length=20, required=False)

    def asked(self) -> dict[str, Any]:
        """What `lifecycle.vary` is told. The button says which field it is about; the others do not count."""
        data = self.cleaned_data
        if data["replace"]:
            return {"edit": Edit("", "replace", layer=data["replace"])}
        kind = data["kind"]
        if kind in ("", "words"):
            return {"change": data["words"].strip()}
        edit = Edit("", kind)
        if kind in ("section", "longer", "shorter"):
            edit = replace(edit, section=data["section"])
        if kind in ("longer", "shorter", "extend"):
            edit = replace(edit, bars=data["bars"])
        if kind == "crop":
            edit = replace(edit, first_bar=(data["first"] or 1) - 1, end_bar=data["last"])
        if kind == "mute":
            edit = replace(edit, layers=tuple(data["layers"]))
        about = {"energy": "energy", "tempo": "bpm"}.get(kind)
        values = {about: data[about]} if about and data[about] is not None else {}
        return {"edit": edit, **values}


class KeepingForm(forms.Form):
    """What an artist says of a take. Its `cleaned_data` is what `keeping.change` takes."""

    title = forms.CharField(max_length=120)
    favourite = forms.BooleanField(required=False)
    rating = forms.TypedChoiceField(
        choices=[("", "None"), *((str(figure), str(figure)) for figure in range(1, 6))],
        coerce=int,
        empty_value=None,
        required=False,
    )
    tags = forms.CharField(required=False, max_length=1000)
    notes = forms.CharField(required=False, max_length=keeping.LONGEST_NOTES)

    def clean_tags(self) -> list[str]:
        try:
            return keeping.written(self.cleaned_data["tags"])
        except keeping.BadTags as error:
            raise ValidationError(str(error)) from None


class EvolutionNoteForm(forms.Form):
    """A moment to mark in the evolution."""

    on = forms.DateField(error_messages={"invalid": "Write the date as 2026-03-01."})
    text = forms.CharField(max_length=140)
