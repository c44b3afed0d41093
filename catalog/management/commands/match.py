from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.audio.errors import AudioError
from catalog.management.people import artist_named
from catalog.matching import EmptyCatalog, match_file


class Command(BaseCommand):
    help = (
        "Says how far each file would be this artist's: one JSON object a line. Adds nothing to the catalog."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--artist", required=True, help="login name")

    def handle(self, *, files: list[Path], artist: str, **_: Any) -> None:
        owner = artist_named(artist)
        failed = 0
        for path in files:
            try:
                answer = match_file(owner, path).to_json()
            except EmptyCatalog as error:
                raise CommandError(str(error)) from None
            except (AudioError, OSError) as error:
                failed += 1
                answer = {"error": getattr(error, "reason", None) or str(error)}
            self.stdout.write(json.dumps({"file": str(path), **answer}, ensure_ascii=False))
        if failed:
            raise CommandError(f"{failed} of {len(files)} files could not be read.")
