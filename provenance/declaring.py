"""A certificate as the declaration others may be told: what is public of it, and one of its files."""

from __future__ import annotations

import hashlib

from provenance import keeping, stamping
from provenance.authorities import o8_words
from provenance.authorities.base import Declaration, Parent
from provenance.lineage import parents
from provenance.models import Certificate, CertifiedRendition, ExternalStamp
from provenance.signing import open_envelope


def declared_rendition(certificate: Certificate) -> CertifiedRendition | None:
    """The file that is declared: the first whose hash is known and whose format o8 has a name for."""
    rows = [row for row in certificate.renditions.all() if row.file_sha256]
    return next((row for row in rows if o8_words.container(row.name)), rows[0] if rows else None)


def declaration_of(certificate: Certificate, base_url: str = "") -> Declaration | None:
    """None where no file of it was ever finished. `base_url`: parents declared there are named as it names them."""
    row = declared_rendition(certificate)
    if row is None:
        return None
    opened = {part.name: str(part.value) for part in certificate.opened_parts}
    params = certificate.provenance.get("generation_params")
    in_the_open = params.get("prompt") if isinstance(params, dict) else None
    return Declaration(
        certificate_id=certificate.pk,
        url=stamping.certificate_url(certificate),
        signature=certificate.signature,
        artist=certificate.artist_name,
        title=certificate.public_title,
        prompt=opened.get("prompt") or (in_the_open if isinstance(in_the_open, str) else ""),
        created=certificate.provenance["timestamp"],
        file_format=row.name,
        file_sha256=row.file_sha256,
        audio_sha256=row.audio_sha256,
        duration=certificate.duration,
        provenance=certificate.provenance,
        statement_sha256=hashlib.sha256(open_envelope(certificate.envelope).payload).hexdigest(),
        parents=_parents(certificate, base_url),
        file=keeping.file_of(certificate, row.name),
    )


def _parents(certificate: Certificate, base_url: str) -> list[Parent]:
    named = parents(certificate.provenance)
    ids = [pk for pk, _ in named]
    held = {
        one.pk: one
        for one in Certificate.objects.filter(pk__in=ids).prefetch_related("renditions", "private_parts")
    }
    there = dict(
        ExternalStamp.objects.filter(certificate__in=ids, base_url=base_url, missing=False)
        .exclude(remote_id="")
        .values_list("certificate_id", "remote_id")
    )
    out = []
    for pk, relation in named:
        found = held.get(pk)
        row = declared_rendition(found) if found else None
        out.append(
            Parent(
                pk,
                relation,
                row.file_sha256 if row else "",
                found.public_title if found else "",
                there.get(pk, ""),
            )
        )
    return out
