"""The log over HTTP, for auditors and monitors: heads, entries as hashes, and proofs. No account needed."""

from __future__ import annotations

import base64
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.documented import operation
from catalog.api.parsers import AnyAccept
from provenance.api import TAG, found
from provenance.log import store
from provenance.models import Checkpoint, LogEntry
from provenance.statement import utc_text

MOST = 1000  # entries or checkpoints in one answer


class InclusionQuery(serializers.Serializer[Any]):
    index = serializers.IntegerField(min_value=0, max_value=2**55, required=False)
    certificate = serializers.CharField(required=False, max_length=32, help_text="instead of index")
    size = serializers.IntegerField(min_value=1, max_value=2**55, required=False, help_text="default: now")


class InclusionShape(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    size = serializers.IntegerField()
    leaf_hash = serializers.CharField(help_text="base64, as all hashes here")
    root_hash = serializers.CharField()
    hashes = serializers.ListField(child=serializers.CharField())


class ConsistencyQuery(serializers.Serializer[Any]):
    first = serializers.IntegerField(min_value=0, max_value=2**55)
    second = serializers.IntegerField(min_value=0, max_value=2**55)


class ConsistencyShape(serializers.Serializer[Any]):
    first = serializers.IntegerField()
    second = serializers.IntegerField()
    first_root_hash = serializers.CharField()
    second_root_hash = serializers.CharField()
    hashes = serializers.ListField(child=serializers.CharField())


class EntriesQuery(serializers.Serializer[Any]):
    start = serializers.IntegerField(min_value=0, max_value=2**55, default=0)
    count = serializers.IntegerField(min_value=1, max_value=MOST, default=100)


class EntryShape(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    leaf_hash = serializers.CharField(help_text="base64")
    kind = serializers.CharField()
    created_at = serializers.CharField(help_text="UTC; not part of what the log proves")


class EntriesShape(serializers.Serializer[Any]):
    size = serializers.IntegerField(help_text="Entries in the log now")
    entries = EntryShape(many=True)


class CheckpointsShape(serializers.Serializer[Any]):
    origin = serializers.CharField()
    checkpoints = serializers.ListField(
        child=serializers.CharField(), help_text="Signed notes, smallest first, from size `start` on"
    )


class LogCheckpoint(APIView):
    permission_classes = [AllowAny]
    content_negotiation_class = AnyAccept

    @operation(
        "log_checkpoint",
        "The signed head of the log (C2SP checkpoint)",
        tag=TAG,
        answers={(200, "text/plain"): OpenApiTypes.STR},
        errors=(401,),
        auth=[],
    )
    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(store.latest_checkpoint().note, content_type="text/plain; charset=utf-8")


class LogInclusion(APIView):
    permission_classes = [AllowAny]

    @operation(
        "log_inclusion",
        "Proof that an entry is in the log (RFC 6962)",
        tag=TAG,
        parameters=[InclusionQuery],
        answers={200: InclusionShape},
        errors=(400, 401, 404),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        query = InclusionQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        if wanted.get("certificate"):
            entry = found(wanted["certificate"]).entry
        elif "index" in wanted:
            entry = get_object_or_404(LogEntry, pk=wanted["index"])
        else:
            raise serializers.ValidationError({"index": "Name an entry: ?index=0 or ?certificate=cert_…"})
        try:
            return Response(inclusion(entry, wanted.get("size") or store.latest_checkpoint().size))
        except store.NotInLog as error:
            raise serializers.ValidationError({"size": str(error)}) from None


class LogConsistency(APIView):
    permission_classes = [AllowAny]

    @operation(
        "log_consistency",
        "Proof that an earlier log is the beginning of a later one (RFC 6962)",
        tag=TAG,
        parameters=[ConsistencyQuery],
        answers={200: ConsistencyShape},
        errors=(400, 401),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        query = ConsistencyQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        try:
            return Response(consistency(wanted["first"], wanted["second"]))
        except store.NotInLog as error:
            raise serializers.ValidationError({"first": str(error)}) from None


class LogEntries(APIView):
    permission_classes = [AllowAny]

    @operation(
        "log_entries",
        "The entries of the log, as leaf hashes",
        tag=TAG,
        description="Read all of them to compute every root yourself. What an entry stands for is not told here.",
        parameters=[EntriesQuery],
        answers={200: EntriesShape},
        errors=(400, 401),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        query = EntriesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        start, count = query.validated_data["start"], query.validated_data["count"]
        rows = LogEntry.objects.filter(index__gte=start, index__lt=start + count).order_by("index")
        entries = [
            {
                "index": row.index,
                "leaf_hash": b64(row.leaf_hash),
                "kind": row.kind,
                "created_at": utc_text(row.created_at),
            }
            for row in rows
        ]
        return Response({"size": store.size(), "entries": entries})


class LogCheckpoints(APIView):
    permission_classes = [AllowAny]

    @operation(
        "log_checkpoints",
        "Every head this log ever signed",
        tag=TAG,
        description="Keep them: a log that was rewritten contradicts one of them.",
        parameters=[EntriesQuery],
        answers={200: CheckpointsShape},
        errors=(400, 401),
        auth=[],
    )
    def get(self, request: Request) -> Response:
        query = EntriesQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        start, count = query.validated_data["start"], query.validated_data["count"]
        latest = store.latest_checkpoint()
        rows = Checkpoint.objects.filter(size__gte=start).order_by("size")[:count]
        return Response({"origin": latest.key.name, "checkpoints": [row.note for row in rows]})


class LogCheckpointItem(APIView):
    permission_classes = [AllowAny]
    content_negotiation_class = AnyAccept

    @operation(
        "log_checkpoint_at",
        "The head of the log as it was signed at one size",
        tag=TAG,
        answers={(200, "text/plain"): OpenApiTypes.STR},
        errors=(401, 404),
        auth=[],
    )
    def get(self, request: Request, size: int) -> HttpResponse:
        row = get_object_or_404(Checkpoint, size=min(size, 2**55))
        return HttpResponse(row.note, content_type="text/plain; charset=utf-8")


def inclusion(entry: LogEntry, size: int) -> dict[str, Any]:
    """Raises store.NotInLog."""
    hashes = store.inclusion(entry.index, size)
    return {
        "index": entry.index,
        "size": size,
        "leaf_hash": b64(entry.leaf_hash),
        "root_hash": b64(store.root_at(size)),
        "hashes": [b64(h) for h in hashes],
    }


def consistency(first: int, second: int) -> dict[str, Any]:
    """Raises store.NotInLog."""
    hashes = store.consistency(first, second)
    return {
        "first": first,
        "second": second,
        "first_root_hash": b64(store.root_at(first)),
        "second_root_hash": b64(store.root_at(second)),
        "hashes": [b64(h) for h in hashes],
    }


def b64(value: bytes | memoryview) -> str:
    return base64.b64encode(bytes(value)).decode("ascii")
