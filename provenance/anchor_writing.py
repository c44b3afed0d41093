"""Writing one anchor or token to its chain, step by step; see `anchoring` for what makes a second try harmless."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from catalog import jobs
from provenance import keys, retries, tokens, wording
from provenance.anchoring import place, wallet
from provenance.authorities.base import Unreachable
from provenance.evm import contract as calls
from provenance.evm.rpc import Chain, Fees, NodeRefused
from provenance.evm.wallet import NoWallet
from provenance.models import Anchor

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(seconds=5)
STUCK = timedelta(minutes=10)  # in no block since: its fees are raised
GWEI = 10**9


class _Refused(Exception):
    """It will never stand there. The message is one sentence for the operator."""


def run(pk: int) -> str:
    """The anchoring task. Returns one word for the queue's records."""
    row = Anchor.objects.filter(pk=pk).first()
    if row is None:
        return "gone"
    if row.next_try_at is not None:  # a wake-up from before it was put off
        return "not yet"
    lease = jobs.claim(Anchor, pk)
    if lease is None:
        return "not ours"
    with lease.kept():
        row = Anchor.objects.select_related("checkpoint", "certificate").get(pk=pk)
        try:
            return _settled(row, lease)
        except jobs.Lost:
            return "lost"
        except _Refused as error:
            lease.finish(Anchor.FAILED, error=str(error), failure="refused")
            return "refused"
        except Unreachable as error:
            return _put_off(row, lease, error.reason)
        except NodeRefused as error:
            return _put_off(row, lease, f"The node does not take it: {error}.".replace("..", "."))
        except NoWallet as error:
            return _put_off(row, lease, str(error))
        except jobs.DATABASE_AWAY:
            return lease.give_back()
        except Exception:
            log.exception("anchoring failed", extra={"anchor": pk})
            lease.finish(
                Anchor.FAILED,
                failure="unexpected",
                error="Something failed here that should not have; it was logged. Try again.",
            )
            raise


def _settled(row: Anchor, lease: jobs.Lease) -> str:
    here = place()
    if here is None or (here.chain_id, here.contract) != (row.chain_id, row.contract):
        raise _Refused("The settings name another chain or contract now, so nothing was written to this one.")
    chain = here.ready()
    if _stands(row, chain):
        return _done(row, chain, lease)
    for tx in row.sent:
        receipt = chain.receipt(tx)
        if receipt is not None and not receipt["ok"]:
            raise _Refused(f"The contract refused transaction {tx}.")
    if row.raw:
        if chain.knows(row.sent[-1]):
            if row.sent_at and timezone.now() - row.sent_at > STUCK:
                return _signed(row, chain, lease, replacing=True)
            return _wait(lease, "It waits to be taken into a block.")
        if chain.nonce(row.sender, "latest") <= (row.nonce or 0):  # it never arrived, or was dropped
            chain.send(row.raw)
            return _wait(lease, "It was sent again and waits to be taken into a block.")
        _note(row, lease, nonce=None, raw="")  # something else of this account took its place
    return _signed(row, chain, lease)


def _stands(row: Anchor, chain: Chain) -> bool:
    if row.checkpoint is None:
        return calls.holder(chain, row.contract, bytes.fromhex(row.token[2:])) is not None
    head = calls.head_at(chain, row.contract, row.checkpoint.size)
    if head is not None and head != bytes(row.checkpoint.root):
        log.error("the chain holds another root", extra={"size": row.checkpoint.size})
        raise _Refused(
            f"The chain holds another root for a log of {row.checkpoint.size:,} entries than this log has: it was"
            " rewritten, or two installations write to one contract. See manage.py audit_log."
        )
    return head is not None


def _done(row: Anchor, chain: Chain, lease: jobs.Lease) -> str:
    """It stands there. Kept as anchored once enough blocks stand on top."""
    tx, receipt = "", None
    for tx in row.sent:
        if (receipt := chain.receipt(tx)) is not None:
            break
    if receipt is None:  # written by an attempt that nobody remembers: the contract's event names it
        tx = _event(row, chain)
        receipt = chain.receipt(tx) if tx else None
    if receipt is None:
        return _wait(lease, "It stands on the chain; the node does not say in which block yet.")
    depth = chain.block_number() - receipt["block"]
    if depth < settings.STARFORGE_EVM_CONFIRMATIONS:
        return _wait(
            lease,
            f"It stands in block {receipt['block']:,}, with {depth} of"
            f" {settings.STARFORGE_EVM_CONFIRMATIONS} blocks on top.",
        )
    finished = lease.finish(
        Anchor.READY,
        tx=tx,
        block=receipt["block"],
        block_time=datetime.fromtimestamp(chain.block_time(receipt["block"]), UTC),
        tries=0,
        raw="",
    )
    return "anchored" if finished else "lost"


def _event(row: Anchor, chain: Chain) -> str:
    if row.checkpoint is None:
        return calls.mint_tx(chain, row.contract, bytes.fromhex(row.token[2:]))
    return calls.anchor_tx(chain, row.contract, row.checkpoint.size, bytes(row.checkpoint.root))


def _signed(row: Anchor, chain: Chain, lease: jobs.Lease, *, replacing: bool = False) -> str:
    """Sign it, keep what was signed, and only then send it."""
    account = wallet()
    data = _data(row, chain)
    if (owner := calls.owner(chain, row.contract)) != account.address:
        raise _Refused(f"The contract belongs to {owner}; the key here is of {account.address}.")
    if (named := calls.origin(chain, row.contract)) != keys.origin():
        raise _Refused(f"The contract was made for the log {wording.clip(named)}, which is another one.")
    fees = offered(chain)
    if replacing:
        least = Fees(row.fees["most"], row.fees["tip"], row.fees["dynamic"]).raised()
        fees = Fees(max(fees.most, least.most), max(fees.tip, least.tip), fees.dynamic)
        if fees.most > settings.STARFORGE_EVM_GWEI * GWEI:
            return _wait(lease, "It waits for a block; a higher offer would be above STARFORGE_EVM_GWEI.")
        assert row.nonce is not None  # noqa: S101  it was sent under one
        nonce = row.nonce
    else:
        nonce = chain.nonce(account.address, "pending")
    signed = account.sign(
        chain_id=row.chain_id,
        nonce=nonce,
        to=row.contract,
        data=data,
        gas=chain.gas_for(account.address, row.contract, data),
        fees=fees,
    )
    try:
        with transaction.atomic():
            _note(
                row,
                lease,
                sender=account.address,
                nonce=nonce,
                raw=signed.raw,
                sent=[*row.sent, signed.tx],
                fees={"most": fees.most, "tip": fees.tip, "dynamic": fees.dynamic},
                sent_at=timezone.now(),
            )
    except IntegrityError:  # another of ours has this nonce and did not reach a block yet
        return _wait(lease, "Another one of this account is written first.")
    chain.send(signed.raw)
    return _wait(lease, "It was sent and waits to be taken into a block.", "sent")


def _data(row: Anchor, chain: Chain) -> str:
    if row.checkpoint is not None:
        if (size := calls.newest_size(chain, row.contract)) > row.checkpoint.size:
            raise _Refused(
                f"A later state of the log, of {size:,} entries, was anchored before it, and covers it."
            )
        return calls.anchoring(row.checkpoint.size, bytes(row.checkpoint.root))
    if row.certificate is None:
        raise _Refused("The certificate was deleted before its token was minted.")
    return calls.minting(row.recipient, bytes.fromhex(row.token[2:]), tokens.uri(row.certificate))


def offered(chain: Chain) -> Fees:
    """What is offered, never above STARFORGE_EVM_GWEI."""
    fees, most = chain.fees(), settings.STARFORGE_EVM_GWEI * GWEI
    needed = (fees.most - fees.tip) // 2 + fees.tip if fees.dynamic else fees.most
    if needed > most:
        raise Unreachable(
            f"Gas costs {needed / GWEI:,.0f} gwei now, above STARFORGE_EVM_GWEI={settings.STARFORGE_EVM_GWEI}."
        )
    return Fees(min(fees.most, most), fees.tip, fees.dynamic)


def _wait(lease: jobs.Lease, why: str, word: str = "waiting") -> str:
    """Look again in a moment; nothing went wrong."""
    kept = retries.put_off(lease, timezone.now() + LOOK_AGAIN, error=why, tries=0)
    return word if kept else "lost"


def _put_off(row: Anchor, lease: jobs.Lease, reason: str) -> str:
    """Later, further each time; after retries.TRIES of them to the operator."""
    now, tries = timezone.now(), row.tries + 1
    if tries >= retries.TRIES:
        vain = f"It was tried {tries} times in vain. {reason}"
        lease.finish(Anchor.FAILED, tries=tries, failure="unreachable", error=vain)
        return "given up"
    retries.put_off(lease, retries.after(tries, now), error=reason, tries=tries)
    return "later"


def _note(row: Anchor, lease: jobs.Lease, **changes: Any) -> None:
    """Write down what is about to be sent, while the row is still ours. Raises jobs.Lost."""
    mine = Anchor.objects.filter(pk=row.pk, status=Anchor.RUNNING, worker=lease.worker)
    if not mine.update(**changes, version=F("version") + 1):
        raise jobs.Lost
    for name, value in changes.items():
        setattr(row, name, value)
