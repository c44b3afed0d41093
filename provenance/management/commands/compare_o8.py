"""`manage.py compare_o8`: look again at what stands on o8, for a nightly timer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Q
from django.utils import timezone

from provenance import outbox
from provenance.models import ExternalStamp


class Command(BaseCommand):
    help = "Queue a comparison of every declaration on o8 that was not compared for some days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days", type=int, default=7, help="leave out what was compared since (default 7)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        before = timezone.now() - timedelta(days=options["days"])
        declared = ExternalStamp.objects.filter(status=ExternalStamp.READY, missing=False).exclude(
            remote_id=""
        )
        due = declared.filter(Q(compared_at=None) | Q(compared_at__lt=before))
        total = declared.count()
        asked = sum(outbox.send_again(row, urgent=False) for row in list(due))
        self.stdout.write(f"{asked:,} of {total:,} declarations will be compared by the workers.")
