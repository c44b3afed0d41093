"""The outbox: certificates on their way to another authority. A stamp never waits for it and never fails by it.

An attempt is written down before it is sent. Whatever then happens to the worker, the line or the answer, the next
attempt first looks whether the last one arrived; where that cannot be found out, nothing is sent again until the
owner says so.
"""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog import jobs
from catalog.precedence import Rank
from provenance import declaring, retries, wording
from provenance.authorities import registry
from provenance.authorities.base import ProvenanceAuthority, Receipt, Refused, Search, Unreachable
from provenance.lineage import ADAPTER, ORIGIN
from provenance.models import Certificate, ExternalStamp

log = logging.getLogger(__name__)


class NothingToDo(Exception):
    """There is nothing to send to, or nothing to send. The message is one sentence for the owner."""


def announce(certificate: Certificate) -> ExternalStamp | None:
    """After a stamp: queue its declaration where this installation declares everything. None where it does not."""
    if not settings.STARFORGE_O8_URL or settings.STARFORGE_O8_DECLARE != "all":
        return None
    # An artist's own upload is declared when they ask for it.
    if certificate.provenance["type"] in (ORIGIN, ADAPTER):
        return None
    return declare(certificate)[0]


def declare(certificate: Certificate) -> tuple[ExternalStamp, bool]:
    """The declaration of this certificate, queued if it is new. Raises NothingToDo without an o8 and for an adapter."""
    if certificate.provenance["type"] == ADAPTER:
        raise NothingToDo("An adapter is no recording, and o8 declares recordings.")
    authority = _authority()
    with transaction.atomic():
        row, made = ExternalStamp.objects.get_or_create(
            certificate=certificate, authority=authority.kind, base_url=authority.base_url
        )
        if made:
            jobs.wake(row)
    return row, made


def send_again(row: ExternalStamp, *, urgent: bool = True) -> bool:
    """The owner asks: what failed is tried again, what waits is tried now, what is declared is compared.

    What went missing there is declared anew. False when a worker has it in hand.
    """
    now = timezone.now()
    changes: dict[str, Any] = {"tries": 0, "refused": False}
    if row.missing:
        changes |= {"remote_id": "", "remote_url": "", "missing": False, "differences": [], "sent_at": None}
    elif row.status == ExternalStamp.FAILED and not row.remote_id:
        changes |= {"sent_at": None}  # the owner has looked; send whatever became of the last attempt
    with transaction.atomic():
        rest = ExternalStamp.objects.filter(pk=row.pk).exclude(status=ExternalStamp.RUNNING)
        if not rest.update(**retries.waiting(now), next_try_at=None, error="", **changes):
            return False
        jobs.wake(row, Rank.WAITED_FOR if urgent else None)
    return True


def recover(*, now: datetime | None = None) -> int:
    """Give declarations of dead workers to living ones, and wake those whose time has come."""
    now = now or timezone.now()
    return retries.wake_due(ExternalStamp, now) + jobs.recover(ExternalStamp, now=now)


def run(pk: int) -> str:
    """The declaring task. Returns one word for the queue's records."""
    row = ExternalStamp.objects.filter(pk=pk).first()
    if row is None:
        return "gone"
    if row.next_try_at is not None:  # a wake-up from before it was put off
        return "not yet"
    lease = jobs.claim(ExternalStamp, pk)
    if lease is None:
        return "not ours"
    with lease.kept():
        row = ExternalStamp.objects.select_related("certificate__track").get(pk=pk)
        authority = registry.configured()
        if (authority.kind, authority.base_url) != (row.authority, row.base_url):
            lease.finish(
                ExternalStamp.FAILED,
                error="The settings name another o8 now, so nothing was sent to this one.",
            )
            return "elsewhere"
        try:
            return _compared(row, authority, lease) if row.remote_id else _declared(row, authority, lease)
        except jobs.Lost:
            return "lost"
        except jobs.DATABASE_AWAY:
            return lease.give_back()
        except Exception:
            log.exception("declaring failed", extra={"external": pk})
            lease.finish(
                ExternalStamp.FAILED,
                failure="unexpected",
                error="Something failed here that should not have; it was logged. Try again.",
            )
            raise


def _declared(row: ExternalStamp, authority: ProvenanceAuthority, lease: jobs.Lease) -> str:
    said = declaring.declaration_of(row.certificate, row.base_url)
    if said is None:
        lease.finish(
            ExternalStamp.FAILED,
            error="No file of it was finished, so there is none to declare.",
        )
        return "nothing to declare"
    try:
        if row.sent_at is not None:
            found = authority.find(row.sent, row.sent_at)
            if isinstance(found, Receipt):
                return _done(row, found, lease)
            if found is Search.CANNOT_TELL and not authority.idempotent:
                lease.finish(
                    ExternalStamp.FAILED,
                    error=f"It was sent on {wording.minute(row.sent_at)} and no answer came, and {authority.label}"
                    " cannot be searched for it. Look there; if it is not there, send it again.",
                )
                return "unsure"
        fields = authority.fields(said)
        _note(row, lease, sent=fields, sent_at=row.sent_at or timezone.now())
        receipt = authority.declare(said, fields)
    except Refused as error:
        lease.finish(ExternalStamp.FAILED, refused=True, failure="refused", error=str(error), sent_at=None)
        return "refused"
    except Unreachable as error:
        return _put_off(row, error, lease)
    return _done(row, receipt, lease)


def _done(row: ExternalStamp, receipt: Receipt, lease: jobs.Lease) -> str:
    finished = lease.finish(
        ExternalStamp.READY,
        remote_id=receipt.remote_id,
        remote_url=receipt.url[:500],
        remote_signature=receipt.signature,
        answer=dict(receipt.answer),
        declared_at=timezone.now(),
        sent_at=None,
        tries=0,
        missing=False,
        differences=[],
    )
    return "declared" if finished else "lost"


def _compared(row: ExternalStamp, authority: ProvenanceAuthority, lease: jobs.Lease) -> str:
    """Look at what stands there now. A service that does not answer changes nothing of what is known."""
    try:
        found = authority.look(row.remote_id, row.sent)
    except (Refused, Unreachable) as error:
        lease.finish(ExternalStamp.READY, error=f"It could not be compared just now. {error}")
        return "not compared"
    told = [] if found is None else [one.to_json() for one in authority.differences(row.sent, found)]
    lease.finish(
        ExternalStamp.READY, compared_at=timezone.now(), missing=found is None, differences=told, attempts=0
    )
    return "missing" if found is None else "differs" if told else "the same"


def _put_off(row: ExternalStamp, error: Unreachable, lease: jobs.Lease) -> str:
    """Back into the queue for later, further each time; after retries.TRIES of them to the owner."""
    now, tries = timezone.now(), row.tries + 1
    kept = {"tries": tries}
    if not error.perhaps_heard and row.sent_at is None:
        kept["sent_at"] = None  # type: ignore[assignment]  # it never left
    if tries >= retries.TRIES:
        lease.finish(
            ExternalStamp.FAILED,
            failure="unreachable",
            error=f"It was tried {tries} times, the last time in vain too. {error.reason}",
            **kept,
        )
        return "given up"
    retries.put_off(lease, retries.after(tries, now), error=error.reason, **kept)
    # Who does not answer one does not answer the next: others wait too, and no worker stands at a closed door.
    others = ExternalStamp.objects.filter(
        status=ExternalStamp.QUEUED, base_url=row.base_url, next_try_at=None, remote_id=""
    )
    others.update(next_try_at=now + retries.FIRST_WAIT, queued_at=now + retries.FIRST_WAIT)
    return "later"


def _note(row: ExternalStamp, lease: jobs.Lease, **changes: Any) -> None:
    """Write down what is about to be sent, while the row is still ours. Raises jobs.Lost."""
    mine = ExternalStamp.objects.filter(pk=row.pk, status=ExternalStamp.RUNNING, worker=lease.worker)
    if not mine.update(**changes, version=F("version") + 1):
        raise jobs.Lost


def _authority() -> ProvenanceAuthority:
    authority = registry.configured()
    if not authority.base_url:
        raise NothingToDo("No o8 is set up here. The stamp holds without one.")
    return authority
