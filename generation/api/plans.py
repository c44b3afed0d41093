"""The artist's plan, and what is used of it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from generation import allowance, usage


class Kept(serializers.Serializer[Any]):
    kind = serializers.CharField()
    size_bytes = serializers.IntegerField()


class UsageJSON(serializers.Serializer[Any]):
    plan = serializers.CharField(help_text="self-hosted, free, pro or elite")
    generations = serializers.IntegerField(
        help_text="Of this month: ready or under way. Failed and cancelled ones are not counted"
    )
    most_generations = serializers.IntegerField(allow_null=True, help_text="A month; null: any number")
    until = serializers.DateTimeField(help_text="When the count begins anew")
    references = serializers.BooleanField()
    formats = serializers.ListField(child=serializers.CharField())
    stems = serializers.BooleanField()
    adapters = serializers.IntegerField(allow_null=True, help_text="null: any number")
    storage = Kept(many=True)
    stored = serializers.IntegerField(help_text="Bytes that count: everything but exports")
    most_storage = serializers.IntegerField(allow_null=True, help_text="Bytes; null: no limit")
    keep_days = serializers.IntegerField(
        allow_null=True, help_text="How long full audio of takes is kept; null: for ever"
    )


class Usage(ArtistView):
    @operation(
        "usage_read",
        "Your plan, and what is used of it",
        tag="account",
        answers={200: UsageJSON},
    )
    def get(self, request: Request) -> Response:
        artist = self.artist
        allowed = allowance.of(artist)
        return Response(
            UsageJSON(
                {
                    "plan": artist.plan,
                    "generations": usage.generations(artist),
                    "most_generations": allowed.generations,
                    "until": usage.month()[1],
                    "references": allowed.references,
                    "formats": list(allowed.formats),
                    "stems": allowed.stems,
                    "adapters": allowed.adapters,
                    "stored": usage.stored(artist),
                    "most_storage": allowed.storage,
                    "keep_days": allowed.keep_days,
                    "storage": [{"kind": kind, "size_bytes": size} for kind, size in usage.storage(artist)],
                }
            ).data
        )
