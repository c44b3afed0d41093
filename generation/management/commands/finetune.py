from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog import jobs
from catalog.management.people import artist_named
from generation import adapters, fine_tuning
from generation.models import Adapter
from generation.submitting import Refused
from generation.training.recipe import Recipe


class Command(BaseCommand):
    help = (
        "Trains an adapter on an artist's catalog, here and now. Interrupted, it goes on with --continue ID."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--artist", required=True, help="login name")
        parser.add_argument("--name", default="")
        parser.add_argument(
            "--base", default="musicgen-small", help="a MusicGen model that is on this machine"
        )
        parser.add_argument("--generated", action="store_true", help="also learn from takes in the library")
        parser.add_argument(
            "--aggregate", action="store_true", help="also from the catalogs of all who agreed"
        )
        parser.add_argument("--genre", default="", help="of an aggregate: only recordings of this genre")
        parser.add_argument("--continue", dest="go_on", metavar="ID", help="a training that stopped")
        usual = Recipe()
        for name, value in usual.to_json().items():
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(option, type=type(value), default=value, help=f"(default: {value:g})")

    def handle(self, *, artist: str, go_on: str | None, **asked: Any) -> None:
        owner = artist_named(artist)
        try:
            if go_on:
                row = adapters.of(owner).filter(pk=go_on).first()
                if row is None:
                    raise CommandError(f"{artist} has no adapter {go_on}.")
                adapters.go_on(row)
            else:
                wanted = ("name", "base", "generated", "aggregate", "genre")
                row, _ = adapters.start(
                    owner, recipe=Recipe.from_json(asked), **{name: asked[name] for name in wanted}
                )
        except Refused as error:
            raise CommandError(str(error)) from None
        self.stdout.write(row.pk)
        row.refresh_from_db()  # a stopped one waits again now
        told = -1
        while not row.is_over:
            # A worker may have it for a slice: then we wait for our turn.
            if fine_tuning.run(row.pk) == "not ours":
                jobs.recover(Adapter)
                time.sleep(0.5)
            row.refresh_from_db()
            if row.step != told and row.curves.get("validation"):
                told = row.step
                loss = row.curves["validation"][-1][1]
                self.stdout.write(f"step {row.step} of {row.steps}: validation loss {loss:.3f}")
        if row.status != Adapter.READY:
            raise CommandError(row.error or f"The training is {row.status}.")
        losses = row.card["losses"]
        self.stdout.write(
            f"{row.name}: validation loss {losses['before']:.3f} before, {losses['best']:.3f} at step "
            f"{losses['best_step']}; {row.certificate_id}\n  {row.folder / 'adapter.safetensors'}"
        )
