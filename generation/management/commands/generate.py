from __future__ import annotations

import shutil
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from catalog import jobs
from catalog.management.people import artist_named
from generation import lifecycle
from generation.brief import Reference
from generation.models import Generation
from generation.pipeline import run
from generation.prompting import BadWishes, Wishes


class Command(BaseCommand):
    help = "Generates takes in an artist's style, here and now, stamped and logged like any other."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--artist", required=True, help="login name")
        parser.add_argument("--prompt", default="")
        parser.add_argument("--bpm", type=float)
        parser.add_argument("--energy", type=float)
        parser.add_argument("--key")
        parser.add_argument("--genre")
        parser.add_argument("--seconds", type=float)
        parser.add_argument("--seed", type=int)
        parser.add_argument("--takes", type=int, default=1)
        parser.add_argument("--reference", action="append", default=[], metavar="TRACK[:ROLE]")
        parser.add_argument("--engine", default="mosaic")
        parser.add_argument("--out", type=Path, help="also copy the best take here (.wav, .flac or .mp3)")

    def handle(self, *, artist: str, out: Path | None, **asked: Any) -> None:
        owner = artist_named(artist)
        if out is not None and out.suffix.lower() not in {".wav", ".flac", ".mp3"}:
            raise CommandError("--out ends in .wav, .flac or .mp3.")
        references = tuple(
            Reference(track, role or "all")
            for track, _, role in (one.partition(":") for one in asked["reference"])
        )
        wishes = Wishes(
            prompt=asked["prompt"],
            bpm=asked["bpm"],
            energy=asked["energy"],
            key=asked["key"],
            genre=asked["genre"],
            duration_seconds=asked["seconds"],
            seed=asked["seed"],
            takes=asked["takes"],
            references=references,
        )
        try:
            generation, _ = lifecycle.submit(owner, wishes=wishes, engine=asked["engine"])
        except (BadWishes, lifecycle.Refused) as error:
            raise CommandError(str(error)) from None
        began = time.monotonic()
        # A worker may be quicker than we are: then we wait for it instead.
        if run(generation.pk) == "not ours":
            while not Generation.objects.get(pk=generation.pk).is_over:
                jobs.recover(Generation)
                time.sleep(0.5)
        generation.refresh_from_db()
        if generation.status != Generation.READY:
            raise CommandError(generation.error or f"The generation is {generation.status}.")
        for note in generation.notes:
            self.stdout.write(note)
        takes = list(generation.takes.select_related("certificate").order_by("-similarity_score"))
        for take in takes:
            self.stdout.write(
                f"{take.title}: match {take.similarity_score:.1%}, {take.measured['bpm']} BPM, "
                f"{take.measured['key']}, {take.measured['lufs']} LUFS, {take.certificate_id}\n"
                f"  {take.file('wav').relative_to(settings.MEDIA_ROOT)}"
            )
        self.stdout.write(f"{time.monotonic() - began:.1f} seconds")
        if out is not None:
            shutil.copyfile(takes[0].file(out.suffix.lower().lstrip(".")), out)
            self.stdout.write(f"Wrote {out}")
