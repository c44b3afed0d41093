"""o8's provenance v2 surface, served: clients written for it find Starforge's certificates by the hash of a file.

It speaks of hashes only. Starforge stamps recordings, not hashes, so `stamp` answers with the certificate that a file
already has; a new one comes from `POST /api/stamp` with the file. And `valid` means here what it says: a hash that is
asked about must be one that was signed.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.api.base import ArtistView
from catalog.api.documented import operation
from catalog.api.fields import Text
from catalog.api.parsers import BoundedJSON
from catalog.problems import Problem
from provenance import anchored, stamping
from provenance.api import TAG
from provenance.models import CERTIFICATE_ID, Certificate, CertifiedRendition
from provenance.statement import with_outside_fields
from provenance.verification import verify_certificate

HASH = r"^[0-9a-fA-F]{64}$"


class V2StampRequest(serializers.Serializer[Any]):
    identity_id = Text(max_length=64, help_text="Kept by the client; certificates here belong to the account")
    content_type = serializers.ChoiceField(["audio"])
    content_fingerprint = serializers.RegexField(HASH, max_length=64, help_text="SHA-256 of the file")


class V2StampAnswer(serializers.Serializer[Any]):
    declaration_cid = serializers.CharField(help_text="The certificate's id")
    manifest_cid = serializers.CharField()
    gateway_urls = serializers.DictField()
    declaration = serializers.DictField(help_text="The provenance as signed")
    timestamp = serializers.CharField()


class V2VerifyRequest(serializers.Serializer[Any]):
    declaration_cid = Text(required=False, max_length=64)
    content_fingerprint = serializers.RegexField(HASH, max_length=64, required=False)


class V2Verdict(serializers.Serializer[Any]):
    valid = serializers.BooleanField()
    checks = serializers.DictField()
    errors = serializers.ListField(  # type: ignore[assignment]  # DRF takes fields off the class
        child=serializers.CharField()
    )
    declaration = serializers.DictField(allow_null=True)


class V2Stamp(ArtistView):
    scopes = {"post": "make"}

    @operation(
        "v2_stamp",
        "o8 v2: the certificate of a file of yours, by its hash",
        tag=TAG,
        request=V2StampRequest,
        answers={200: V2StampAnswer},
        errors=(400, 401, 404, 413, 415),
    )
    def post(self, request: Request) -> Response:
        asked = V2StampRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        mine = _with_hash(asked.validated_data["content_fingerprint"]).filter(certificate__owner=self.artist)
        row = mine.first()
        if row is None:
            raise Problem(
                404,
                "not-found",
                "No file of yours with this hash was stamped here. Send the recording itself to POST /api/stamp.",
            )
        certificate = row.certificate
        address = stamping.absolute(f"/api/certificates/{certificate.pk}/")
        return Response(
            {
                "declaration_cid": certificate.pk,
                "manifest_cid": certificate.pk,
                "gateway_urls": {"declaration": address, "manifest": f"{address}bundle/"},
                "declaration": _said(certificate),
                "timestamp": certificate.provenance["timestamp"],
            }
        )


class V2Verify(APIView):
    scopes = {"post": "read"}
    permission_classes = [AllowAny]
    parser_classes = [BoundedJSON]

    @operation(
        "v2_verify",
        "o8 v2: is there a certificate, and is this hash one that it signed?",
        tag=TAG,
        request=V2VerifyRequest,
        answers={200: V2Verdict},
        errors=(400, 401, 413, 415),
        auth=[],
    )
    def post(self, request: Request) -> Response:
        asked = V2VerifyRequest(data=request.data)
        asked.is_valid(raise_exception=True)
        named, digest = (
            asked.validated_data.get(name, "") for name in ("declaration_cid", "content_fingerprint")
        )
        if not named and not digest:
            raise serializers.ValidationError(
                {"declaration_cid": "Send declaration_cid, content_fingerprint, or both."}
            )
        certificate = _named(named) if named else None
        rows = _with_hash(digest) if digest else None
        if rows is not None and certificate is not None:
            rows = rows.filter(certificate=certificate)
        row = rows.first() if rows is not None else None
        certificate = certificate or (row.certificate if row and not named else None)
        return Response(_judged(certificate, bool(digest), row is not None))


def _judged(certificate: Certificate | None, hash_asked: bool, hash_held: bool) -> dict[str, Any]:
    if certificate is None:
        there = {"declaration_exists": False, "signature_valid": False, "content_hash_valid": False}
        return {"valid": False, "checks": there, "errors": ["No such certificate here."], "declaration": None}
    verdict = verify_certificate(certificate.pk)
    errors = [] if verdict.valid else [verdict.sentence]
    if hash_asked and not hash_held:
        errors.append("This hash is not one of a file of this certificate.")
    signed = verdict.check("signature")
    checks = {
        "declaration_exists": True,
        "manifest_exists": True,
        "signature_valid": bool(signed and signed.ok),
        "content_hash_valid": hash_held,
    }
    return {"valid": not errors, "checks": checks, "errors": errors, "declaration": _said(certificate)}


def _said(certificate: Certificate) -> dict[str, Any]:
    return with_outside_fields(
        certificate.provenance,
        o8_signature=certificate.signature,
        blockchain_tx=anchored.tx_of(certificate),
    )


def _named(name: str) -> Certificate | None:
    return Certificate.objects.filter(pk=name).first() if CERTIFICATE_ID.fullmatch(name) else None


def _with_hash(digest: str) -> Any:
    """Renditions with this hash, of the file or of its sound, the earliest certificate first."""
    wanted = digest.lower()
    rows = CertifiedRendition.objects.filter(Q(file_sha256=wanted) | Q(audio_sha256=wanted))
    return rows.select_related("certificate").order_by("certificate__entry_id")
