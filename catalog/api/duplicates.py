"""Duplicates over HTTP: the pairs, and what the artist decides about each."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import duplicates
from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.models import DuplicatePair, Track
from catalog.problems import Problem


class PairTrack(serializers.ModelSerializer[Track]):
    bitrate = serializers.SerializerMethodField(help_text="kbit/s of the file")

    class Meta:
        model = Track
        fields = (
            *("id", "title", "filename", "status", "origin", "format", "size_bytes", "duration"),
            *("bitrate", "plays", "rating"),
        )

    def get_bitrate(self, track: Track) -> float | None:
        rate = duplicates.bitrate(track)
        return None if rate is None else round(rate, 1)


class Evidence(serializers.Serializer[Any]):
    bits = serializers.BooleanField(required=False, help_text="The decoded audio is equal")
    name = serializers.BooleanField(
        required=False, help_text="Only name and length are; no sound was compared"
    )
    share = serializers.FloatField(required=False, help_text="Of the shorter one on one alignment, 0..1")
    seconds = serializers.FloatField(required=False, help_text="Longest passage in a row that both share")


class Pair(serializers.ModelSerializer[DuplicatePair]):
    first = PairTrack()
    second = PairTrack()
    evidence = Evidence()

    class Meta:
        model = DuplicatePair
        fields = ("id", "kind", "verdict", "evidence", "first", "second", "created_at")


class PairQuery(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(DuplicatePair.Verdict.choices, required=False, allow_blank=True)
    kind = serializers.ChoiceField(DuplicatePair.Kind.choices, required=False, allow_blank=True)


class Decision(serializers.Serializer[Any]):
    """One of the two: a verdict, or which track to keep. Keeping one deletes the other."""

    verdict = serializers.ChoiceField(DuplicatePair.Verdict.choices, required=False)
    keep = serializers.CharField(required=False, max_length=32, help_text="id of the track that stays")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError("Send either verdict or keep.")
        return attrs


class Decided(serializers.Serializer[Any]):
    pair = Pair(allow_null=True, help_text="null when one of the two was deleted")
    kept = serializers.CharField(allow_null=True, help_text="id of the track that stays")


class DuplicateList(ArtistView, GenericAPIView[DuplicatePair]):
    serializer_class = Pair

    @operation(
        "duplicates_list",
        "Tracks of yours that may be one recording",
        tag="catalog",
        parameters=[PairQuery],
        answers={200: Pair(many=True)},
        errors=(400, 401, 404),
    )
    def get(self, request: Request) -> Response:
        query = PairQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = {name: value for name, value in query.validated_data.items() if value}
        pairs = duplicates.pairs_of(self.artist).filter(**asked)
        page = self.paginate_queryset(pairs)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class DuplicateItem(ArtistView):
    @operation(
        "duplicates_decide",
        "Say that two tracks differ, or keep one and delete the other",
        tag="catalog",
        description="What was typed by hand, plays, stars and playlist places of the deleted track pass to the kept "
        "one where it has none of its own.",
        request=Decision,
        answers={200: Decided},
        errors=(400, 401, 404, 409, 413, 415),
    )
    def post(self, request: Request, pk: str) -> Response:
        if not pk.isdecimal() or len(pk) > 18:
            raise Http404
        pair = get_object_or_404(duplicates.pairs_of(self.artist), pk=int(pk))
        decision = Decision(data=request.data)
        decision.is_valid(raise_exception=True)
        if verdict := decision.validated_data.get("verdict"):
            duplicates.judge(pair, verdict)
            return Response({"pair": Pair(pair).data, "kept": None})
        try:
            kept = duplicates.keep(pair, decision.validated_data["keep"])
        except duplicates.Undecidable as error:
            raise Problem(409, "cannot-keep", str(error), title="Nothing was deleted") from None
        return Response({"pair": None, "kept": kept.pk})
