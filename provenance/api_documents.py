"""The JSON the API answers about certificates, and the shapes the OpenAPI schema shows of it."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from provenance import anchored, disclosure, lineage, stamping
from provenance.log import store
from provenance.models import Certificate
from provenance.statement import utc_text, with_outside_fields
from provenance.verification import State, Verdict


class StampRequest(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="WAV, FLAC, AIFF, MP3 or M4A")
    metadata = serializers.CharField(
        required=False, allow_blank=True, help_text="A JSON object: the plan's provenance, or its flat fields"
    )
    title = serializers.CharField(required=False, allow_blank=True, max_length=200)
    private = serializers.CharField(
        required=False, help_text="Comma-separated: which of title, prompt, notes are signed as salted hashes"
    )


class AudioQuery(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(["pcm", "mpeg-stream", "flac-stream", "mp4-stream"])
    sha256 = serializers.RegexField(r"^[0-9a-f]{64}$", max_length=64)


class MarkRequest(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="The recording of the certificate, with or without tags")


class DisclosureShape(serializers.Serializer[Any]):
    type = serializers.CharField()
    certificate_id = serializers.CharField()
    parts = serializers.ListField(child=serializers.DictField(), help_text="{name, salt, value} each")


class OpenRequest(serializers.Serializer[Any]):
    open = serializers.ListField(child=serializers.CharField(max_length=32), default=list, max_length=16)
    close = serializers.ListField(child=serializers.CharField(max_length=32), default=list, max_length=16)


class StampAnswer(serializers.Serializer[Any]):
    signature = serializers.CharField(help_text="0x and 128 hexadecimal digits: Ed25519 over the statement")
    certificate_id = serializers.CharField()
    timestamp = serializers.CharField(help_text="When it was signed, UTC")
    url = serializers.CharField(help_text="The public certificate page")
    log_index = serializers.IntegerField()
    renditions = serializers.ListField(child=serializers.DictField())


class CheckShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    ok = serializers.BooleanField(allow_null=True, help_text="null: could not be looked at")
    sentence = serializers.CharField()
    detail = serializers.DictField()


class VerdictShape(serializers.Serializer[Any]):
    valid = serializers.BooleanField()
    state = serializers.ChoiceField([state.value for state in State])
    sentence = serializers.CharField()
    certificate_id = serializers.CharField(allow_null=True)
    metadata = serializers.DictField(help_text="The provenance as signed, with o8_signature; {} if unsigned")
    chain = serializers.ListField(child=serializers.DictField(), help_text="From the recording to its roots")
    opened = serializers.DictField(help_text="Private parts that were disclosed and are what was signed")
    checks = CheckShape(many=True)


class VerifyRequest(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="Any audio file; its content decides, not its name")
    disclosure = serializers.CharField(
        required=False, help_text="Private parts somebody opened to you, as JSON"
    )


class CertificateShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField(help_text='"" while it is private')
    artist = serializers.CharField()
    declared = serializers.BooleanField(help_text="true: an account's word; false: measured by Starforge")
    created_at = serializers.DateTimeField()
    url = serializers.CharField()
    provenance = serializers.DictField(help_text="As signed, with o8_signature and blockchain_tx beside it")
    renditions = serializers.ListField(child=serializers.DictField())
    envelope = serializers.DictField(help_text="DSSE over an in-toto statement")
    log = serializers.DictField()
    chain = serializers.ListField(child=serializers.DictField())
    blockchain = serializers.DictField(
        allow_null=True,
        help_text="Where its place in the log is anchored, and its token; null without either",
    )
    private = serializers.DictField(help_text="Parts signed as salted hashes: {name: {sha256, opened}}")


def renditions(certificate: Certificate) -> list[dict[str, Any]]:
    return [
        {
            "format": r.name,
            "kind": r.kind,
            "audio_sha256": r.audio_sha256,
            "file_sha256": r.file_sha256 or None,
        }
        for r in certificate.renditions.all()
    ]


def stamped(certificate: Certificate) -> dict[str, Any]:
    """The plan's answer to POST /api/stamp, and a little more."""
    return {
        "signature": certificate.signature,
        "certificate_id": certificate.pk,
        "timestamp": certificate.provenance["timestamp"],
        "url": stamping.absolute(certificate.get_absolute_url()),
        "log_index": certificate.entry_id,
        "renditions": renditions(certificate),
    }


def described(certificate: Certificate) -> dict[str, Any]:
    checkpoint = store.latest_checkpoint()
    claimed, opened = certificate.provenance, {part.name for part in certificate.opened_parts}
    return {
        "id": certificate.pk,
        "title": certificate.public_title,
        "artist": certificate.artist_name,
        "declared": certificate.declared,
        "created_at": utc_text(certificate.created_at),
        "url": stamping.absolute(certificate.get_absolute_url()),
        "provenance": with_outside_fields(
            certificate.provenance,
            o8_signature=certificate.signature,
            blockchain_tx=anchored.tx_of(certificate),
        ),
        "renditions": renditions(certificate),
        "envelope": certificate.envelope,
        "log": {
            "origin": checkpoint.key.name,
            "index": certificate.entry_id,
            "proof": store.proof_text(certificate.entry, checkpoint),
        },
        "chain": lineage.chain(certificate),
        "blockchain": anchored.described(certificate),
        "private": {
            name: {"sha256": digest, "opened": name in opened}
            for name, digest in (claimed.get(disclosure.BLOCK) or {}).get("parts", {}).items()
        },
    }


def verdict(found: Verdict) -> dict[str, Any]:
    return found.to_json()
