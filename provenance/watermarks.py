"""Serial numbers of marks: given once, never again, and each leads to the certificate of its recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Max

from provenance.models import Certificate, Watermark

if TYPE_CHECKING:
    from provenance.watermark import Pattern


def pattern() -> Pattern:
    """The secret pattern of this installation: `STARFORGE_WATERMARK_SECRET`, or made on the first start."""
    from provenance.watermark import Pattern  # numpy and scipy stay out of web processes that mark nothing

    return Pattern(settings.WATERMARK_SECRET.encode())


def serial_for(subject: str) -> int:
    """The serial of the recording that is known as `subject` (at most 64 characters): the same at every call.

    The database counts, so two recordings never share one; numbers may be left out.
    """
    return Watermark.objects.get_or_create(subject=subject)[0].serial


def given() -> int:
    """The highest number that was ever given: a mark of ours carries none above it."""
    return Watermark.objects.aggregate(most=Max("serial"))["most"] or 0


def belongs_to(serial: int, certificate: Certificate) -> None:
    """From now on the serial leads to this certificate."""
    Watermark.objects.filter(pk=serial).update(certificate=certificate)


def certificate_of(serial: int) -> Certificate | None:
    """The certificate a serial leads to, or None for one that was never given or whose stamp was never finished."""
    found = (
        Watermark.objects.filter(pk=serial).select_related("certificate__entry", "certificate__key").first()
    )
    return found.certificate if found else None
