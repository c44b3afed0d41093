"""Stems and exports of a take: listed, heard, downloaded."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import IO, Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.documented import operation
from catalog.api.parsers import AnyAccept
from catalog.audio.ranged import ranged
from catalog.problems import Problem
from catalog.turns import Busy
from generation import exporting, usage
from generation.api.takes import TakeView
from generation.models import GeneratedTrack

# a zip by another name: said to be one, some browsers would unpack it
DAWPROJECT = "application/octet-stream"
RANGE = OpenApiParameter("Range", str, OpenApiParameter.HEADER)


class StemsQuery(serializers.Serializer[Any]):
    format = serializers.ChoiceField(
        ("json", "zip"), default="json", help_text="zip: 24-bit WAV, MIDI, README and certificate"
    )


class Stem(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    file = serializers.CharField(help_text="Its name in the zip")
    peak_dbfs = serializers.FloatField(allow_null=True, help_text="Highest sample; null for silence")
    size_bytes = serializers.IntegerField()
    peaks = serializers.ListField(child=serializers.IntegerField(), help_text="Outline, 0 to 127")
    audio = serializers.CharField(help_text="FLAC, 24 bits; Range works")


class Stems(serializers.Serializer[Any]):
    """The parts of a take. Divided by `gain`, their sum is the master."""

    take = serializers.CharField()
    bpm = serializers.FloatField()
    key = serializers.CharField(allow_null=True)
    camelot = serializers.CharField(allow_null=True)
    sample_rate = serializers.IntegerField()
    bits = serializers.IntegerField()
    gain = serializers.FloatField(help_text="Linear, the same for all; below 1 where one would have clipped")
    archive = serializers.CharField(help_text="All of them as a zip")
    stems = Stem(many=True)


class TakeStems(TakeView):
    content_negotiation_class = AnyAccept

    @operation(
        "generated_tracks_stems",
        "The stems of a take: what there is, or all of them as a zip",
        tag="generation",
        parameters=[StemsQuery, RANGE],
        answers={
            (200, "application/json"): Stems,
            (200, "application/zip"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
        },
        errors=(400, 401, 404, 416, 503, 507),
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        query = StemsQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        take = self.found(pk)
        self.planned(usage.refuse_stems)
        if query.validated_data["format"] == "zip":
            return packed(request, take, exporting.write_stems, "application/zip", "_stems.zip")
        return Response(listed(take))


class TakeStem(TakeView):
    content_negotiation_class = AnyAccept

    @operation(
        "generated_tracks_stem",
        "One stem as FLAC (Range works)",
        tag="generation",
        parameters=[RANGE],
        answers={(200, "audio/flac"): OpenApiTypes.BINARY, (206, "audio/flac"): OpenApiTypes.BINARY},
        errors=(401, 404, 416),
    )
    def get(self, request: Request, pk: str, name: str) -> HttpResponseBase:
        take = self.found(pk)
        self.planned(usage.refuse_stems)
        stem = next((one for one in exporting.project_of(take).stems if one.name == name), None)
        if stem is None:
            raise Problem(404, "no-audio", "This take has no such stem here.", title="No audio")
        return ranged(
            request._request,
            stem.path,
            content_type="audio/flac",
            filename=f"{exporting.project_of(take).file_stem}_{stem.name}.flac",
        )


class TakeMidi(TakeView):
    content_negotiation_class = AnyAccept

    @operation(
        "generated_tracks_midi",
        "Tempo, key, sections and the notes that were written, as a MIDI file",
        tag="generation",
        parameters=[RANGE],
        answers={(200, "audio/midi"): OpenApiTypes.BINARY, (206, "audio/midi"): OpenApiTypes.BINARY},
        errors=(401, 404, 416, 503, 507),
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        return packed(request, self.found(pk), exporting.write_midi, "audio/midi", ".mid")


class TakeDawproject(TakeView):
    content_negotiation_class = AnyAccept

    @operation(
        "generated_tracks_dawproject",
        "The take as a DAWproject, for Bitwig Studio, Studio One, Cubase and others",
        tag="generation",
        parameters=[RANGE],
        answers={(200, DAWPROJECT): OpenApiTypes.BINARY, (206, DAWPROJECT): OpenApiTypes.BINARY},
        errors=(401, 404, 416, 503, 507),
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        take = self.found(pk)
        self.planned(usage.refuse_stems)
        return packed(request, take, exporting.write_dawproject, DAWPROJECT, ".dawproject")


class TakeReaper(TakeView):
    content_negotiation_class = AnyAccept

    @operation(
        "generated_tracks_reaper",
        "The take as a Reaper project with its stems, as a zip",
        tag="generation",
        parameters=[RANGE],
        answers={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
        },
        errors=(401, 404, 416, 503, 507),
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        take = self.found(pk)
        self.planned(usage.refuse_stems)
        return packed(request, take, exporting.write_reaper, "application/zip", "_reaper.zip")


def listed(take: GeneratedTrack) -> dict[str, Any]:
    """The stems of a take as `Stems` says."""
    project = exporting.project_of(take)
    known = {one["name"]: one for one in take.stems}
    here = f"/api/generated-tracks/{take.pk}/stems/"
    return {
        "take": take.pk,
        "bpm": project.bpm,
        "key": project.key.name if project.key else None,
        "camelot": project.key.camelot if project.key else None,
        "sample_rate": project.sample_rate,
        "bits": 24,
        "gain": 1.0 / project.makeup,
        "archive": f"{here}?format=zip",
        "stems": [
            {
                "name": stem.name,
                "label": stem.label,
                "file": project.wav_name(number, stem),
                "peak_dbfs": known[stem.name]["peak_dbfs"],
                "size_bytes": known[stem.name]["size_bytes"],
                "peaks": known[stem.name]["peaks"],
                "audio": f"{here}{stem.name}/",
            }
            for number, stem in enumerate(project.stems, start=1)
        ],
    }


def packed(
    request: Request,
    take: GeneratedTrack,
    write: Callable[[GeneratedTrack, IO[bytes]], None],
    content_type: str,
    ending: str,
) -> HttpResponseBase:
    """An export as a download. 404 without stems, 503 when too many are being packed, 507 on a full disk."""
    try:
        with exporting.built(take, write) as path:
            return ranged(
                request._request,
                path,
                content_type=content_type,
                filename=exporting.project_of(take).file_stem + ending,
                attachment=True,
            )
    except exporting.NothingToExport:
        raise Problem(404, "no-audio", "This take has no stems here.", title="No audio") from None
    except Busy as error:
        busy = Problem(503, "busy", str(error), title="Busy", retry_after_seconds=error.wait)
        busy.wait = error.wait  # type: ignore[attr-defined]  # DRF writes it into Retry-After
        raise busy from None
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Problem(
            507, "no-space", "There is no room on the server to pack this now. Try again later."
        ) from None
