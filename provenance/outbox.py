"""The outbox: certificates on their way to another authority. A stamp never waits for it and never fails by it.

An attempt is written down before it is sent. Whatever then happens to the worker, the line or the answer, the next
attempt first looks whether the last one arrived; where that cannot be found out, nothing is sent again until the
owner says so.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog import jobs
from catalog.precedence import Rank
from provenance import declaring, retries, wording
from provenance.authorities import registry
from provenance.authorities.base import ProvenanceAuthority, Receipt, Refused, Search, Unreachable
from provenance.lineage import ADAPTER, ORIGIN
from provenance.models import Certificate, ExternalStamp


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
    return retries.run(ExternalStamp, pk, _asked, related=("certificate__track",))


def _asked(row: ExternalStamp, lease: jobs.Lease) -> str:
    authority = registry.configured()
    if (authority.kind, authority.base_url) != (row.authority, row.base_url):
        raise retries.Over("elsewhere", "The settings name another o8 now, so nothing was sent to this one.")
    return _compared(row, authority, lease) if row.remote_id else _declared(row, authority, lease)


def _declared(row: ExternalStamp, authority: ProvenanceAuthority, lease: jobs.Lease) -> str:
    said = declaring.declaration_of(row.certificate, row.base_url)
    if said is None:
        raise retries.Over("nothing to declare", "No file of it was finished, so there is none to declare.")
    attempted = row.sent_at
    try:
        if row.sent_at is not None:
            found = authority.find(row.sent, row.sent_at)
            if isinstance(found, Receipt):
                return _done(row, found, lease)
            if found is Search.CANNOT_TELL and not authority.idempotent:
                raise retries.Over(
                    "unsure",
                    f"It was sent on {wording.minute(row.sent_at)} and no answer came, and {authority.label}"
                    " cannot be searched for it. Look there; if it is not there, send it again.",
                )
        fields = authority.fields(said)
        retries.note(row, lease, sent=fields, sent_at=row.sent_at or timezone.now())
        receipt = authority.declare(said, fields)
    except Refused as error:
        raise retries.Over("refused", str(error), refused=True, sent_at=None) from error
    except Unreachable as error:
        _hold_back(row)
        never_left = not error.perhaps_heard and attempted is None
        raise retries.Later(error.reason, **({"sent_at": None} if never_left else {})) from error
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


def _hold_back(row: ExternalStamp) -> None:
    """Who does not answer one does not answer the next: others wait too, and no worker stands at a closed door."""
    moment = timezone.now() + retries.FIRST_WAIT
    ExternalStamp.objects.filter(
        status=ExternalStamp.QUEUED, base_url=row.base_url, next_try_at=None, remote_id=""
    ).update(next_try_at=moment, queued_at=moment)


def _authority() -> ProvenanceAuthority:
    authority = registry.configured()
    if not authority.base_url:
        raise NothingToDo("No o8 is set up here. The stamp holds without one.")
    return authority
