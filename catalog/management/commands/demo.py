from __future__ import annotations

import os
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connections, transaction

from catalog import intake
from catalog.accounts import create_artist, declare_rights
from catalog.models import Artist, Track

RIGHTS = "Synthesised by Starforge itself for demonstration; no rights of others are touched."


class Command(BaseCommand):
    help = (
        "Makes the demo artists: procedural music with known tempo and key. The first logs in as demo / demo."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--only", default="", help="slug of one demo artist")

    def handle(self, *, only: str, **_: Any) -> None:
        from catalog.demo import ARTISTS
        from catalog.demo.write import write_artist

        wanted = [one for one in ARTISTS if not only or one.slug == only]
        total = sum(len(one.tracks) for one in wanted)
        done = 0
        for position, one in enumerate(wanted):
            # The first is the one a visitor logs in as.
            username = "demo" if one is ARTISTS[0] else one.slug
            artist = self.artist(username, one)
            if Track.objects.of(artist).count() >= len(one.tracks):
                done += len(one.tracks)
                continue
            before = done

            def progress(number: int, count: int, *_: object, before: int = before) -> None:
                self.stdout.write(
                    f"\rWriting the demo artists' music: {before + number} of {total} tracks", ending=""
                )
                self.stdout.flush()

            with tempfile.TemporaryDirectory(dir=settings.STARFORGE_DATA) as folder:
                connections.close_all()
                paths = write_artist(one, Path(folder), processes=os.cpu_count() or 1, on_progress=progress)
                for path, track in zip(paths, one.tracks, strict=True):
                    try:
                        intake.accept_file(artist, path, title=track.title)
                    except intake.Duplicate:
                        continue
            done += len(one.tracks)
            if position == len(wanted) - 1:
                self.stdout.write("")
        self.stdout.write(f"{len(wanted)} demo artists, {total} tracks. Their analysis runs in the workers.")

    def artist(self, username: str, one: Any) -> Artist:
        known = Artist.objects.filter(user__username=username).first()
        if known is not None:
            return known
        with transaction.atomic():
            artist = create_artist(username=username, password=username, name=one.name, is_demo=True)
            Artist.objects.filter(pk=artist.pk).update(bio=one.bio)
            declare_rights(artist, statement=RIGHTS)
        return artist
