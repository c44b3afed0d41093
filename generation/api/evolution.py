"""How takes drift from the catalog, as figures; and the moments an artist marks in it."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Text
from catalog.problems import Problem
from generation.evolution import reading
from generation.evolution_views import MOST_NOTES
from generation.models import EvolutionNote

VERDICTS = ["few-tracks", "few-takes", "within", "moved", "narrowed"]


class DifferenceJSON(serializers.Serializer[Any]):
    feature = serializers.CharField()
    by = serializers.FloatField(help_text="In standard deviations of the catalog; above 0: more of it")


class DriftPoint(serializers.Serializer[Any]):
    take = serializers.CharField()
    created_at = serializers.DateTimeField()
    distance = serializers.FloatField(help_text="From the catalog's centre, over its dispersion")
    window = serializers.FloatField(
        allow_null=True, help_text="The same of the centre of the last takes up to this one"
    )


class MomentJSON(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    words = serializers.CharField()
    note = serializers.IntegerField(allow_null=True, help_text="Its id, where you wrote it")


class EvolutionJSON(serializers.Serializer[Any]):
    """The drift of your takes from your catalog. Figures are null where there is too little to tell."""

    finding = serializers.ChoiceField(VERDICTS)
    sentence = serializers.CharField(help_text="What is seen, or why nothing is said")
    tracks = serializers.IntegerField(help_text="Of your own that were compared with")
    takes = serializers.IntegerField()
    unmeasured = serializers.IntegerField(help_text="Takes left out, as their vector was not kept")
    window = serializers.IntegerField(help_text="How many of the last takes `drift` and `diversity` are of")
    drift = serializers.FloatField(allow_null=True)
    null95 = serializers.FloatField(allow_null=True, help_text="What chance shows: drift above it has moved")
    diversity = serializers.FloatField(allow_null=True, help_text="Over the catalog's; under .5 is narrowed")
    differences = DifferenceJSON(many=True)
    background_version = serializers.CharField()
    series = DriftPoint(many=True)
    moments = MomentJSON(many=True)


class NoteJSON(serializers.Serializer[Any]):
    id = serializers.IntegerField(read_only=True)
    on = serializers.DateField()
    text = Text(allow_blank=False, max_length=140)


class EvolutionView(ArtistView):
    @operation(
        "evolution_read",
        "How your takes drift from your catalog",
        tag="generation",
        answers={200: EvolutionJSON},
        errors=(401,),
    )
    def get(self, request: Request) -> Response:
        return Response(reading.evolution(self.artist).to_json())


class NoteList(ArtistView):
    @operation(
        "evolution_notes_list",
        "The moments you marked",
        tag="generation",
        answers={200: NoteJSON(many=True)},
        errors=(401,),
    )
    def get(self, request: Request) -> Response:
        return Response(NoteJSON(list(self.artist.evolution_notes.all()), many=True).data)

    @operation(
        "evolution_notes_create",
        "Mark a moment",
        tag="generation",
        request=NoteJSON,
        answers={201: NoteJSON},
        errors=(400, 401, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        asked = NoteJSON(data=request.data)
        asked.is_valid(raise_exception=True)
        if self.artist.evolution_notes.count() >= MOST_NOTES:
            raise Problem(
                409, "too-many-notes", f"{MOST_NOTES} marks are the most there can be. Remove one first."
            )
        made = EvolutionNote.objects.create(artist=self.artist, **asked.validated_data)
        return Response(NoteJSON(made).data, status=201)


class NoteItem(ArtistView):
    @operation(
        "evolution_notes_delete",
        "Remove a moment you marked",
        tag="generation",
        answers={204: None},
        errors=(401, 404),
    )
    def delete(self, request: Request, pk: str) -> Response:
        if not pk.isdecimal() or len(pk) > 18:
            raise Http404
        get_object_or_404(EvolutionNote, pk=int(pk), artist=self.artist).delete()
        return Response(status=204)
