"""Adapters: train on your catalog, follow, stop, go on, delete; and the consent to learn together with others."""

from __future__ import annotations

from typing import Any, NoReturn

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Flag, Number, Text, Whole
from catalog.problems import Problem
from generation import adapters, consents, lifecycle
from generation.api.requests import KEY_HEADER, over_plan, request_key, say
from generation.api.take_json import STATES
from generation.models import Adapter
from generation.training.recipe import LIMITS, Recipe


class TrainRequest(serializers.Serializer[Any]):
    """What to train. Everything is optional; what is not said has values that suit a dozen tracks."""

    name = Text(required=False, max_length=adapters.LONGEST_NAME)
    base = Text(
        required=False, max_length=60, help_text="A MusicGen model that is on the server: musicgen-small …"
    )
    generated = Flag(required=False, default=False, help_text="Also learn from takes in your library")
    aggregate = Flag(
        required=False, default=False, help_text="Also from the catalogs of all who agreed to it"
    )
    genre = Text(required=False, max_length=60, help_text="Of an aggregate: only recordings of this genre")
    rank = Whole(required=False, min_value=1, max_value=128)
    alpha = Number(required=False, min_value=0.5, max_value=512)
    learning_rate = Number(required=False, min_value=1e-6, max_value=1e-2)
    warmup = Whole(required=False, min_value=0, max_value=10_000)
    steps = Whole(required=False, min_value=1, max_value=100_000)
    batch = Whole(required=False, min_value=1, max_value=64)
    validate_every = Whole(required=False, min_value=1, max_value=10_000)
    patience = Whole(required=False, min_value=1, max_value=1000)
    held_out = Number(required=False, min_value=0.05, max_value=0.5)
    chunk_seconds = Number(
        required=False, min_value=0, max_value=30, help_text="0: as long as the model knows"
    )
    seed = Whole(required=False, min_value=0, max_value=2**53)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise serializers.ValidationError({"request": "Send a JSON object with the fields."})
        return super().to_internal_value(data)

    def asked(self) -> dict[str, Any]:
        """The arguments of `adapters.start`."""
        said = dict(self.validated_data)
        recipe = Recipe(**{name: said.pop(name) for name in LIMITS if name in said})
        return {"name": said.pop("name", ""), "recipe": recipe, **{k: v for k, v in said.items() if v != ""}}


class Curves(serializers.Serializer[Any]):
    train = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    validation = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))


class AdapterJSON(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    base = serializers.CharField()
    status = serializers.ChoiceField(STATES, help_text="A training that waits for its next slice is queued")
    stage = serializers.CharField()
    progress = serializers.FloatField(help_text="0 to 1; it may stop early")
    step = serializers.IntegerField()
    steps = serializers.IntegerField()
    eta_seconds = serializers.FloatField(allow_null=True)
    error = serializers.CharField()
    aggregate = serializers.BooleanField()
    genre = serializers.CharField()
    best_loss = serializers.FloatField(allow_null=True)
    curves = Curves(help_text="[step, loss] each; empty until there is one")
    recipe = serializers.DictField()
    training_catalog_hash = serializers.CharField()
    sha256 = serializers.CharField(allow_blank=True)
    size_bytes = serializers.IntegerField()
    certificate_id = serializers.CharField(allow_null=True)
    usable = serializers.BooleanField(help_text="Whether new takes can be made with it")
    reason = serializers.CharField(allow_blank=True, help_text="Why not")
    card = serializers.DictField(help_text="What it is and what it learned from; empty until it is ready")
    created_at = serializers.DateTimeField()
    ws = serializers.CharField(help_text="Path of the socket that tells of progress")


class ConsentJSON(serializers.Serializer[Any]):
    given = serializers.BooleanField()
    given_at = serializers.DateTimeField(allow_null=True)
    statement = serializers.CharField(help_text="The words that are agreed to")


def shown(row: Adapter) -> dict[str, Any]:
    why = adapters.unusable(row)
    same = ("name", "base", "status", "stage", "step", "steps", "eta_seconds", "error", "aggregate", "genre")
    return {
        "id": row.pk,
        **{name: getattr(row, name) for name in same},
        "progress": round(row.done, 4),
        "best_loss": row.best_loss,
        "curves": {"train": row.curves.get("train", []), "validation": row.curves.get("validation", [])},
        "recipe": row.recipe,
        "training_catalog_hash": row.catalog_hash,
        "sha256": row.sha256,
        "size_bytes": row.size_bytes,
        "certificate_id": row.certificate_id,
        "usable": not why,
        "reason": why,
        "card": row.card,
        "created_at": row.created_at,
        "ws": f"/ws/adapters/{row.pk}/",
    }


def refused(error: lifecycle.Refused) -> NoReturn:
    if isinstance(error, adapters.BadRecipe):
        raise serializers.ValidationError({name: [text] for name, text in error.errors.items()}) from None
    if isinstance(error, adapters.PlanForbids):
        raise over_plan(error) from None
    if isinstance(error, adapters.NoRights):
        raise Problem(409, "no-rights-statement", str(error)) from None
    if isinstance(error, adapters.TooManyTrainings):
        raise Problem(
            409,
            "too-many-under-way",
            str(error),
            title="Too many trainings",
            count=error.count,
            most=error.most,
        ) from None
    if isinstance(error, (lifecycle.TooFewTracks, lifecycle.EngineUnavailable)):
        say(error)
    raise Problem(409, "cannot-train", str(error)) from None


class AdapterList(ArtistView, GenericAPIView[Adapter]):
    serializer_class = AdapterJSON

    @operation(
        "adapters_list",
        "Your adapters",
        tag="adapters",
        answers={200: AdapterJSON(many=True)},
        errors=(401, 404),
    )
    def get(self, request: Request) -> Response:
        rows = self.paginate_queryset(adapters.of(self.artist))
        return self.get_paginated_response(AdapterJSON([shown(row) for row in rows or []], many=True).data)

    @operation(
        "adapters_train",
        "Train a model on your catalog",
        tag="adapters",
        description="Needs your rights statement and ten analysed tracks of yours. The training goes on in slices and "
        "survives restarts.",
        parameters=[KEY_HEADER],
        request=TrainRequest,
        answers={202: AdapterJSON},
        errors=(400, 401, 409, 413, 415),
    )
    def post(self, request: Request) -> Response:
        asked = TrainRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            row, created = adapters.start(self.artist, request_key=request_key(request), **asked.asked())
        except lifecycle.Refused as error:
            refused(error)
        headers = {"Location": f"/api/adapters/{row.pk}/"}
        if not created:
            headers["Idempotency-Replayed"] = "true"
        return Response(AdapterJSON(shown(row)).data, status=202, headers=headers)


class AdapterView(ArtistView):
    def found(self, pk: str) -> Adapter:
        return get_object_or_404(adapters.of(self.artist), pk=pk)

    def answer(self, pk: str, status: int = 200) -> Response:
        return Response(AdapterJSON(shown(self.found(pk))).data, status=status)


class AdapterItem(AdapterView):
    @operation(
        "adapters_read",
        "One adapter: how far it is, its losses, its card",
        tag="adapters",
        answers={200: AdapterJSON},
        errors=(401, 404),
    )
    def get(self, request: Request, pk: str) -> Response:
        return self.answer(pk)

    @operation(
        "adapters_delete",
        "Delete an adapter",
        tag="adapters",
        description="File, checkpoint and tokens go. Takes made with it and certificates stay.",
        answers={204: None},
        errors=(401, 404),
    )
    def delete(self, request: Request, pk: str) -> Response:
        adapters.delete(self.found(pk))
        return Response(status=204)


class AdapterCancel(AdapterView):
    @operation(
        "adapters_cancel",
        "Stop a training",
        tag="adapters",
        description="What was learned is kept, and the training can be continued.",
        request=None,
        answers={202: AdapterJSON},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        row = self.found(pk)
        if not adapters.cancel(row):
            raise Problem(409, "already-over", f"This training is {row.status}: there is nothing to stop.")
        return self.answer(pk, 202)


class AdapterContinue(AdapterView):
    @operation(
        "adapters_continue",
        "Continue a failed or cancelled training from its checkpoint",
        tag="adapters",
        request=None,
        answers={202: AdapterJSON},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, pk: str) -> Response:
        row = self.found(pk)
        try:
            again = adapters.go_on(row)
        except lifecycle.Refused as error:
            refused(error)
        if not again:
            raise Problem(409, "not-failed", f"This training is {row.status}.", title="Nothing to continue")
        return self.answer(pk, 202)


class Consent(ArtistView):
    """Whether others may train on this artist's recordings together with theirs."""

    def state(self, status: int = 200) -> Response:
        found = consents.standing(self.artist)
        said = {
            "given": found is not None,
            "given_at": found.given_at if found else None,
            "statement": found.statement if found else consents.STATEMENT,
        }
        return Response(ConsentJSON(said).data, status=status)

    @operation(
        "training_consent_read", "Whether others may learn from your catalog too", tag="adapters",
        answers={200: ConsentJSON},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return self.state()

    @operation(
        "training_consent_give",
        "Agree that adapters learn from your catalog together with others",
        tag="adapters",
        request=None,
        answers={200: ConsentJSON},
    )
    def put(self, request: Request) -> Response:
        consents.give(self.artist)
        return self.state()

    @operation(
        "training_consent_withdraw",
        "Take that back",
        tag="adapters",
        description="Adapters that learned from your catalog with others make no new takes from then on.",
        answers={200: ConsentJSON},
    )
    def delete(self, request: Request) -> Response:
        consents.withdraw(self.artist)
        return self.state()
