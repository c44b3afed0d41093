"""`manage.py anchor`: the newest state of the log on an EVM chain, the contract for it, and how it stands."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from provenance import anchor_writing, anchoring, keys
from provenance.anchored import place
from provenance.authorities.base import Unreachable
from provenance.evm import contract as calls
from provenance.evm.rpc import NodeRefused
from provenance.evm.wallet import NoWallet
from provenance.models import Anchor

MOST_SECONDS = 180
UNAVAILABLE = 69  # as sysexits.h names it: queued, and not there yet


class Command(BaseCommand):
    help = (
        "Write the newest state of the log to the chain that STARFORGE_EVM_… name. Workers do it once a day; this does"
        " it now. Exit status 0 it stands there, 69 not yet (workers go on), 1 refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--deploy", action="store_true", help="make the contract of this log, once")
        which.add_argument("--status", action="store_true", help="what was written and what waits")
        which.add_argument("--again", action="store_true", help="try everything that failed or waits again")
        parser.add_argument(
            "--seconds", type=int, default=MOST_SECONDS, help=f"how long to wait (default {MOST_SECONDS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["deploy"]:
                self._deploy(options["seconds"])
            elif options["status"]:
                self._status()
            elif options["again"]:
                rows = Anchor.objects.exclude(status__in=[Anchor.READY, Anchor.RUNNING])
                asked = sum(anchoring.again(row) for row in list(rows))
                self.stdout.write(f"{asked:,} will be tried again by the workers.")
            else:
                row, made = anchoring.anchor_now()
                if not made:
                    anchoring.again(row)
                watch(self, row, options["seconds"])
        except (anchoring.NothingToDo, NoWallet) as error:
            raise CommandError(str(error)) from None
        except Unreachable as error:
            raise CommandError(f"{error.reason} Nothing is lost.", returncode=UNAVAILABLE) from None
        except NodeRefused as error:
            raise CommandError(f"The node does not take it: {error}") from None

    def _deploy(self, seconds: int) -> None:
        if not settings.STARFORGE_EVM_URL:
            raise CommandError("STARFORGE_EVM_URL names no node to write to.")
        if settings.STARFORGE_EVM_CONTRACT:
            raise CommandError("STARFORGE_EVM_CONTRACT names a contract already. A log has one.")
        keys.ensure()
        account, chain = anchoring.wallet(), anchoring.node()
        chain_id = chain.chain_id()
        if settings.STARFORGE_EVM_CHAIN not in (0, chain_id):
            raise CommandError(
                f"The node serves chain {chain_id}, and STARFORGE_EVM_CHAIN says {settings.STARFORGE_EVM_CHAIN}."
            )
        data = calls.deploying(keys.origin())
        signed = account.sign(
            chain_id=chain_id,
            nonce=chain.nonce(account.address, "pending"),
            to=None,
            data=data,
            gas=chain.gas_for(account.address, None, data),
            fees=anchor_writing.offered(chain),
        )
        chain.send(signed.raw)
        self.stdout.write(f"Sent as {signed.tx} by {account.address}.")
        end = time.monotonic() + seconds
        while (receipt := chain.receipt(signed.tx)) is None:
            if time.monotonic() > end:
                raise CommandError(
                    "It is in no block yet. Look for that transaction later: it names the contract.",
                    returncode=UNAVAILABLE,
                )
            time.sleep(0.2)
        if not receipt["ok"]:
            raise CommandError("The chain refused it.")
        self.stdout.write(
            "The contract stands. Set these, and start again:\n"
            f"  STARFORGE_EVM_CHAIN={chain_id}\n  STARFORGE_EVM_CONTRACT={receipt['contract']}"
        )

    def _status(self) -> None:
        here = anchoring.place()
        if here is None:
            self.stdout.write("No chain is set up here. Stamps hold without one.")
        else:
            self.stdout.write(f"Chain {here.chain_id} by {here.chain.host}, contract {here.contract}.")
        rows = list(Anchor.objects.select_related("checkpoint")[:20])
        for row in rows:
            self.stdout.write(f"  {line(row)}")
        if not rows:
            self.stdout.write("Nothing was written to a chain yet.")


def line(row: Anchor) -> str:
    if row.status == Anchor.READY:
        return f"{row}: {place(row)}, transaction {row.tx}"
    word = "failed" if row.status == Anchor.FAILED else "waits"
    return f"{row}: {word}. {row.error}".rstrip()


def watch(command: BaseCommand, row: Anchor, seconds: int) -> None:
    """Work on it here until it stands there, so that no worker has to run; say where it is after `seconds`."""
    end = time.monotonic() + seconds
    while not row.is_over and row.tries == 0 and time.monotonic() < end:
        Anchor.objects.filter(pk=row.pk, status=Anchor.QUEUED, tries=0).update(next_try_at=None)
        anchor_writing.run(row.pk)
        row.refresh_from_db()
        if not row.is_over and row.tries == 0:
            time.sleep(0.2)
    if row.status == Anchor.READY:
        command.stdout.write(line(row))
    elif row.is_over:
        raise CommandError(row.error)
    else:
        raise CommandError(f"{row.error} Nothing is lost: the workers go on with it.", returncode=UNAVAILABLE)
