"""Settings kept under a name."""

from __future__ import annotations

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Text
from catalog.problems import Problem
from generation import presets
from generation.api.requests import say
from generation.api.wishes import MusicRequest
from generation.models import Preset
from generation.prompting import BadWishes, Wishes


class PresetJSON(serializers.ModelSerializer[Preset]):
    settings = serializers.SerializerMethodField(
        help_text="What it says; send it to /api/generate/music as it is"
    )

    class Meta:
        model = Preset
        fields = ["id", "name", "engine", "settings", "created_at"]

    @extend_schema_field(serializers.DictField())
    def get_settings(self, row: Preset) -> dict[str, Any]:
        return presets.settings_of(row)


class NewPreset(MusicRequest):
    """A request for music with a name; nothing is made."""

    name = Text(allow_blank=False, max_length=presets.NAME_LENGTH)


class NewName(serializers.Serializer[Any]):
    name = Text(allow_blank=False, max_length=presets.NAME_LENGTH)


def _refuse(error: presets.NotKept) -> None:
    if isinstance(error, presets.NameTaken):
        raise Problem(409, "preset-name-taken", str(error)) from None
    if isinstance(error, presets.TooMany):
        raise Problem(409, "too-many-presets", str(error)) from None
    raise serializers.ValidationError({"name": [str(error)]}) from None


class PresetList(ArtistView):
    @operation(
        "presets_list",
        "Settings you keep under a name",
        tag="generation",
        answers={200: PresetJSON(many=True)},
        errors=(401,),
    )
    def get(self, request: Request) -> Response:
        return Response(PresetJSON(presets.of(self.artist), many=True).data)

    @operation(
        "presets_create",
        "Keep settings under a name",
        tag="generation",
        request=NewPreset,
        answers={201: PresetJSON},
        errors=(400, 401, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        asked = NewPreset(data=request.data)
        asked.is_valid(raise_exception=True)
        wishes: Wishes = asked.wishes()
        try:
            row = presets.save(self.artist, asked.validated_data["name"], wishes, asked.engine_slug)
        except BadWishes as error:
            say(error)
        except presets.NotKept as error:
            _refuse(error)
        return Response(PresetJSON(row).data, status=201, headers={"Location": f"/api/presets/{row.pk}/"})


class PresetItem(ArtistView):
    def row(self, pk: str) -> Preset:
        return get_object_or_404(presets.of(self.artist), pk=pk)

    @operation("presets_read", "One preset", tag="generation", answers={200: PresetJSON}, errors=(401, 404))
    def get(self, request: Request, pk: str) -> Response:
        return Response(PresetJSON(self.row(pk)).data)

    @operation(
        "presets_rename",
        "Rename a preset",
        tag="generation",
        request=NewName,
        answers={200: PresetJSON},
        errors=(400, 401, 404, 409, 413, 415),
    )
    def patch(self, request: Request, pk: str) -> Response:
        row, asked = self.row(pk), NewName(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            presets.rename(row, asked.validated_data["name"])
        except presets.NotKept as error:
            _refuse(error)
        return Response(PresetJSON(row).data)

    @operation("presets_delete", "Delete a preset", tag="generation", answers={204: None}, errors=(401, 404))
    def delete(self, request: Request, pk: str) -> Response:
        self.row(pk).delete()
        return Response(status=204)
