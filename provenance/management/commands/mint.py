"""`manage.py mint cert_…`: a certificate as an ERC-721 token, its provenance inside."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provenance import anchoring
from provenance.management.commands.anchor import MOST_SECONDS, watch
from provenance.models import Certificate


class Command(BaseCommand):
    help = (
        "Make the token of a certificate on the chain that STARFORGE_EVM_… name. Everybody can read it there, for"
        " good. Exit status 0 it stands there, 69 not yet (workers go on), 1 refused."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("certificate", metavar="CERTIFICATE")
        parser.add_argument(
            "--to", default="", metavar="ADDRESS", help="whose it becomes (default: the account that writes)"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--seconds", type=int, default=MOST_SECONDS, help=f"how long to wait (default {MOST_SECONDS})"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = Certificate.objects.select_related("key").filter(pk=options["certificate"]).first()
        if found is None:
            raise CommandError("There is no certificate with this id. Check it for typing errors.")
        if not options["yes"]:
            if not sys.stdin.isatty():
                raise CommandError("This writes to a public chain for good: add --yes to say you mean it.")
            title = found.public_title or "its title is private and stays so"
            if input(f"Write {found.pk} ({title}) to a public chain, for good? [y/N] ").lower() != "y":
                raise CommandError("Nothing was written.")
        try:
            row, made = anchoring.mint(found, options["to"])
            if not made:
                anchoring.again(row)
        except anchoring.NothingToDo as error:
            raise CommandError(str(error)) from None
        watch(self, row, options["seconds"])
