"""Takes: read, hear, download, add to the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.parsers import AnyAccept
from catalog.api.track_json import TrackDetail
from catalog.audio.ranged import ranged
from catalog.audio.sniff import FORMATS as KINDS
from catalog.intake import Refused
from catalog.models import Artist
from catalog.problems import Problem
from generation import browsing, keeping, library, lifecycle, usage
from generation.api.requests import KEY_HEADER, Accepted, answer, refuse_reuse, request_key, say
from generation.api.take_json import FORMATS, RestorationJSON, TakeChanges, TakeDetail, TakeRow
from generation.models import GeneratedTrack

LARGE_COLUMNS = (
    "generation_params",
    "catalog_snapshot",
    "built_from",
    "sections",
    "plan",
    "stems",
    "peaks",
    "similarity",
    "novelty",
    "requested",
    "notes",
    "vector",
)
UNLISTED = (*LARGE_COLUMNS, "generation__brief", "generation__params")


class TakeQuery(serializers.Serializer[Any]):
    generation = serializers.CharField(required=False, allow_blank=True, max_length=32)
    search = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="Words in title, prompt, tags or notes"
    )
    favourite = serializers.BooleanField(required=False, help_text="1: favourites only")
    engine = serializers.CharField(required=False, allow_blank=True, max_length=40)
    tag = serializers.CharField(required=False, allow_blank=True, max_length=keeping.LONGEST_TAG)
    rating = serializers.ChoiceField(
        ["1", "2", "3", "4", "5", "none"], required=False, allow_blank=True, help_text="At least; or none"
    )
    library = serializers.ChoiceField(["in", "out"], required=False, allow_blank=True)
    ordering = serializers.ChoiceField(
        [f"{sign}{name}" for name in browsing.ORDERS for sign in ("", "-")], required=False, allow_blank=True
    )

    def sought(self) -> dict[str, str]:
        """The query as `browsing` reads it."""
        found = {name: str(value) for name, value in self.validated_data.items() if value}
        return found | {"q": found.get("search", ""), "sort": found.get("ordering", "")}


def owned(artist: Artist) -> QuerySet[GeneratedTrack]:
    takes = GeneratedTrack.objects.filter(generation__artist=artist)
    return takes.select_related("generation").prefetch_related("tags")


def rows_of(artist: Artist) -> QuerySet[GeneratedTrack]:
    """Takes for a list: without what only the page of one take shows."""
    return owned(artist).defer(*UNLISTED)


class TakeList(ArtistView, GenericAPIView[GeneratedTrack]):
    serializer_class = TakeRow

    @operation(
        "generated_tracks_list",
        "Everything that was made for you, newest first",
        tag="generation",
        parameters=[TakeQuery],
        answers={200: TakeRow(many=True)},
        errors=(400, 401, 404),
    )
    def get(self, request: Request) -> Response:
        query = TakeQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        sought = query.sought()
        found = browsing.ordered(browsing.find(self.artist, sought), sought["sort"])
        found = found.select_related("generation").prefetch_related("tags").defer(*UNLISTED)
        if generation := sought.get("generation"):
            found = found.filter(generation=generation)
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(found), many=True).data)


class TakeView(ArtistView):
    def found(self, pk: str) -> GeneratedTrack:
        return get_object_or_404(owned(self.artist), pk=pk)

    def planned(self, refuse: Callable[..., None], *what: str) -> None:
        """A 429 problem for what the artist's plan does not include."""
        try:
            refuse(self.artist, *what)
        except usage.Forbidden as error:
            say(error)


class TakeItem(TakeView):
    @operation(
        "generated_tracks_read",
        "One take: score, sources, certificate",
        tag="generation",
        answers={200: TakeDetail},
        errors=(401, 404),
    )
    def get(self, request: Request, pk: str) -> Response:
        return Response(TakeDetail(self.found(pk)).data)

    @operation(
        "generated_tracks_change",
        "Rename a take; say that it is a favourite, rate it, note, tag",
        tag="generation",
        description="Its certificate and its files stay as they are.",
        request=TakeChanges,
        answers={200: TakeDetail},
        errors=(400, 401, 404, 413, 415),
    )
    def patch(self, request: Request, pk: str) -> Response:
        take = self.found(pk)
        changes = TakeChanges(data=request.data)
        changes.is_valid(raise_exception=True)
        keeping.change(take, **changes.validated_data)
        return Response(TakeDetail(self.found(pk)).data)

    @operation(
        "generated_tracks_delete",
        "Delete a take with its files",
        tag="generation",
        description="Its certificate stays, and so does the track that was added to your catalog.",
        answers={204: None},
        errors=(401, 404),
    )
    def delete(self, request: Request, pk: str) -> Response:
        take = self.found(pk)
        keeping.delete(self.artist, [take.pk])
        return Response(status=204)


class AudioQuery(serializers.Serializer[Any]):
    format = serializers.ChoiceField(FORMATS, default="wav", help_text="preview: MP3, 128 kbps, for players")
    download = serializers.BooleanField(default=False, help_text="1: as an attachment")


class TakeAudio(TakeView):
    content_negotiation_class = AnyAccept

    @operation(
        "generated_tracks_audio",
        "The take as audio (Range works)",
        tag="generation",
        parameters=[AudioQuery, OpenApiParameter("Range", str, OpenApiParameter.HEADER)],
        answers={(200, "audio/*"): OpenApiTypes.BINARY, (206, "audio/*"): OpenApiTypes.BINARY},
        errors=(400, 401, 404, 416),
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        query = AudioQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data["format"]
        take = self.found(pk)
        self.planned(usage.refuse_format, wanted)
        return take_audio(request, take, wanted, attachment=query.validated_data["download"])


def take_audio(request: Any, take: GeneratedTrack, wanted: str, *, attachment: bool) -> HttpResponseBase:
    """One rendition of a take as a ranged answer; a 404 problem when the file is not here."""
    path = take.file(wanted)
    if not path.is_file():
        raise Problem(
            404,
            "no-audio",
            f"The {wanted} file of this take is not here. What is gone can be made again: see `missing` and "
            "`restorable` of the take.",
            title="No audio",
        )
    return ranged(
        getattr(request, "_request", request),
        path,
        content_type=KINDS["mp3" if wanted == "preview" else wanted].mime,
        filename=take.file(wanted).name,
        attachment=attachment,
    )


class TakeToLibrary(TakeView):
    @operation(
        "generated_tracks_add_to_library",
        "Add the take to your catalog, where it is analysed like any track",
        tag="generation",
        request=None,
        answers={200: TrackDetail, 201: TrackDetail},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        take = self.found(pk)
        try:
            track, created = library.add(take)
        except (FileNotFoundError, Refused):
            raise Problem(
                409, "no-audio", "The audio of this take is no longer here. Make it again first (/restore/)."
            ) from None
        return Response(
            TrackDetail(track).data,
            status=201 if created else 200,
            headers={"Location": f"/api/tracks/{track.pk}/"},
        )


class TakeRestore(TakeView):
    scopes = {"post": "make"}

    @operation(
        "generated_tracks_restore",
        "Make a take whose files are gone again, from its plan",
        tag="generation",
        description="The files come back under the same certificate if what is made is the same to the sample "
        "(`render_sha256`); otherwise nothing is written. `restoration` of the take says how far it is. Asking "
        "again while it is under way makes no second one.",
        request=None,
        answers={202: RestorationJSON},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        take = self.found(pk)
        try:
            row, _ = lifecycle.restore(take)
        except lifecycle.Refused as error:
            say(error)
        return Response(
            RestorationJSON(row).data, status=202, headers={"Location": f"/api/generated-tracks/{take.pk}/"}
        )


class TakeRemake(TakeView):
    scopes = {"post": "make"}

    @operation(
        "generated_tracks_remake",
        "Make a new take from the plan of this one",
        tag="generation",
        description="For a machine or a version on which the plan no longer gives the same samples: the new take "
        "has a certificate of its own that names this one.",
        parameters=[KEY_HEADER],
        request=None,
        answers={202: Accepted},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        take = self.found(pk)
        try:
            child, created = lifecycle.remake(take, request_key=request_key(request))
        except lifecycle.Refused as error:
            say(error)
        if not created:
            refuse_reuse(child, lifecycle.remade(take), take.engine, take.generation)
        return answer(child, created, [])
