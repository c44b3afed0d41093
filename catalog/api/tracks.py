"""Tracks over HTTP: send, list, read, correct, delete, analyse again, hear."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import intake
from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Flag, Number, Text, refused
from catalog.api.parsers import REFUSAL_STATUS, AnyAccept, BoundedJSON, refuse_oversize
from catalog.api.track_json import TrackDetail, TrackRow
from catalog.api.track_query import TrackQuery, filtered, rows_of
from catalog.audio.ranged import ranged
from catalog.audio.sniff import FORMATS
from catalog.models import Artist, Track
from catalog.problems import Problem

RAW_AUDIO = {"application/octet-stream": OpenApiTypes.BINARY, "audio/*": OpenApiTypes.BINARY}


class TrackUpload(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="WAV, FLAC, MP3, AIFF, OGG, Opus or M4A, told by content")
    title = serializers.CharField(required=False, allow_blank=True, max_length=200)


class TrackChanges(serializers.Serializer[Any]):
    """What the artist knows better. Analysis never overwrites it; null returns to what was measured."""

    title = Text(required=False, allow_blank=False, max_length=200)
    bpm = Number(required=False, allow_null=True, min_value=20, max_value=400)
    key = Text(required=False, allow_null=True, max_length=40, help_text="F minor, Fm, 4A, 9m …")
    genre = Text(required=False, allow_null=True, max_length=120)
    bpm_locked = Flag(
        required=False,
        help_text="true: keep the BPM that counts now, whatever is measured, imported or set in bulk",
    )


def take_in(artist: Artist, **wishes: Any) -> Track:
    """`intake.accept`, its refusals said as problems."""
    try:
        return intake.accept(artist, **wishes).track
    except intake.Duplicate as error:
        raise Problem(
            409,
            "duplicate-track",
            str(error),
            title="Already in your library",
            id=error.track.pk,
            existing=f"/api/tracks/{error.track.pk}/",
        ) from None
    except intake.Refused as error:
        raise Problem(
            REFUSAL_STATUS.get(error.code, 400),
            error.code.replace("_", "-"),
            error.reason,
            title="This file was not taken in",
        ) from None


class TrackList(ArtistView, GenericAPIView[Track]):
    serializer_class = TrackRow
    parser_classes = [MultiPartParser]

    @operation(
        "tracks_list",
        "Your tracks",
        tag="catalog",
        parameters=[TrackQuery],
        answers={200: TrackRow(many=True)},
        errors=(400, 401, 404),
    )
    def get(self, request: Request) -> Response:
        query = TrackQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        page = self.paginate_queryset(filtered(rows_of(self.artist), query.validated_data))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @operation(
        "tracks_create",
        "Add a track to your catalog (one file)",
        tag="catalog",
        request={"multipart/form-data": TrackUpload},
        answers={201: TrackRow},
        errors=(400, 401, 409, 413, 415, 507),
    )
    def post(self, request: Request) -> Response:
        refuse_oversize(request)
        if not (request.content_type or "").startswith("multipart/"):
            if (request.content_type or "").startswith("audio/"):
                return self._raw(request)
            raise UnsupportedMediaType(
                request.content_type or "nothing",
                "Send multipart/form-data with the field file, or PUT the bytes with ?filename=.",
            )
        files = request.FILES.getlist("file")
        if len(files) != 1:
            raise serializers.ValidationError({"file": "Send one file in the field file; one request each."})
        title = str(request.POST.get("title", ""))[:200].replace("\x00", "")
        track = take_in(self.artist, stream=files[0], filename=files[0].name or "", title=title)
        return self._created(track)

    @operation(
        "tracks_put",
        "Add a track to your catalog (the bytes alone)",
        tag="catalog",
        description="For browsers and `curl -T`: the body is the file, its name is in the address.",
        parameters=[
            OpenApiParameter("filename", {"type": "string", "minLength": 1}, required=True),
            OpenApiParameter("title", str),
        ],
        request=RAW_AUDIO,
        answers={201: TrackRow},
        errors=(400, 401, 409, 413, 415, 507),
    )
    def put(self, request: Request) -> Response:
        refuse_oversize(request)
        if (request.content_type or "").startswith("multipart/"):
            raise UnsupportedMediaType(request.content_type, "PUT takes the bytes of the file.")
        return self._raw(request)

    def _raw(self, request: Request) -> Response:
        filename = request.query_params.get("filename", "").replace("\x00", "").strip()
        if not filename:
            raise serializers.ValidationError({"filename": "Name the file: /api/tracks/?filename=song.wav"})
        title = request.query_params.get("title", "").replace("\x00", "")[:200]
        # Django's request, not DRF's: nothing parses the body, it is read as it lies.
        track = take_in(self.artist, stream=request._request, filename=filename, title=title)
        return self._created(track)

    def _created(self, track: Track) -> Response:
        fresh = rows_of(self.artist).get(pk=track.pk)
        return Response(
            self.get_serializer(fresh).data, status=201, headers={"Location": f"/api/tracks/{track.pk}/"}
        )


class TrackItem(ArtistView):
    parser_classes = [BoundedJSON]

    def found(self, pk: str) -> Track:
        return get_object_or_404(Track.objects.of(self.artist).select_related("analysis", "artist"), pk=pk)

    @operation(
        "tracks_read",
        "One track with what was measured",
        tag="catalog",
        answers={200: TrackDetail},
        errors=(401, 404),
    )
    def get(self, request: Request, pk: str) -> Response:
        return Response(TrackDetail(self.found(pk)).data)

    @operation(
        "tracks_change",
        "Correct title, BPM, key or genre, or lock the BPM",
        tag="catalog",
        request=TrackChanges,
        answers={200: TrackDetail},
        errors=(400, 401, 404, 413, 415),
    )
    def patch(self, request: Request, pk: str) -> Response:
        track = self.found(pk)
        changes = TrackChanges(data=request.data)
        changes.is_valid(raise_exception=True)
        try:
            intake.correct(track, **changes.validated_data)
        except DjangoValidationError as error:
            raise refused(error) from None
        return Response(TrackDetail(self.found(pk)).data)

    @operation(
        "tracks_delete",
        "Delete a track",
        tag="catalog",
        description="A recording that an imported collection names too is known by name again (`status` metadata); "
        "delete that row, too, to remove it altogether.",
        answers={204: None},
        errors=(401, 404),
    )
    def delete(self, request: Request, pk: str) -> Response:
        intake.withdraw(self.found(pk))
        return Response(status=204)


class TrackRetry(ArtistView):
    @operation(
        "tracks_retry",
        "Analyse a failed track again",
        tag="catalog",
        request=None,
        answers={202: TrackDetail},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        track = get_object_or_404(Track.objects.of(self.artist), pk=pk)
        if not intake.retry(track):
            raise Problem(
                409,
                "not-failed",
                f"This track is {track.status}. Only a failed analysis can be tried again.",
                title="Nothing to try again",
            )
        fresh = get_object_or_404(Track.objects.of(self.artist).select_related("analysis"), pk=pk)
        return Response(TrackDetail(fresh).data, status=202)


class TrackAudio(ArtistView):
    content_negotiation_class = AnyAccept

    @operation(
        "tracks_audio",
        "The file as it was uploaded (Range works)",
        tag="catalog",
        parameters=[OpenApiParameter("download", bool, description="1: as an attachment")],
        answers={(200, "audio/*"): OpenApiTypes.BINARY, (206, "audio/*"): OpenApiTypes.BINARY},
        errors=(401, 404, 416),
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        track = get_object_or_404(Track.objects.of(self.artist), pk=pk)
        return track_audio(request, track)


def track_audio(request: Any, track: Track) -> HttpResponseBase:
    """The stored file of a track as a ranged answer. Raises a 404 problem when there is none."""
    if not track.path or not track.file.is_file():
        raise Problem(404, "no-audio", "This track has no audio file here.", title="No audio")
    return ranged(
        getattr(request, "_request", request),
        track.file,
        content_type=FORMATS[track.format].mime if track.format in FORMATS else "application/octet-stream",
        filename=track.filename or f"{track.title}{track.file.suffix}",
        attachment=request.GET.get("download") in {"1", "true"},
    )
