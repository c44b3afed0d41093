from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog import importing
from catalog.imports import ImportRefused
from catalog.management.people import artist_named
from catalog.models import Import

LINES = (
    ("read", "read"),
    ("created", "new"),
    ("updated", "updated"),
    ("unchanged", "unchanged"),
    ("matched", "matched with recordings"),
    ("ambiguous", "to be decided on the import's page"),
    ("metadata_only", "known by name, without audio"),
    ("rejected", "rejected"),
    ("playlists", "playlists"),
)
SHOWN = 20


class Command(BaseCommand):
    help = (
        "Reads a collection (Rekordbox XML, CSV or M3U, told by content) into an artist's catalog, here and now, "
        "and prints what became of it. Reading it again updates what it says and changes nothing else."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--artist", required=True, help="login name")

    def handle(self, *, file: Path, artist: str, **_: Any) -> None:
        owner = artist_named(artist)
        try:
            with file.open("rb") as stream:
                row = importing.submit(owner, stream=stream, filename=file.name, queue=False)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}.") from None
        except ImportRefused as error:
            raise CommandError(error.reason) from None
        outcome = importing.read_collection(row.pk)
        row.refresh_from_db()
        if outcome == "not ours":
            raise CommandError("Another worker is reading this very file. Its report is at /catalog/import/.")
        if row.status != Import.READY:
            raise CommandError(row.error or "The import was cancelled.")
        counts, lists = row.report["counts"], row.report["lists"]
        for name, words in LINES:
            if counts[name]:
                self.stdout.write(f"{counts[name]:>7,} {words}")
        for fate, words in (("rejected", "Rejected"), ("warnings", "Remark")):
            for one in lists[fate][:SHOWN]:
                self.stdout.write(f"{words}: {one['name']}: {one['reason']}")
            if counts[fate] > SHOWN:
                self.stdout.write(f"{words}: and {counts[fate] - SHOWN:,} more of these")
