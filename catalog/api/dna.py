"""The artist's Audio DNA over HTTP, and a file held against it."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path
from typing import Any

from django.conf import settings
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

from catalog import matching, snapshots
from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.parsers import REFUSAL_STATUS, refuse_oversize
from catalog.audio.errors import AudioError
from catalog.audio.limits import Limits
from catalog.models import DNASnapshot
from catalog.problems import Problem


@extend_schema_field({"type": "object", "additionalProperties": {"type": "number", "nullable": True}})
class Shares(serializers.DictField):
    """A number for each name, or null where there is none yet."""

    child = serializers.FloatField(allow_null=True)


class DNA(serializers.Serializer[Any]):
    """Audio DNA. Defined for every catalog, the empty one too; what cannot be said yet is null."""

    snapshot = serializers.CharField(allow_null=True, help_text="Id of the kept snapshot; null for no tracks")
    created_at = serializers.DateTimeField(allow_null=True)
    redrawing = serializers.BooleanField(
        help_text="The catalog has changed since this was drawn, and a newer one is on its way"
    )
    version = serializers.IntegerField()
    background_version = serializers.CharField()
    track_count = serializers.IntegerField(help_text="Every track, also those known by their tags alone")
    analysed_count = serializers.IntegerField(help_text="Tracks whose sound was measured")
    generated_count = serializers.IntegerField()
    generated_share = serializers.FloatField()
    catalog_hash = serializers.CharField(help_text="sha256 over the sorted hashes of the decoded audio")
    sonic_palette = Shares(help_text="Share of power in 7 bands")
    sonic_palette_reference = Shares()
    sonic_palette_reference_count = serializers.IntegerField(help_text="Recordings behind the reference")
    sonic_palette_rank = Shares(help_text="Share of those recordings with less, 0..1")
    sonic_palette_detail = serializers.DictField(help_text="Tracks behind the palette: n, of, confidence")
    palette_words = serializers.ListField(child=serializers.CharField())
    taste_coherence = serializers.FloatField(allow_null=True)
    taste_coherence_detail = serializers.DictField()
    distinctiveness = serializers.FloatField(allow_null=True)
    bpm_profile = serializers.DictField(
        help_text="Measured and tagged tracks; medians and percentiles weighted by plays; n, measured, confidence"
    )
    key_profile = serializers.DictField(help_text="Measured and tagged tracks; n, measured, confidence")
    energy_profile = serializers.DictField(help_text="Measured tracks only")
    measured_families = serializers.DictField(
        help_text="What drums and tempo measured as, in words that are no genres; the rest is unplaced"
    )
    dominant_genres = serializers.ListField(child=serializers.CharField())
    genres = serializers.ListField(child=serializers.DictField())
    untagged_count = serializers.IntegerField(help_text="Tracks without a genre tag")
    genre_profile = serializers.DictField(help_text="Tagged tracks: n, of, placed, confidence")
    influence_genealogy = serializers.DictField(help_text="The descent of the tagged genres, with sources")
    drift = serializers.DictField(help_text="By the day tracks came in; changes that chance does not explain")
    collection = serializers.DictField(
        allow_null=True, help_text="Tracks with audio against tracks without; null without five of each"
    )
    from_audio = serializers.DictField(
        allow_null=True,
        help_text="Tempo, key and genre of the tracks with audio alone, where others are listed",
    )
    sentences = serializers.DictField(child=serializers.CharField())
    footing = serializers.DictField(
        child=serializers.CharField(),
        help_text="What each part rests on, in a line; nothing for a part without data",
    )


class SnapshotRow(serializers.Serializer[DNASnapshot]):
    id = serializers.CharField()
    created_at = serializers.DateTimeField()
    track_count = serializers.IntegerField(help_text="Recordings behind the catalog hash")
    catalog_hash = serializers.CharField()


class SnapshotDetail(SnapshotRow):
    track_ids = serializers.ListField(child=serializers.CharField())
    document = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DictField())
    def get_document(self, snapshot: DNASnapshot) -> dict[str, Any]:
        return dict(snapshot.document)


class DNAView(ArtistView):
    @operation("dna_read", "Your Audio DNA as it is now", tag="dna", answers={200: DNA})
    def get(self, request: Request) -> Response:
        latest = snapshots.latest(self.artist)
        if latest is None:
            nothing = {"snapshot": None, "created_at": None, "redrawing": False}
            return Response({**nothing, **snapshots.draw([])})
        drawn = latest.snapshot
        head = {"snapshot": drawn.pk, "created_at": drawn.created_at, "redrawing": latest.redrawing}
        return Response({**head, **drawn.document})


class SnapshotList(ArtistView, GenericAPIView[DNASnapshot]):
    serializer_class = SnapshotRow

    @operation(
        "dna_snapshots_list",
        "Every DNA your catalog had",
        tag="dna",
        answers={200: SnapshotRow(many=True)},
        errors=(401, 404),
    )
    def get(self, request: Request) -> Response:
        rows = DNASnapshot.objects.filter(artist=self.artist).defer("document", "track_ids")
        page = self.paginate_queryset(rows.order_by("-created_at", "id"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class SnapshotItem(ArtistView):
    @operation(
        "dna_snapshots_read",
        "One DNA, as it was",
        tag="dna",
        answers={200: SnapshotDetail},
        errors=(401, 404),
    )
    def get(self, request: Request, pk: str) -> Response:
        snapshot = get_object_or_404(DNASnapshot, pk=pk, artist=self.artist)
        return Response(SnapshotDetail(snapshot).data)


# The sound is held in memory while it is measured (210 MB for ten minutes), so one match follows another.
MATCH_LIMITS = Limits(max_seconds=600)
ONE_AT_A_TIME = threading.Lock()


class MatchThrottle(UserRateThrottle):
    """A match decodes and analyses in the request: a few seconds of a core each."""

    rate = "30/min"
    scope = "match"


class MatchUpload(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="At most ten minutes of audio")


class Close(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    similarity = serializers.FloatField()


class Shared(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    seconds = serializers.FloatField()
    at = serializers.FloatField(help_text="Where it begins in the file, in seconds")
    at_track = serializers.FloatField(help_text="Where it begins in the catalog's track")


class CopyOf(Shared):
    share = serializers.FloatField(help_text="Of the file's duration, 0..1")
    kind = serializers.ChoiceField(
        ["identical", "recording", "excerpt", "speed", "passage"],
        help_text="The same audio bit for bit; the recording coded or levelled anew; a part of it; "
        "the recording at another speed; a passage of it in something longer",
    )
    speed = serializers.FloatField(help_text="Of the file against the track: 1.02 is 2 % faster")
    sentence = serializers.CharField()


class Matched(serializers.Serializer[Any]):
    """How far the file would be yours. Nothing of it is kept."""

    similarity_score = serializers.FloatField(min_value=0, max_value=1)
    similarity = serializers.DictField(child=serializers.FloatField(), help_text="The score by aspect, 0..1")
    closest_tracks = Close(many=True)
    confidence = serializers.FloatField()
    low_confidence = serializers.BooleanField(help_text="Few tracks to compare with, or under 60 s of audio")
    reasons = serializers.ListField(child=serializers.CharField(), help_text="Why confidence is low")
    tracks_compared = serializers.IntegerField()
    copy_of = CopyOf(allow_null=True)
    longest_shared_passage = Shared(allow_null=True)


class MatchView(ArtistView):
    scopes = {"post": "read"}
    parser_classes = [MultiPartParser]
    throttle_classes = [MatchThrottle, *ArtistView.throttle_classes]

    @operation(
        "match",
        "Hold a file against your catalog without adding it",
        tag="dna",
        request={"multipart/form-data": MatchUpload},
        answers={200: Matched},
        errors=(400, 401, 409, 413, 415, 507),
    )
    def post(self, request: Request) -> Response:
        refuse_oversize(request)
        files = request.FILES.getlist("file")
        if len(files) != 1:
            raise serializers.ValidationError({"file": "Send one file in the field file."})
        descriptor, name = tempfile.mkstemp(prefix="match-", dir=settings.FILE_UPLOAD_TEMP_DIR)
        path = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as out:
                for piece in files[0].chunks():
                    out.write(piece)
            with ONE_AT_A_TIME:
                found = matching.match_file(self.artist, path, limits=MATCH_LIMITS)
            return Response(found.to_json())
        except AudioError as error:
            raise Problem(
                REFUSAL_STATUS.get(error.code, 400),
                error.code.replace("_", "-"),
                error.reason,
                title="This file cannot be read",
            ) from None
        except matching.EmptyCatalog as error:
            raise Problem(409, "empty-catalog", str(error), count=0) from None
        finally:
            path.unlink(missing_ok=True)
