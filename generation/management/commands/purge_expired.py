"""Remove full audio that no plan keeps any longer. The queue does so by itself every quarter of an hour."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.template.defaultfilters import filesizeformat

from generation import retention


class Command(BaseCommand):
    help = "Remove the full audio of takes whose time is over; previews, recipes and certificates stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        if dry_run:
            rows = retention.due().select_related("generation__artist").order_by("full_until")
            for take in rows.only("title", "full_until", "size_bytes", "generation__artist__name"):
                self.stdout.write(
                    f"{take.pk}  {take.full_until:%Y-%m-%d}  {filesizeformat(take.size_bytes)}  "
                    f"{take.generation.artist.name}: {take.title}"
                )
            self.stdout.write(f"{rows.count()} takes would go.")
            return
        done = retention.purge(seconds=float("inf"))
        self.stdout.write(f"{done.takes} takes, {filesizeformat(done.freed)} freed.")
        if done.failed:
            self.stderr.write(f"{done.failed} could not be removed; the log says why. They are tried again.")
