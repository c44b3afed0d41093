"""Generations: follow, stop, try again, vary, delete."""

from __future__ import annotations

from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Several
from catalog.models import Artist
from catalog.problems import Problem
from generation import lifecycle
from generation.api.requests import KEY_HEADER, Accepted, answer, refuse_reuse, request_key, say
from generation.api.take_json import STATES, GenerationDetail, GenerationRow
from generation.api.takes import rows_of as takes_of
from generation.api.wishes import VaryRequest
from generation.models import Generation
from generation.prompting import BadWishes


class GenerationQuery(serializers.Serializer[Any]):
    status = Several(STATES, help_text="One or more")
    engine = serializers.CharField(required=False, allow_blank=True, max_length=40)
    search = serializers.CharField(
        required=False, allow_blank=True, max_length=200, help_text="Words in title or prompt"
    )


def rows_of(artist: Artist) -> QuerySet[Generation]:
    """The artist's generations with their takes: two queries, without the large columns."""
    takes = Prefetch("takes", queryset=takes_of(artist).order_by("number"))
    return Generation.objects.filter(artist=artist).defer("brief", "params").prefetch_related(takes)


class GenerationList(ArtistView, GenericAPIView[Generation]):
    serializer_class = GenerationRow

    @operation(
        "generations_list",
        "Your generations",
        tag="generation",
        parameters=[GenerationQuery],
        answers={200: GenerationRow(many=True)},
        errors=(400, 401, 404),
    )
    def get(self, request: Request) -> Response:
        query = GenerationQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        found = rows_of(self.artist)
        if states := asked.get("status"):
            found = found.filter(status__in=states)
        if engine := asked.get("engine"):
            found = found.filter(engine=engine)
        for word in asked.get("search", "").split():
            found = found.filter(Q(title__icontains=word) | Q(prompt__icontains=word))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(found), many=True).data)


class GenerationView(ArtistView):
    def found(self, pk: str) -> Generation:
        return get_object_or_404(Generation.objects.filter(artist=self.artist), pk=pk)

    def shown(self, pk: str, status: int = 200) -> Response:
        return Response(GenerationDetail(self.found(pk)).data, status=status)


class GenerationItem(GenerationView):
    @operation(
        "generations_read",
        "One generation: how far it is, and its takes",
        tag="generation",
        answers={200: GenerationDetail},
        errors=(401, 404),
    )
    def get(self, request: Request, pk: str) -> Response:
        return self.shown(pk)

    @operation(
        "generations_delete",
        "Delete a generation with its takes",
        tag="generation",
        description="Certificates and library tracks stay.",
        answers={204: None},
        errors=(401, 404),
    )
    def delete(self, request: Request, pk: str) -> Response:
        lifecycle.delete(self.found(pk))
        return Response(status=204)


class GenerationCancel(GenerationView):
    scopes = {"post": "make"}

    @operation(
        "generations_cancel",
        "Stop a generation",
        tag="generation",
        description="A waiting one is cancelled at once, a running one within a second or two.",
        request=None,
        answers={202: GenerationDetail},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        generation = self.found(pk)
        if not lifecycle.cancel(generation):
            raise Problem(
                409, "already-over", f"This generation is {self.found(pk).status}: there is nothing to stop."
            )
        return self.shown(pk, 202)


class GenerationRetry(GenerationView):
    scopes = {"post": "make"}

    @operation(
        "generations_retry",
        "Try a failed or cancelled generation again, with the same seed",
        tag="generation",
        request=None,
        answers={202: GenerationDetail},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        generation = self.found(pk)
        try:
            again = lifecycle.retry(generation)
        except lifecycle.Refused as error:
            say(error)
        if not again:
            raise Problem(
                409,
                "not-failed",
                f"This generation is {self.found(pk).status}; only a failed or cancelled one can run again.",
                title="Nothing to try again",
            )
        return self.shown(pk, 202)


class GenerationVary(GenerationView):
    scopes = {"post": "make"}

    @operation(
        "generations_vary",
        "Make a variation, or edit a finished take",
        tag="generation",
        description="An edit keeps everything it does not name and makes one take. It needs a take whose engine can "
        "edit (`editable`); without such a take, words about energy or tempo and all other fields make the whole "
        "request once more.",
        parameters=[KEY_HEADER],
        request=VaryRequest,
        answers={202: Accepted},
        errors=(400, 401, 404, 409, 413, 415),
    )
    def post(self, request: Request, pk: str) -> Response:
        generation = self.found(pk)
        asked = VaryRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = {
            "change": asked.validated_data.get("change") or "",
            "take": asked.validated_data.get("take"),
            "edit": asked.edited,
            **asked.said(),
        }
        try:
            child, created = lifecycle.vary(generation, request_key=request_key(request), **wanted)
            if not created:
                refuse_reuse(
                    child, lifecycle.varied(generation, **wanted).params, generation.engine, generation
                )
        except (lifecycle.Refused, BadWishes) as error:
            say(error)
        return answer(child, created, asked.ignored())
