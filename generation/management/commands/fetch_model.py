from __future__ import annotations

import getpass
import logging
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation import fetching
from generation.engines.neural.catalogue import Model
from generation.engines.neural.places import models_folder
from generation.hub import FetchError, Progress
from generation.hub.errors import size

EVERY = 0.5  # seconds between two lines of progress on a terminal; a log gets one for each tenth


class Command(BaseCommand):
    help = "Fetches the weights of a model, with all it needs, resumed where it was cut and checked byte by byte."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", nargs="?", help="of the list that --list shows")
        parser.add_argument(
            "--list", action="store_true", help="every model: size, licence, whether it is here"
        )
        parser.add_argument(
            "--check", action="store_true", help="only read what is here and compare every byte"
        )
        parser.add_argument(
            "--accept-licence",
            "--accept-license",
            action="store_true",
            dest="accept",
            help="say yes to the licence without being asked",
        )

    def handle(self, *, name: str | None, accept: bool, check: bool, **options: Any) -> None:
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # one line for each request is no progress
        if options["list"]:
            return self.show()
        if not name:
            raise CommandError("Name a model, or --list them.")
        try:
            if check:
                if why := fetching.verify_model(name):
                    raise CommandError(why)
                self.stdout.write("Every byte is as it was when it came.")
                return None
            models = fetching.wanted(name)
            accepted_by = self.accepted(models, accept)
            manifests = fetching.fetch_model(
                name, accepted_by=accepted_by, on_progress=_Line(self.stdout).tell
            )
        except FetchError as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError(
                "Stopped. What has come is kept: the same command goes on from there."
            ) from None
        for manifest in manifests:
            total = size(sum(kept.size for kept in manifest.files.values()))
            self.stdout.write(f"{manifest.name}: {total}, checked, in {models_folder() / manifest.name}")
        self.stdout.write(
            "It is ready: choose its engine in the Studio. Nothing more is fetched from now on."
        )
        return None

    def accepted(self, models: list[Model], accept: bool) -> str | None:
        """Show the licences. Who accepts them now: by the option, or by yes on a terminal."""
        for licence in fetching.licences_of(models):
            named = ", ".join(model.label for model in models if model.licence == licence)
            self.stdout.write(f"{named}: {licence.name}. {licence.summary}\n  {licence.url}")
        who = f"{getpass.getuser()} at the command line"
        if accept:
            return who
        if not sys.stdin.isatty():
            return None
        answer = input("Do you accept? Type yes: ").strip().lower()
        if answer != "yes":
            raise CommandError("Not accepted, so nothing was fetched.")
        return who

    def show(self) -> None:
        rows = [("NAME", "SIZE", "LICENCE", "STATE")]
        for one in fetching.listed():
            model = one.model
            use = "" if model.licence.commercial_use else ", not for commercial use"
            gated = ", asks for an account" if model.licence.gated else ""
            rows.append(
                (
                    model.name,
                    size(model.size_bytes),
                    f"{model.licence.name}{use}{gated}",
                    f"{one.state} {one.why}".strip(),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            self.stdout.write(
                "  ".join(
                    [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]
                ).rstrip()
            )


class _Line:
    """Progress with rate and what is left: one line that is written over on a terminal, one for each tenth in a log."""

    def __init__(self, out: Any) -> None:
        self.out, self.terminal = out, sys.stdout.isatty()
        self.model, self.began, self.at, self.told, self.tenth = "", 0.0, 0, 0.0, -1

    def tell(self, model: Model, progress: Progress) -> None:
        now = time.monotonic()
        if model.name != self.model:
            self.model, self.began, self.at, self.told, self.tenth = model.name, now, progress.done, 0.0, -1
        whole = progress.done >= progress.total
        tenth = 10 * progress.done // max(1, progress.total)
        if not (
            whole
            or (self.terminal and now - self.told >= EVERY)
            or (not self.terminal and tenth > self.tenth)
        ):
            return
        self.told, self.tenth = now, tenth
        rate = (progress.done - self.at) / max(1e-3, now - self.began)
        left = f", {_clock((progress.total - progress.done) / rate)} left" if rate > 0 and not whole else ""
        words = f"{model.label}: {size(progress.done)} of {size(progress.total)}, {size(rate)}/s{left}, {progress.file}"
        if self.terminal:
            self.out.write("\r\033[K" + words[:120], ending="\n" if whole else "")
            self.out.flush()
        else:
            self.out.write(words)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
