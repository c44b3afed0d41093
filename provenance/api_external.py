"""Declarations to o8 over HTTP: the document anybody may take, and where a certificate stands."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.documented import operation
from catalog.problems import Problem
from provenance import opening, outbox, standing
from provenance.api import TAG, found
from provenance.authorities import document
from provenance.declaring import declaration_of
from provenance.models import Certificate


class StandingShape(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        ["local", "queued", "declared", "missing", "differs", "refused", "failed"]
    )
    word = serializers.CharField()
    sentence = serializers.CharField()
    url = serializers.CharField(help_text='Where it stands there; "" where that is not known')
    differences = serializers.ListField(child=serializers.DictField(), help_text="{field, sent, found} each")


class CertificateDeclaration(APIView):
    """Where a certificate stands with o8, and the owner's way to send it, send it again or compare it."""

    permission_classes = [AllowAny]

    @operation(
        "certificate_standing",
        "Where a certificate stands with o8",
        tag=TAG,
        answers={200: StandingShape},
        errors=(401, 404),
        auth=[],
    )
    def get(self, request: Request, certificate_id: str) -> Response:
        return Response(standing.of(found(certificate_id)).to_json())

    @operation(
        "certificate_declare",
        "Declare a certificate of yours on o8, send it again, or compare what stands there",
        tag=TAG,
        description="What was never sent is queued; what failed is tried again; what is declared is looked up and"
        " compared field by field; what is missing there is declared anew. Read the outcome with GET.",
        request=None,
        answers={202: StandingShape},
        errors=(401, 404, 409),
    )
    def post(self, request: Request, certificate_id: str) -> Response:
        certificate = found(certificate_id)
        if not opening.owns(getattr(request.user, "artist", None), certificate):
            raise Problem(404, "not-found", "There is nothing of yours at this address.")
        try:
            ask(certificate)
        except outbox.NothingToDo as error:
            raise Problem(409, "no-authority", str(error), title="No o8 here") from None
        return Response(standing.of(certificate).to_json(), status=202)


class CertificateDocument(APIView):
    permission_classes = [AllowAny]

    @operation(
        "certificate_o8",
        "The certificate as an o8 declaration, JSON v1.0",
        tag=TAG,
        description="What `o8 validate` takes and `o8 publish` sends. Private parts are in it where they are open.",
        answers={200: OpenApiTypes.OBJECT},
        errors=(401, 404),
        auth=[],
    )
    def get(self, request: Request, certificate_id: str) -> Response:
        certificate = found(certificate_id)
        try:
            body = written(certificate)
        except document.NoDocument as error:
            raise Problem(404, "not-found", str(error)) from None
        name = f"{certificate.pk}-o8.json"
        return Response(body, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def ask(certificate: Certificate) -> None:
    """Declare, or send again, or compare: what is next. Raises outbox.NothingToDo."""
    row, made = outbox.declare(certificate)
    if not made:
        outbox.send_again(row)


def written(certificate: Certificate) -> dict[str, Any]:
    """The v1.0 document of this certificate. Raises NoDocument."""
    said = declaration_of(certificate)
    if said is None:
        raise document.NoDocument("No file of this certificate was finished, so o8 has nothing to check.")
    return document.document(said)
