"""States of the log, and certificates, written to an EVM chain. A stamp never waits for it and never fails by it.

What is signed is kept before it is sent: whatever becomes of the worker, the node or the line, the next attempt
first asks the contract whether it stands there, then for every transaction that was ever signed for it. The
contract itself takes no size and no statement twice, and the database no second transaction under one nonce.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog import jobs
from provenance import lineage, retries, tokens
from provenance.authorities.base import Unreachable
from provenance.authorities.http import Service
from provenance.evm import contract as calls
from provenance.evm.rpc import Chain
from provenance.evm.wallet import NoWallet, Wallet
from provenance.log import store
from provenance.models import Anchor, Certificate, Checkpoint


class NothingToDo(Exception):
    """No chain is set up, or there is nothing to write. The message is one sentence for the operator."""


@dataclass(frozen=True)
class Place:
    """The contract that the settings name."""

    chain: Chain
    chain_id: int
    contract: str

    def ready(self) -> Chain:
        """Its chain, asked which it is: nothing is signed for another."""
        found = self.chain.chain_id()
        if found != self.chain_id:
            raise Unreachable(f"The node serves chain {found}, and STARFORGE_EVM_CHAIN says {self.chain_id}.")
        return self.chain


def node(url: str = "") -> Chain:
    """The node of the settings, or one somebody names. Raises ValueError for what is no address."""
    if url and (urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname):
        raise ValueError("That is not an address such as https://node.example.org.")
    token = "" if url else settings.STARFORGE_EVM_TOKEN
    return Chain(Service(url or settings.STARFORGE_EVM_URL, token, settings.STARFORGE_EVM_SECONDS))


def place() -> Place | None:
    """Where this installation writes; None while it writes nowhere."""
    if not (settings.STARFORGE_EVM_URL and settings.STARFORGE_EVM_CHAIN and settings.STARFORGE_EVM_CONTRACT):
        return None
    return Place(node(), settings.STARFORGE_EVM_CHAIN, settings.STARFORGE_EVM_CONTRACT)


def wallet() -> Wallet:
    return Wallet(settings.STARFORGE_EVM_KEY)


# --- asking for it --------------------------------------------------------------------------------------


def anchor_now() -> tuple[Anchor, bool]:
    """The anchor of the newest checkpoint, queued if it is new. Raises NothingToDo."""
    here = _here()
    newest = store.latest_checkpoint()
    if newest.size == 0:
        raise NothingToDo("The log is empty, so there is nothing to anchor yet.")
    return _queued(here, checkpoint=newest)


def mint(certificate: Certificate, to: str = "") -> tuple[Anchor, bool]:
    """The token of a certificate, queued if it is new; the account's own without `to`. Raises NothingToDo."""
    here = _here()
    if lineage.revoked(certificate):
        raise NothingToDo("This certificate was revoked. A token would say that it counts.")
    if to and not calls.ADDRESS.fullmatch(to):
        raise NothingToDo("A token goes to an address: 0x and 40 hexadecimal digits.")
    try:
        recipient = (to or wallet().address).lower()
        calls.minting(recipient, tokens.statement_hash(certificate), tokens.uri(certificate))
    except NoWallet as error:
        raise NothingToDo(str(error)) from None
    except ValueError as error:
        raise NothingToDo(str(error)) from error
    token = "0x" + tokens.statement_hash(certificate).hex()
    return _queued(here, token=token, defaults={"certificate": certificate, "recipient": recipient})


def again(row: Anchor) -> bool:
    """Try a failed one again, or a waiting one now. False when a worker has it in hand, or when it is done."""
    now = timezone.now()
    rest = Anchor.objects.filter(pk=row.pk).exclude(status__in=[Anchor.RUNNING, Anchor.READY])
    with transaction.atomic():
        # One that ended gave up its nonce: it signs anew, unless it stands on the chain after all.
        signed: dict[str, Any] = {"nonce": None, "raw": "", "sent": []} if row.status == Anchor.FAILED else {}
        changes = {**retries.waiting(now), **signed, "next_try_at": None, "error": "", "tries": 0}
        if not rest.filter(status=row.status).update(**changes):
            return False
        jobs.wake(row)
    return True


def recover(*, now: datetime | None = None) -> int:
    """Queue the anchor of the day, wake those whose time has come, give those of dead workers to living ones."""
    now = now or timezone.now()
    touched = _daily(now)
    if not touched and not Anchor.objects.exclude(status__in=[Anchor.READY, Anchor.FAILED]).exists():
        return 0
    return touched + retries.wake_due(Anchor, now) + jobs.recover(Anchor, now=now)


def _daily(now: datetime) -> int:
    here = place()
    if here is None or _not_yet(here, now):
        return 0
    with transaction.atomic():
        store.lock()  # several workers come here at once; the first one's row stops the others
        newest = Checkpoint.objects.order_by("-size").first()
        if newest is None or newest.size == 0 or _not_yet(here, now):
            return 0
        row, made = _queued(here, checkpoint=newest)
        return int(made or again(row))


def _not_yet(here: Place, now: datetime) -> bool:
    rows = Anchor.objects.filter(
        chain_id=here.chain_id, contract=here.contract, checkpoint__isnull=False
    ).order_by("-created_at")
    last = rows.select_related("checkpoint").first()
    if last is None:
        return False
    if last.status in (Anchor.QUEUED, Anchor.RUNNING):
        return True
    failed = last.status == Anchor.FAILED
    since = last.finished_at if failed and last.finished_at else last.created_at
    if since > now - timedelta(hours=settings.STARFORGE_EVM_HOURS):
        return True
    return not failed and last.checkpoint is not None and last.checkpoint.size >= store.size()


def _here() -> Place:
    here = place()
    if here is None:
        raise NothingToDo(
            "No chain is set up here. STARFORGE_EVM_URL, STARFORGE_EVM_CHAIN and STARFORGE_EVM_CONTRACT name"
            " one; manage.py anchor --deploy makes the contract."
        )
    return here


def _queued(here: Place, **what: Any) -> tuple[Anchor, bool]:
    with transaction.atomic():
        row, made = Anchor.objects.get_or_create(chain_id=here.chain_id, contract=here.contract, **what)
        if made:
            jobs.wake(row)
    return row, made
