"""Certified recordings that were there before fingerprints, or the index of them, were: entered a few at a time.

What is missing is found by asking for it, so it may be stopped anywhere and goes on from there; again is the same.
"""

from __future__ import annotations

from provenance.models import Certificate, CertifiedFingerprint

EACH = 50  # of a kind at one call: a fraction of a second
_complete = False  # every origin stamp that can have a fingerprint has one; new ones bring theirs


def recover() -> int:
    """The sweep of the queue. Returns how many were entered."""
    return enter_waiting() + (0 if _complete else keep_of_uploads())


def enter_waiting() -> int:
    """Enter stored fingerprints that are not in the index: older than it, or left by a killed process."""
    rows = list(CertifiedFingerprint.objects.filter(indexed=False).order_by("pk")[:EACH])
    if rows:
        from provenance import finding  # numpy stays out of processes that have nothing to enter

        for row in rows:
            finding.enter(row)
    return len(rows)


def keep_of_uploads() -> int:
    """Give origin stamps without a fingerprint that of their track, which its analysis has measured."""
    global _complete
    lacking = Certificate.objects.filter(fingerprint=None, track__fingerprint__isnull=False)
    rows = list(lacking.select_related("track__fingerprint").order_by("pk")[:EACH])
    if rows:
        from provenance import finding

        for certificate in rows:
            assert certificate.track is not None  # noqa: S101  asked for above
            finding.keep(certificate, certificate.track.fingerprint.frames)
    _complete = len(rows) < EACH
    return len(rows)
