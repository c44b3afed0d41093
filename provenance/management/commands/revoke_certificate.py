from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provenance import events
from provenance.models import Certificate
from provenance.signing import SigningError


class Command(BaseCommand):
    help = "Take one certificate back, and log it. Its page and its files answer “revoked” from then on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("certificate", metavar="CERTIFICATE_ID")
        parser.add_argument(
            "--because", required=True, metavar="TEXT", help="published beside the revocation"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        found = Certificate.objects.filter(pk=options["certificate"]).first()
        if found is None:
            raise CommandError("There is no certificate with this id.")
        try:
            events.revoke_certificate(found, options["because"])
        except (events.EventRefused, SigningError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{found.pk} is revoked. The log says so at its end.")
