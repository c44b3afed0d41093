"""The time of a stamp, signed by a third party as well (RFC 3161). A stamp never waits for it.

What is stamped is the signed envelope, byte for byte: the entry of the log. Of it only a hash is sent.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog import jobs
from provenance import retries, tsa, wording
from provenance.authorities.base import Refused, Unreachable
from provenance.authorities.http import Service
from provenance.models import Certificate, Timestamp
from provenance.proof import Check
from provenance.signing import open_envelope

log = logging.getLogger(__name__)


def announce(certificate: Certificate) -> Timestamp | None:
    """After a stamp: queue its timestamp. None where no authority is set up."""
    if not settings.STARFORGE_TSA_URL:
        return None
    with transaction.atomic():
        row, made = Timestamp.objects.get_or_create(certificate=certificate)
        if made:
            jobs.wake(row)
    return row


def recover(*, now: datetime | None = None) -> int:
    """Wake those whose time has come, give those of dead workers to living ones."""
    now = now or timezone.now()
    return retries.wake_due(Timestamp, now) + jobs.recover(Timestamp, now=now)


def run(pk: int) -> str:
    """The timestamping task. Returns one word for the queue's records."""
    row = Timestamp.objects.filter(pk=pk).first()
    if row is None:
        return "gone"
    if row.next_try_at is not None:  # a wake-up from before it was put off
        return "not yet"
    lease = jobs.claim(Timestamp, pk)
    if lease is None:
        return "not ours"
    with lease.kept():
        row = Timestamp.objects.select_related("certificate").get(pk=pk)
        try:
            service = Service(settings.STARFORGE_TSA_URL, "", settings.STARFORGE_TSA_SECONDS)
            found = tsa.ask(service, _message(row.certificate), _roots())
        except Refused as error:
            return _put_off(row, lease, f"It refused. {error}")
        except Unreachable as error:
            return _put_off(row, lease, error.reason)
        except tsa.NoTimestamp as error:
            return _put_off(row, lease, str(error))
        except jobs.DATABASE_AWAY:
            return lease.give_back()
        except Exception:
            log.exception("timestamping failed", extra={"timestamp": pk})
            lease.finish(
                Timestamp.FAILED,
                failure="unexpected",
                error="Something failed here that should not have; it was logged.",
            )
            raise
        where = urlsplit(settings.STARFORGE_TSA_URL).hostname or ""
        kept = lease.finish(Timestamp.READY, answer=found.raw, said=found.when, authority=where, tries=0)
        return "stamped" if kept else "lost"


def _put_off(row: Timestamp, lease: jobs.Lease, reason: str) -> str:
    now, tries = timezone.now(), row.tries + 1
    if tries >= retries.TRIES:
        vain = f"It was tried {tries} times in vain. {reason}"
        lease.finish(Timestamp.FAILED, tries=tries, failure="unreachable", error=vain)
        return "given up"
    retries.put_off(lease, retries.after(tries, now), error=reason, tries=tries)
    return "later"


def token_of(certificate: Certificate) -> bytes:
    """The authority's answer, DER; b"" without one."""
    row = Timestamp.objects.filter(certificate=certificate, status=Timestamp.READY).first()
    return bytes(row.answer) if row else b""


def checks(certificate: Certificate) -> list[Check]:
    """Whether the timestamp that is kept here holds. Nobody is asked."""
    row = Timestamp.objects.filter(certificate=certificate, status=Timestamp.READY).first()
    if row is None:
        return []
    detail = {"authority": row.authority}
    try:
        when = tsa.check(bytes(row.answer), _message(certificate), _roots())
    except tsa.Untrusted as error:
        return [Check("timestamp", None, f"{error} STARFORGE_TSA_ROOTS names who is.", detail)]
    except tsa.NoTimestamp as error:
        return [Check("timestamp", False, str(error), detail)]
    return [
        Check(
            "timestamp",
            True,
            f"A third party, {wording.clip(row.authority)}, signed that this stamp existed on {wording.minute(when)}.",
            {**detail, "when": wording.minute(when)},
        )
    ]


def _message(certificate: Certificate) -> bytes:
    return open_envelope(certificate.envelope).leaf()


def _roots() -> tuple[x509.Certificate, ...]:
    """The certificates of the authorities that are believed. () when there are none, or none can be read."""
    if not settings.STARFORGE_TSA_ROOTS:
        return ()
    path = Path(settings.STARFORGE_TSA_ROOTS)
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        log.warning("STARFORGE_TSA_ROOTS cannot be read")
        return ()


@cache
def _read(path: Path, _changed: int) -> tuple[x509.Certificate, ...]:
    return tsa.roots(path.read_bytes())
