"""A request for music as JSON or as a query, read strictly into Wishes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from catalog.api.fields import Choice, Flag, Number, Text, Whole
from generation.brief import EDIT_KINDS, ROLES, Blending, Edit, Reference
from generation.changes import UNDERSTOOD
from generation.edits import AUDIBLE, LAYERS, MOST_BARS
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

LONGEST_ID = 64
BESIDE = ("engine", "change", "take", "edit", "name")  # fields of a request that are not wishes


@extend_schema_field({"oneOf": [{"type": "string", "maxLength": 200}, {"type": "integer", "minimum": 0}]})
class Seed(serializers.Field[Any, Any, Any, Any]):
    """A whole number, or words that stand for one."""

    def to_internal_value(self, data: Any) -> int | None:
        if isinstance(data, bool) or not isinstance(data, (str, int)):
            raise serializers.ValidationError("A seed is a whole number or a text.")
        if isinstance(data, int):
            if not 0 <= data < 2**64:
                raise serializers.ValidationError("A seed is a whole number from 0 to 2^64 - 1.")
            return data
        return seed_of(Text(max_length=200).run_validation(data))

    def to_representation(self, value: Any) -> str:
        return str(value)


def with_options(values: dict[str, Any]) -> dict[str, Any]:
    """Fields as Wishes has them: settings of engines together under `options`."""
    options = {name: values.pop(name) for name in OPTIONS if name in values}
    return values | ({"options": options} if options else {})


class ReferenceFields(serializers.Serializer[Any]):
    id = Text(allow_blank=False, max_length=LONGEST_ID)
    role = Choice(ROLES, required=False, default="all")
    start_bar = Whole(required=False, allow_null=True, min_value=0, max_value=100_000)
    end_bar = Whole(required=False, allow_null=True, min_value=1, max_value=100_000)


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
            {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string", "minLength": 1, "maxLength": LONGEST_ID},
                    "role": {"type": "string", "enum": list(ROLES)},
                    "start_bar": {"type": "integer", "nullable": True, "minimum": 0},
                    "end_bar": {"type": "integer", "nullable": True, "minimum": 1},
                },
            },
        ]
    }
)
class ReferenceField(serializers.Field[Any, Any, Any, Any]):
    """A track id, or {id, role, start_bar, end_bar}. Bars count from 0; end_bar is the first one left out."""

    def to_internal_value(self, data: Any) -> Reference:
        if isinstance(data, str):
            data = {"id": data}
        if not isinstance(data, dict):
            raise serializers.ValidationError("Name a track by its id, or as {id, role, start_bar, end_bar}.")
        fields = ReferenceFields(data=data)
        fields.is_valid(raise_exception=True)
        values = fields.validated_data
        return Reference(values["id"], values["role"], values.get("start_bar"), values.get("end_bar"))

    def to_representation(self, value: Reference) -> dict[str, Any]:
        return vars(value)


class BlendFields(serializers.Serializer[Any]):
    """Another artist who agreed to blend, and how much of them: 0 nothing, 1 all."""

    id = Text(allow_blank=False, max_length=LONGEST_ID, help_text="An id of /api/blends/")
    weight = Number(required=False, default=0.5, min_value=0, max_value=1)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"id": "Send the blend as an object with its id."})
        return super().to_internal_value(data)


class MusicRequest(serializers.Serializer[Any]):
    """What to make. Everything is optional: what is not said is read from the prompt, else from your DNA."""

    prompt = Text(required=False, max_length=PROMPT_LENGTH)
    bpm = Number(required=False, allow_null=True, min_value=BPM[0], max_value=BPM[1])
    energy = Number(required=False, allow_null=True, min_value=0, max_value=1)
    key = Text(required=False, allow_null=True, max_length=40, help_text="F minor, Fm, 4A, 9m …")
    genre = Text(required=False, allow_null=True, max_length=60)
    reference_tracks = serializers.ListField(
        child=ReferenceField(), required=False, max_length=REFERENCES, help_text="Up to three of your tracks"
    )
    engine = Text(required=False, allow_null=True, max_length=40, help_text="A slug of /api/engines/")
    duration_seconds = Number(required=False, allow_null=True, min_value=SECONDS[0], max_value=SECONDS[1])
    seed = Seed(required=False, allow_null=True, help_text="The same seed and request make the same take")
    takes = Whole(required=False, allow_null=True, min_value=TAKES[0], max_value=TAKES[1])
    temperature = Number(required=False, allow_null=True, min_value=0.1, max_value=2)
    watermark = Flag(
        required=False,
        allow_null=True,
        help_text="Whether the sound carries its certificate's number; without it as your account says",
    )
    adapter = Text(
        required=False, allow_null=True, max_length=LONGEST_ID, help_text="An id of /api/adapters/"
    )
    strength = Number(
        required=False,
        allow_null=True,
        min_value=0,
        max_value=1,
        help_text="Of the adapter: 0 is the model without it, 1 (the default) as it was trained",
    )
    blend = BlendFields(
        required=False,
        allow_null=True,
        help_text="Recordings and DNA of another artist too; the engine needs the capability `blend`",
    )
    model = Text(required=False, allow_null=True, max_length=60, help_text="One of the engine's `models`")
    text = Text(
        required=False,
        allow_null=True,
        max_length=TEXT_LENGTH,
        help_text="The words a model is given, instead of those that GET /api/brief/ shows",
    )
    candidates = Whole(required=False, allow_null=True, min_value=1, max_value=8)
    references_as = Text(required=False, allow_null=True, max_length=20)
    reference_strength = Number(required=False, allow_null=True, min_value=0, max_value=1)
    negative_prompt = Text(required=False, allow_null=True, max_length=OPTION_LENGTH)
    steps = Whole(required=False, allow_null=True, min_value=1, max_value=1000)
    cfg = Number(required=False, allow_null=True, min_value=0, max_value=30)
    top_k = Whole(required=False, allow_null=True, min_value=0, max_value=100_000)
    top_p = Number(required=False, allow_null=True, min_value=0, max_value=1)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"request": "Send a JSON object with the fields."})
        return super().to_internal_value(data)

    def said(self) -> dict[str, Any]:
        """The fields that were sent, as Wishes names them. null is the same as not said."""
        values = {name: value for name, value in self.validated_data.items() if value is not None}
        for name in BESIDE:
            values.pop(name, None)
        if "reference_tracks" in values:
            values["references"] = tuple(values.pop("reference_tracks"))
        if "blend" in values:
            values["blend"] = Blending(**values["blend"])
        for name in ("key", "genre", "adapter", "model", "text", "references_as"):
            if not values.get(name, True):
                del values[name]  # "" is not said either
        return with_options(values)

    def wishes(self) -> Wishes:
        return Wishes(**self.said())

    @property
    def engine_slug(self) -> str:
        return self.validated_data.get("engine") or "mosaic"

    def ignored(self) -> list[str]:
        """Names of the request that mean nothing here: a typo should not pass in silence."""
        return sorted(str(name)[:60] for name in self.initial_data if name not in self.fields)


@extend_schema_field(
    {"oneOf": [{"type": "string", "maxLength": LONGEST_ID}, {"type": "integer", "minimum": 1}]}
)
class TakeName(serializers.Field[Any, Any, Any, Any]):
    """A take by its id or by its number."""

    def to_internal_value(self, data: Any) -> str | int:
        if isinstance(data, str):
            return Text(max_length=LONGEST_ID).run_validation(data)
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("Name a take by its id, or by its number.")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class EditFields(serializers.Serializer[Any]):
    """One change to a finished take. Sections and bars count from 0; `end_bar` is the first bar left out."""

    kind = Choice(
        EDIT_KINDS,
        help_text="energy and tempo take their new value from `energy` and `bpm` of the request; replace: another "
        "source for `layer`; section: `section` is composed anew; longer, shorter: it gets `bars` more or fewer; "
        "extend: `bars` more before the outro; crop: keeps `first_bar` to `end_bar`; mute: leaves `layers` out",
    )
    section = Whole(required=False, allow_null=True, min_value=0, max_value=1000)
    layer = Choice(LAYERS, required=False, allow_null=True)
    bars = Whole(required=False, allow_null=True, min_value=1, max_value=MOST_BARS)
    first_bar = Whole(required=False, allow_null=True, min_value=0, max_value=100_000)
    end_bar = Whole(required=False, allow_null=True, min_value=1, max_value=100_000)
    layers = serializers.ListField(child=Choice(AUDIBLE), required=False, max_length=len(AUDIBLE))

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"kind": "Send the edit as an object with its kind."})
        return super().to_internal_value(data)


class VaryRequest(MusicRequest):
    """A change in words or as an `edit`, or the fields that shall be different; the rest stays as it was."""

    change = Text(
        required=False,
        allow_null=True,
        max_length=200,
        help_text=f"One of: {', '.join(UNDERSTOOD)}. Where the finished take can be edited, it is",
    )
    take = TakeName(
        required=False,
        allow_null=True,
        help_text="The take to edit, by id or number; without it the one that matches best",
    )
    edit = EditFields(required=False, allow_null=True)

    @property
    def edited(self) -> Edit | None:
        """The edit that was sent; whose take it is about is decided where it is made."""
        sent = self.validated_data.get("edit")
        if not sent:
            return None
        values = {name: value for name, value in sent.items() if value is not None}
        return Edit(take_id="", **values | {"layers": tuple(values.get("layers", ()))})

    def ignored(self) -> list[str]:
        sent = self.initial_data.get("edit")
        known = EditFields().fields
        inside = [f"edit.{name}"[:60] for name in sent if name not in known] if isinstance(sent, dict) else []
        return sorted([*super().ignored(), *inside])


class BriefQuery(serializers.Serializer[Any]):
    """The fields of a request as a query string."""

    prompt = serializers.CharField(required=False, allow_blank=True, max_length=PROMPT_LENGTH)
    bpm = serializers.FloatField(required=False, min_value=BPM[0], max_value=BPM[1])
    energy = serializers.FloatField(required=False, min_value=0, max_value=1)
    key = serializers.CharField(required=False, allow_blank=True, max_length=40)
    genre = serializers.CharField(required=False, allow_blank=True, max_length=60)
    reference_tracks = serializers.ListField(
        child=serializers.CharField(max_length=LONGEST_ID), required=False, max_length=REFERENCES
    )
    engine = serializers.CharField(required=False, allow_blank=True, max_length=40)
    duration_seconds = serializers.FloatField(required=False, min_value=SECONDS[0], max_value=SECONDS[1])
    seed = serializers.CharField(required=False, allow_blank=True, max_length=200)
    takes = serializers.IntegerField(required=False, min_value=TAKES[0], max_value=TAKES[1])
    temperature = serializers.FloatField(required=False, min_value=0.1, max_value=2)
    blend = serializers.CharField(required=False, allow_blank=True, max_length=LONGEST_ID)
    weight = serializers.FloatField(required=False, min_value=0, max_value=1, help_text="Of the blend")
    model = serializers.CharField(required=False, allow_blank=True, max_length=60)
    text = serializers.CharField(required=False, allow_blank=True, max_length=TEXT_LENGTH)
    candidates = serializers.IntegerField(required=False, min_value=1, max_value=8)
    references_as = serializers.CharField(required=False, allow_blank=True, max_length=20)
    reference_strength = serializers.FloatField(required=False, min_value=0, max_value=1)
    negative_prompt = serializers.CharField(required=False, allow_blank=True, max_length=OPTION_LENGTH)
    steps = serializers.IntegerField(required=False, min_value=1, max_value=1000)
    cfg = serializers.FloatField(required=False, min_value=0, max_value=30)
    top_k = serializers.IntegerField(required=False, min_value=0, max_value=100_000)
    top_p = serializers.FloatField(required=False, min_value=0, max_value=1)

    @classmethod
    def of(cls, query: Any) -> BriefQuery:
        """From a QueryDict. A field left empty, as a form sends it, was not said."""
        data: dict[str, Any] = {name: query.get(name) for name in query if query.get(name, "").strip()}
        if references := [pk for pk in query.getlist("reference_tracks") if pk.strip()]:
            data["reference_tracks"] = references
        return cls(data=data)

    def wishes(self) -> Wishes:
        values = dict(self.validated_data)
        values.pop("engine", None)
        values["references"] = tuple(Reference(pk) for pk in values.pop("reference_tracks", ()))
        values["seed"] = seed_of(values.get("seed"))
        blend, weight = values.pop("blend", ""), values.pop("weight", 0.5)
        if blend:
            values["blend"] = Blending(blend, weight)
        return Wishes(**with_options(values))
