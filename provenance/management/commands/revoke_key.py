from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provenance import events
from provenance.signing import SigningError


class Command(BaseCommand):
    help = "Take a key back, and log it. A key in use is rotated first. Its stamps answer “revoked” from then on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("keyid", help="the key's id, or enough of its beginning")
        parser.add_argument(
            "--because", required=True, metavar="TEXT", help="published beside the revocation"
        )
        parser.add_argument(
            "--from-entry",
            type=int,
            default=0,
            metavar="INDEX",
            help="the first log index that no longer counts (0: none does); what was logged before stays valid",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row = events.revoke_key(options["keyid"], options["because"], from_entry=options["from_entry"])
        except (events.EventRefused, SigningError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"The {row.purpose} key {row.key_id} is revoked from entry {row.revoked_from + 1:,} on."
        )
