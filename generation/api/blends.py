"""Invitations to blend, and the agreements that come of them."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Flag, Text, Whole
from catalog.audio.ranged import ranged
from catalog.models import Artist
from catalog.problems import Problem
from generation import blends
from generation.models import Blend, GeneratedTrack
from provenance.stamping import absolute

STATES = ["waiting", "standing", "expired", *Blend.Ending.values]


class AllowedJSON(serializers.Serializer[Any]):
    """How much one of the two lets the other see."""

    titles = Flag(required=False, default=False, help_text="Titles of recordings that a take is built from")
    hears = Flag(
        required=False,
        default=True,
        help_text="The takes they make with the other, with their titles and figures",
    )


class StepJSON(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    step = serializers.CharField()
    own = serializers.BooleanField()


class BlendJSON(serializers.Serializer[Any]):
    """An agreement of two artists, or the invitation to one, as the one who asks may see it."""

    id = serializers.CharField()
    state = serializers.ChoiceField(STATES)
    own = serializers.SerializerMethodField(help_text="Whether you sent the invitation")
    partner = serializers.SerializerMethodField(
        help_text="The other artist's name; null until an invitation of yours is accepted"
    )
    partner_account = serializers.SerializerMethodField(
        help_text="The other's account name, once both agreed: names of artists are not unique"
    )
    addressed = serializers.SerializerMethodField(help_text="As you wrote it; empty for a link")
    link = serializers.SerializerMethodField(help_text="Of an invitation by link while it waits")
    statement = serializers.SerializerMethodField(help_text="What is agreed to")
    you_allow = serializers.SerializerMethodField()
    they_allow = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(help_text="Of the invitation")
    accepted_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    log = serializers.SerializerMethodField(help_text="Every step, oldest first")

    @property
    def _artist(self) -> Artist:
        artist: Artist = self.context["artist"]
        return artist

    def get_own(self, row: Blend) -> bool:
        return row.inviter_id == self._artist.pk

    def get_partner(self, row: Blend) -> str | None:
        unanswered = row.accepted_at is None and row.inviter_id == self._artist.pk
        partner = None if unanswered else row.partner_of(self._artist)
        return partner.name if partner else None

    def get_partner_account(self, row: Blend) -> str | None:
        partner = row.partner_of(self._artist) if row.accepted_at is not None else None
        return partner.user.get_username() if partner else None

    def get_addressed(self, row: Blend) -> str:
        return row.addressed if row.inviter_id == self._artist.pk else ""

    def get_link(self, row: Blend) -> str | None:
        mine = row.inviter_id == self._artist.pk and row.key and row.waits
        return absolute(row.get_absolute_url()) if mine else None

    def get_statement(self, row: Blend) -> str:
        return next((one.statement for one in row.consents.all()), blends.STATEMENT)

    @extend_schema_field(AllowedJSON(allow_null=True))
    def get_you_allow(self, row: Blend) -> dict[str, bool] | None:
        return _allowed(row, self._artist)

    @extend_schema_field(AllowedJSON(allow_null=True))
    def get_they_allow(self, row: Blend) -> dict[str, bool] | None:
        return _allowed(row, row.partner_of(self._artist))

    @extend_schema_field(StepJSON(many=True))
    def get_log(self, row: Blend) -> list[dict[str, Any]]:
        steps = row.steps.all()
        return [
            {"at": one.at.isoformat(), "step": one.step, "own": one.artist_id == self._artist.pk}
            for one in steps
        ]


def _allowed(row: Blend, artist: Artist | None) -> dict[str, bool] | None:
    consent = blends.consent_of(row, artist)
    return None if consent is None else {"titles": consent.titles, "hears": consent.hears}


class NewBlend(AllowedJSON):
    to = Text(
        required=False,
        max_length=254,
        help_text="Account name; without it the answer holds a link that works once. "
        "Whether there is such an account is not told",
    )
    days = Whole(required=False, default=7, min_value=1, max_value=max(blends.DAYS))


class Joining(AllowedJSON):
    key = Text(allow_blank=False, max_length=40, help_text="The last part of the link")


class BlendView(ArtistView):
    def mine(self, pk: str) -> Blend:
        return get_object_or_404(blends.of(self.artist), pk=pk)

    def shown(self, row: Blend, status: int = 200) -> Response:
        again = blends.of(self.artist).prefetch_related("consents", "steps").get(pk=row.pk)
        return Response(BlendJSON(again, context={"artist": self.artist}).data, status=status)

    def told(self, request: Request, kind: type[AllowedJSON]) -> dict[str, Any]:
        sent = kind(data=request.data)
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)


def _scope(values: dict[str, Any]) -> blends.Allowed:
    return blends.Allowed(titles=values["titles"], hears=values["hears"])


class BlendList(BlendView, GenericAPIView[Blend]):
    serializer_class = BlendJSON

    @operation(
        "blends_list",
        "Your blends with other artists, and invitations",
        tag="generation",
        answers={200: BlendJSON(many=True)},
        errors=(401, 404),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(blends.of(self.artist).prefetch_related("consents", "steps"))
        return self.get_paginated_response(BlendJSON(page, many=True, context={"artist": self.artist}).data)

    @operation(
        "blends_create",
        "Invite another artist to blend; asking is agreeing to its statement",
        tag="generation",
        request=NewBlend,
        answers={201: BlendJSON},
        errors=(400, 401, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = self.told(request, NewBlend)
        try:
            row = blends.invite(
                self.artist, values.get("to", ""), days=values["days"], allowed=_scope(values)
            )
        except blends.CannotInvite as error:
            raise Problem(409, "cannot-invite", str(error)) from None
        made = self.shown(row, 201)
        made.headers["Location"] = f"/api/blends/{row.pk}/"
        return made


class BlendJoin(BlendView):
    @operation(
        "blends_join",
        "Accept an invitation by link",
        tag="generation",
        request=Joining,
        answers={200: BlendJSON},
        errors=(400, 401, 404, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        values = self.told(request, Joining)
        row = blends.found(values["key"]) if "\0" not in values["key"] else None
        if row is None:
            raise Problem(404, "not-found", "No invitation waits at this link.")
        return self.shown(_accepted(row, self.artist, _scope(values)))


def _accepted(row: Blend, artist: Artist, allowed: blends.Allowed) -> Blend:
    try:
        return blends.accept(row, artist, allowed)
    except blends.CannotAnswer as error:
        raise Problem(409, "cannot-answer", str(error)) from None


class BlendItem(BlendView):
    @operation("blends_get", "One blend", tag="generation", answers={200: BlendJSON}, errors=(401, 404))
    def get(self, request: Request, pk: str) -> Response:
        return self.shown(self.mine(pk))

    @operation(
        "blends_allow",
        "Change what the other may see of you, from now on; once the blend has ended, turn it off",
        tag="generation",
        request=AllowedJSON,
        answers={200: BlendJSON},
        errors=(400, 401, 404, 409, 413, 415),
    )
    def patch(self, request: Request, pk: str) -> Response:
        row = self.mine(pk)
        before = _allowed(row, self.artist) or {"titles": False, "hears": True}
        sent = AllowedJSON(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        try:
            blends.allow(row, self.artist, _scope(before | dict(sent.validated_data)))
        except blends.CannotAllow as error:
            raise Problem(409, "not-standing", str(error)) from None
        return self.shown(row)


class BlendAccept(BlendView):
    @operation(
        "blends_accept",
        "Accept an invitation that was sent to you",
        tag="generation",
        request=AllowedJSON,
        answers={200: BlendJSON},
        errors=(400, 401, 404, 409, 413, 415),
    )
    def post(self, request: Request, pk: str) -> Response:
        row = self.mine(pk)
        return self.shown(_accepted(row, self.artist, _scope(self.told(request, AllowedJSON))))


class BlendDecline(BlendView):
    @operation(
        "blends_decline",
        "Decline an invitation",
        tag="generation",
        request=None,
        answers={200: BlendJSON},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        row = self.mine(pk)
        try:
            blends.decline(row, self.artist)
        except blends.CannotAnswer as error:
            raise Problem(409, "cannot-answer", str(error)) from None
        return self.shown(row)


class BlendedTakeJSON(serializers.Serializer[Any]):
    """A take that another artist made with you. It is theirs; what you may know of it stands here.

    Where they keep it to themselves (`hears` is off), title, figures and audio are null.
    """

    HEARD = ("title", "weight", "share", "match", "duration")  # read by who may hear it

    id = serializers.CharField()
    title = serializers.CharField(allow_null=True, help_text="null where who made it keeps it")
    artist = serializers.CharField(source="generation.artist.name", help_text="Who made it")
    blend = serializers.CharField(source="generation.blend_id")
    weight = serializers.FloatField(
        source="blend.weight", allow_null=True, help_text="Asked of you, 0 to 1; null where they keep it"
    )
    share = serializers.FloatField(
        source="blend.share",
        allow_null=True,
        help_text="Of the bars of all layers, yours; null where they keep it",
    )
    match = serializers.FloatField(
        source="blend.match.partner",
        allow_null=True,
        help_text="With your catalog, 0 to 1; null where they keep it",
    )
    duration = serializers.FloatField(allow_null=True, help_text="Seconds; null where they keep it")
    certificate_id = serializers.CharField(allow_null=True)
    audio = serializers.SerializerMethodField(help_text="null where who made it keeps it")
    created_at = serializers.DateTimeField()

    def get_audio(self, take: GeneratedTrack) -> str | None:
        heard = blends.heard_by(take, self.context["artist"]) and take.is_heard
        return f"/api/blended-takes/{take.pk}/audio/" if heard else None

    def to_representation(self, take: GeneratedTrack) -> dict[str, Any]:
        told = super().to_representation(take)
        if not blends.heard_by(take, self.context["artist"]):
            told |= dict.fromkeys(self.HEARD)
        return told


class BlendedTakeList(ArtistView, GenericAPIView[GeneratedTrack]):
    serializer_class = BlendedTakeJSON

    @operation(
        "blended_takes_list",
        "Takes that others made with you",
        tag="generation",
        answers={200: BlendedTakeJSON(many=True)},
        errors=(401, 404),
    )
    def get(self, request: Request) -> Response:
        takes = blends.made_with(self.artist).prefetch_related("generation__blend__consents")
        page = self.paginate_queryset(takes)
        told = BlendedTakeJSON(page, many=True, context={"artist": self.artist})
        return self.get_paginated_response(told.data)


class BlendedTakeAudio(ArtistView):
    @operation(
        "blended_takes_audio",
        "Hear a take that another artist made with you (Range)",
        tag="generation",
        answers={(200, "audio/mpeg"): OpenApiTypes.BINARY, (206, "audio/mpeg"): OpenApiTypes.BINARY},
        errors=(401, 404, 416),
    )
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        take = get_object_or_404(blends.made_with(self.artist), pk=pk)
        if not blends.heard_by(take, self.artist) or not take.is_heard:
            raise Problem(404, "no-audio", "There is nothing of this take that you may hear.")
        return ranged(request, take.file("preview"), content_type="audio/mpeg", filename="take.mp3")


class BlendWithdraw(BlendView):
    @operation(
        "blends_withdraw",
        "End a blend for the future, or take an invitation back",
        tag="generation",
        request=None,
        answers={200: BlendJSON},
        errors=(401, 404),
    )
    def post(self, request: Request, pk: str) -> Response:
        row = self.mine(pk)
        blends.withdraw(row, self.artist)
        return self.shown(row)
