"""When the same artist certifies the same sound again, the newer certificate is the one to read.

It comes about where a killed worker's take was rendered anew, where an upload was removed and stamped again, or
where a revoked certificate was replaced. The older one keeps what it proves; its page names the newer one.
"""

from __future__ import annotations

from django.db.models import Q

from provenance import lineage, wording
from provenance.models import Certificate, CertifiedRendition
from provenance.proof import Check

MOST = 16  # looked at, newest first: whoever stamps one sound more often than this has other worries


def newer(certificate: Certificate) -> Certificate | None:
    """The newest certificate that holds, of the same owner, over the same sound; None while there is none.

    A declaration does not take the place of a measurement, unless the measured one was revoked. Nobody supersedes
    what belongs to somebody else.
    """
    if certificate.owner_id is None:
        return None
    sounds = Q(pk__in=[])
    for kind, sha256 in certificate.renditions.values_list("kind", "audio_sha256"):
        sounds |= Q(kind=kind, audio_sha256=sha256)
    later = Certificate.objects.filter(
        pk__in=CertifiedRendition.objects.filter(sounds).values("certificate"),
        owner=certificate.owner_id,
        entry_id__gt=certificate.entry_id,
    )
    if not certificate.declared and not lineage.revoked(certificate):
        later = later.filter(declared=False)
    rows = later.select_related("key", "revocation").prefetch_related("private_parts").order_by("-entry_id")
    return next((row for row in rows[:MOST] if not lineage.revoked(row)), None)


def check(found: Certificate) -> Check:
    """What a reader of the older certificate is told."""
    whose = "declared" if found.declared else "certified"
    said = f"The artist {whose} the same sound again on {wording.day(found.created_at)}, as {found.pk}."
    return Check("succession", None, said, {"certificate_id": found.pk})
