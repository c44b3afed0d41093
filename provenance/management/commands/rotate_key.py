from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provenance import events
from provenance.signing import PURPOSES, SigningError


class Command(BaseCommand):
    help = (
        "Put a new key in the place of the present one, and log it. What the old one signed stays provable."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("purpose", choices=PURPOSES)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            row = events.rotate(options["purpose"])
        except (events.EventRefused, SigningError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"The {row.purpose} key is now {row.key_id}. It is in the trust file and in the log."
        )
