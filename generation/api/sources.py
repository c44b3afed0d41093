"""Where every bar of a take comes from."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.documented import operation
from catalog.models import Track
from generation import exporting, sources
from generation.api.takes import TakeView


class Recording(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="1 for the one that gave most")
    id = serializers.CharField()
    title = serializers.CharField(help_text="As it was called when the take was made")
    in_catalog = serializers.BooleanField(help_text="false: deleted since, or the other artist's of a blend")
    bars = serializers.IntegerField(help_text="Bars it gave, counted for each layer")
    share = serializers.FloatField(help_text="Of all bars of all layers")


class SourceOfLayer(serializers.Serializer[Any]):
    layer = serializers.CharField()
    track_id = serializers.CharField(allow_null=True)
    source_bar = serializers.IntegerField(allow_null=True, help_text="From 0; null where it has no bars")
    source_start = serializers.FloatField(allow_null=True, help_text="Seconds")
    source_end = serializers.FloatField(allow_null=True, help_text="Seconds")
    stretch = serializers.FloatField(
        allow_null=True, help_text="Seconds of the recording for each second here; above 1 it plays faster"
    )
    shift = serializers.IntegerField(allow_null=True, help_text="Semitones")
    gain = serializers.FloatField(allow_null=True, help_text="Linear")


class Bar(serializers.Serializer[Any]):
    bar = serializers.IntegerField(help_text="From 0")
    start = serializers.FloatField(help_text="Seconds")
    section = serializers.CharField(allow_null=True)
    layers = SourceOfLayer(many=True)


class Passage(serializers.Serializer[Any]):
    """Bars that follow each other in the take and in one recording."""

    layer = serializers.CharField()
    bar = serializers.IntegerField(help_text="From 0")
    bars = serializers.IntegerField()
    track_id = serializers.CharField()
    start = serializers.FloatField(allow_null=True, help_text="Seconds of the recording")
    end = serializers.FloatField(allow_null=True, help_text="Seconds of the recording")
    stretch = serializers.FloatField(allow_null=True)
    shift = serializers.IntegerField()


class Sources(serializers.Serializer[Any]):
    take = serializers.CharField()
    bpm = serializers.FloatField()
    layers = serializers.ListField(child=serializers.CharField())
    recordings = Recording(many=True)
    bars = Bar(many=True)
    passages = Passage(many=True)


class TakeSources(TakeView):
    @operation(
        "generated_tracks_sources",
        "Where every bar comes from: recording, bar, stretch and shift for each layer",
        tag="generation",
        description="An engine that does not cut recordings says nothing here: all lists are empty but `bars`.",
        answers={200: Sources},
        errors=(401, 404),
    )
    def get(self, request: Request, pk: str) -> Response:
        take = self.found(pk)
        found = sources.recordings(take.built_from, exporting.titles_of(take))
        here = set(
            Track.objects.of(self.artist)
            .filter(pk__in=[one["id"] for one in found])
            .values_list("pk", flat=True)
        )
        bpm = exporting.tempo_of(take)
        said = {
            "take": take.pk,
            "bpm": bpm,
            "layers": sources.layers_of(take.built_from),
            "recordings": [one | {"in_catalog": one["id"] in here} for one in found],
            "bars": sources.bar_by_bar(take.built_from, take.sections, bpm),
            "passages": sources.passages(take.built_from),
        }
        return Response(Sources(said).data)
