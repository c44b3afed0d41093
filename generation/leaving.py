"""The end of an account: what goes, and what the log keeps."""

from __future__ import annotations

from django.db import transaction

from catalog.models import Artist
from provenance.models import Certificate, PrivatePart


def delete(artist: Artist) -> None:
    """Delete the user with everything of theirs; files go when it is committed.

    Certificates stay as they were signed, without an owner. What of them nobody else may read goes.
    """
    with transaction.atomic():
        certificates = Certificate.objects.filter(owner=artist)
        PrivatePart.objects.filter(certificate__in=certificates, opened_at=None).delete()
        for certificate in certificates.prefetch_related("private_parts"):
            Certificate.objects.filter(pk=certificate.pk).update(title=certificate.public_title)
        artist.user.delete()
