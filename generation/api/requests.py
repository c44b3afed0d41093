"""Engines, briefs and requests for music."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import snapshots
from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.problems import Problem
from generation import blending, lifecycle, usage
from generation.api.take_json import STATES, socket_of
from generation.api.wishes import BriefQuery, MusicRequest
from generation.engines import engines
from generation.models import Generation, queue_of
from generation.offered import models_of
from generation.prompting import BadWishes, read

LONGEST_KEY = 64
KEY_HEADER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of yours. The same key again answers with the same generation.",
)


class Availability(serializers.Serializer[Any]):
    ready = serializers.BooleanField()
    missing = serializers.CharField()
    how = serializers.CharField(help_text="How to get what is missing")


class ModelJSON(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF takes fields off the class
    ready = serializers.BooleanField()
    licence = serializers.CharField()
    commercial_use = serializers.BooleanField()
    size_bytes = serializers.IntegerField()
    missing = serializers.ListField(
        child=serializers.CharField(), help_text="Names for manage.py fetch_model"
    )


class EngineJSON(serializers.Serializer[Any]):
    slug = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # DRF takes fields off the class
    version = serializers.CharField()
    licence = serializers.CharField()
    commercial_use = serializers.BooleanField()
    description = serializers.CharField()
    cost = serializers.CharField(allow_blank=True, help_text="What a take is charged; empty when nothing is")
    availability = Availability()
    capabilities = serializers.ListField(child=serializers.CharField())
    queue = serializers.CharField(help_text="gpu for networks, cpu for everything else")
    models = ModelJSON(many=True, help_text="Empty for an engine without weights")
    options = serializers.ListField(
        child=serializers.DictField(),
        help_text="Settings of its own: name, label, kind, default, low, high, choices",
    )


class Accepted(serializers.Serializer[Any]):
    id = serializers.CharField()
    status = serializers.ChoiceField(STATES)
    estimate_seconds = serializers.FloatField()
    ws = serializers.CharField(help_text="Path of the socket that tells of progress")
    url = serializers.CharField(help_text="Page of the generation")
    ignored = serializers.ListField(
        child=serializers.CharField(), help_text="Fields of the request that mean nothing here"
    )


class BriefJSON(serializers.Serializer[Any]):
    """What a request would be read into, and where each value comes from. Nothing is made."""

    brief = serializers.DictField(help_text="Every field decided; seed is null unless it was asked for")
    evidence = serializers.DictField(
        child=serializers.CharField(), help_text="asked, prompt, references, genre, catalog or default"
    )
    words = serializers.ListField(child=serializers.CharField(), help_text="What was read in the prompt")
    notes = serializers.ListField(
        child=serializers.CharField(),
        help_text="What is in the way of it: of a blend, who cannot play at this tempo",
    )
    engine = serializers.CharField()
    estimate_seconds = serializers.FloatField()
    analysed_tracks = serializers.IntegerField()
    needed = serializers.IntegerField(help_text="Analysed tracks a generation needs")


def request_key(request: Request) -> str | None:
    """The Idempotency-Key, hashed where it is too long to keep: cutting could make two keys one."""
    key = request.headers.get("Idempotency-Key", "").strip()
    return hashlib.sha256(key.encode()).hexdigest() if len(key) > LONGEST_KEY else key or None


def over_plan(error: Exception) -> Problem:
    """What the plan does not include, as a problem; with Retry-After where time alone helps."""
    until: datetime | None = getattr(error, "until", None)
    more = {} if until is None else {"until": until.isoformat()}
    problem = Problem(429, "plan-limit", str(error), title="Not in your plan", **more)
    if until is not None:
        problem.wait = max(1, math.ceil((until - timezone.now()).total_seconds()))  # type: ignore[attr-defined]
    return problem


def say(error: Exception) -> NoReturn:
    """What a verb of `lifecycle` refused, as a problem."""
    if isinstance(error, lifecycle.TooFewTracks):
        raise Problem(
            409,
            "too-few-tracks",
            str(error),
            title="Too few analysed tracks",
            count=error.count,
            needed=error.needed,
        ) from None
    if isinstance(error, lifecycle.TooManyUnderWay):
        raise Problem(
            409,
            "too-many-under-way",
            str(error),
            title="Too many generations under way",
            count=error.count,
            most=error.most,
        ) from None
    if isinstance(error, (lifecycle.PlanForbids, usage.Forbidden)):
        raise over_plan(error) from None
    if isinstance(error, lifecycle.EngineUnavailable):
        if error.slug not in engines():
            raise serializers.ValidationError({"engine": [str(error)]}) from None
        raise Problem(409, "engine-unavailable", str(error), engine=error.slug) from None
    if isinstance(error, lifecycle.CannotBlend):
        raise Problem(409, "cannot-blend", str(error)) from None
    if isinstance(error, lifecycle.CannotEdit):
        raise Problem(409, "cannot-edit", str(error)) from None
    if isinstance(error, lifecycle.HereAlready):
        raise Problem(409, "audio-here", str(error), title="Nothing to make again") from None
    if isinstance(error, lifecycle.CannotRestore):
        raise Problem(409, "cannot-restore", str(error), title="Cannot be made again") from None
    if isinstance(error, BadWishes):
        raise serializers.ValidationError(
            {name: [sentence] for name, sentence in error.errors.items()}
        ) from None
    raise error


def answer(generation: Generation, created: bool, ignored: list[str]) -> Response:
    body = {
        "id": generation.pk,
        "status": generation.status,
        "estimate_seconds": generation.estimate_seconds,
        "ws": socket_of(generation),
        "url": generation.get_absolute_url(),
        "ignored": ignored,
    }
    headers = {"Location": f"/api/generations/{generation.pk}/"}
    if not created:
        headers["Idempotency-Replayed"] = "true"
    return Response(body, status=202, headers=headers)


def refuse_reuse(
    generation: Generation, params: dict[str, Any], engine: str, parent: Generation | None = None
) -> None:
    """A key that stood for another request is a mistake of the script: say so instead of the wrong music."""
    asked = (params, engine, parent.pk if parent else None)
    if (generation.params, generation.engine, generation.parent_id) != asked:
        raise Problem(
            409,
            "idempotency-key-reused",
            "This Idempotency-Key was used for a different request. Use a new key for a new request.",
            title="Key used before",
            id=generation.pk,
        )


class EngineQuery(serializers.Serializer[Any]):
    commercial_use = serializers.BooleanField(
        required=False,
        allow_null=True,
        default=None,
        help_text="Only engines whose music may be sold, or only others",
    )


class EngineList(ArtistView):
    @operation(
        "engines_list",
        "What can make music here",
        tag="generation",
        parameters=[EngineQuery],
        answers={200: EngineJSON(many=True)},
        errors=(400, 401),
    )
    def get(self, request: Request) -> Response:
        query = EngineQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data.get("commercial_use")
        return Response(
            [
                {
                    "slug": engine.slug,
                    "label": engine.label,
                    "version": engine.version,
                    "licence": engine.licence,
                    "commercial_use": engine.commercial_use,
                    "description": engine.description,
                    "cost": getattr(engine, "cost", ""),
                    "availability": vars(engine.availability()),
                    "capabilities": sorted(engine.capabilities()),
                    "queue": queue_of(engine.slug),
                    "models": models_of(engine),
                    "options": [option.to_json() for option in getattr(engine, "options", ())],
                }
                for engine in engines().values()
                if asked is None or engine.commercial_use == asked
            ]
        )


class BriefView(ArtistView):
    @operation(
        "brief_read",
        "What a request would be read into",
        tag="generation",
        parameters=[BriefQuery],
        answers={200: BriefJSON},
        errors=(400, 401, 409),
    )
    def get(self, request: Request) -> Response:
        query = BriefQuery.of(request.query_params)
        query.is_valid(raise_exception=True)
        engine = query.validated_data.get("engine") or "mosaic"
        if engine not in engines():
            raise serializers.ValidationError({"engine": [f"Choose: {', '.join(engines())}."]})
        wishes = query.wishes()
        try:
            brief, snapshot, partner = lifecycle.drafted(self.artist, wishes, engine)
        except BadWishes as error:
            say(error)
        own = snapshot.document if snapshot else {}
        apart = blending.out_of_reach(own, partner, brief.bpm) if partner else ""
        count = snapshots.own_count(self.artist)
        decided = brief.to_json()
        evidence = decided.pop("evidence")
        for name in ("edit", "avoid"):  # not decided before something is made
            del decided[name]
        if wishes.seed is None:
            decided["seed"] = None
        return Response(
            {
                "brief": decided,
                "evidence": evidence,
                "words": list(read(wishes.prompt).words),
                "notes": [apart] if apart else [],
                "engine": engine,
                "estimate_seconds": lifecycle.estimate(brief, engine, count),
                "analysed_tracks": count,
                "needed": settings.STARFORGE_MIN_TRACKS,
            }
        )


class GenerateMusic(ArtistView):
    scopes = {"post": "make"}

    @operation(
        "generate_music",
        "Make music in your style",
        tag="generation",
        parameters=[KEY_HEADER],
        request=MusicRequest,
        answers={202: Accepted},
        errors=(400, 401, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        asked = MusicRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        wishes = asked.wishes()
        try:
            generation, created = lifecycle.submit(
                self.artist, wishes=wishes, engine=asked.engine_slug, request_key=request_key(request)
            )
        except (lifecycle.Refused, BadWishes) as error:
            say(error)
        if not created:
            refuse_reuse(generation, wishes.to_json(), asked.engine_slug)
        return answer(generation, created, asked.ignored())
