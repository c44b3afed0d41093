from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import F
from django.utils import timezone

from catalog import intake, jobs
from catalog.listening import listen
from catalog.management.people import artist_named
from catalog.models import Track


class Command(BaseCommand):
    help = "Takes files or folders into an artist's catalog and analyses what is waiting, here and now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*", type=Path, help="sound files or folders to take in first")
        parser.add_argument("--artist", required=True, help="login name")
        parser.add_argument(
            "--again", action="store_true", help="measure tracks again that are ready or failed"
        )

    def handle(self, *, paths: list[Path], artist: str, again: bool, **_: Any) -> None:
        owner = artist_named(artist)
        for path in self.files(paths):
            try:
                track = intake.accept_file(owner, path).track
                self.stdout.write(f"added     {track.title}")
            except intake.Duplicate as duplicate:
                self.stdout.write(f"known     {path.name}: “{duplicate.track.title}”")
            except intake.Refused as refused:
                self.stdout.write(f"refused   {path.name}: {refused.reason}")
        if again:
            for track in (
                Track.objects.of(owner).filter(status__in=[Track.READY, Track.FAILED]).order_by("queued_at")
            ):
                Track.objects.filter(pk=track.pk).update(
                    status=Track.QUEUED,
                    attempts=0,
                    error="",
                    finished_at=None,
                    queued_at=timezone.now(),
                    version=F("version") + 1,
                )
        waiting = list(Track.objects.of(owner).filter(status=Track.QUEUED).order_by("queued_at"))
        failed = 0
        for number, track in enumerate(waiting, start=1):
            listen(track.pk)
            track.refresh_from_db()
            if track.status == Track.RUNNING:
                outcome = "elsewhere, another worker has it"
            elif track.status == Track.READY:
                outcome = f"{track.bpm or 0:.1f} BPM, {track.key.name if track.key else 'no key'}"
            else:
                failed += 1
                outcome = f"failed: {track.error}"
            self.stdout.write(f"{number:>4}/{len(waiting)} {track.title}: {outcome}")
        jobs.recover(Track)
        if failed:
            raise CommandError(f"{failed} of {len(waiting)} tracks failed.")

    def files(self, paths: list[Path]) -> list[Path]:
        found: list[Path] = []
        for path in paths:
            if path.is_dir():
                found += sorted(
                    one for one in path.rglob("*") if one.is_file() and not one.name.startswith(".")
                )
            elif path.is_file():
                found.append(path)
            else:
                raise CommandError(f"{path} is neither a file nor a folder.")
        return found
