from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from catalog.models import Artist
from catalog.rescoring import outdated, rescore


class Command(BaseCommand):
    help = "Tells every energy again after the background has changed, from stored measures. `up` does it by itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="also artists who are up to date")

    def handle(self, *, all: bool, **_: Any) -> None:  # noqa: A002 - the option's name
        artists = list(Artist.objects.order_by("pk")) if all else outdated()
        changed = sum(rescore(artist) for artist in artists)
        self.stdout.write(f"{len(artists)} artists, {changed} energies changed.")
