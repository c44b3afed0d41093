"""`manage.py backup DEST`: database, media and keys, while the site runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from starforge_site.backup import BackupError
from starforge_site.backup.making import Made, make


class Command(BaseCommand):
    help = (
        "Back up database, media, keys and secrets into a new folder, while the site runs. Exit status 1: made, but "
        "recordings are damaged."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dest", type=Path, metavar="DEST", help="a folder that does not exist yet")
        parser.add_argument(
            "--without-keys",
            action="store_true",
            help="leave private keys and secrets out: keep them elsewhere",
        )
        parser.add_argument(
            "--since", type=Path, metavar="BACKUP", help="link what is the same in this earlier backup"
        )

    def handle(self, *, dest: Path, without_keys: bool, since: Path | None, **_: Any) -> None:
        try:
            done = make(dest.resolve(), keys=not without_keys, since=since.resolve() if since else None)
        except BackupError as error:
            raise CommandError(str(error)) from error
        for sentence in said(done):
            self.stdout.write(sentence)
        if done.damaged:
            sys.exit(1)


def said(done: Made) -> list[str]:
    linked = f", {done.linked:,} of them linked to the earlier backup" if done.linked else ""
    found = [
        f"Backed up into {done.folder}: a database of {filesizeformat(done.database)}, {done.files:,} files of "
        f"{filesizeformat(done.bytes)}{linked}, a log of {done.entries:,} entries."
    ]
    if done.absent:
        found.append(
            f"{len(done.absent):,} places that the database names were empty, {done.absent[0]} for one: deleted while "
            "the backup was made, or lost before."
        )
    if done.damaged:
        found.append(
            f"{len(done.damaged):,} recordings are no longer as they were uploaded, {done.damaged[0]} for one: the "
            "disk is failing, or somebody changed them. They were backed up as they are; keep the earlier backups."
        )
    found.append(
        "It holds the private keys and secrets: whoever reads it can stamp in your name. Keep it encrypted."
        if done.keys
        else "It holds no private keys and no secrets. Without them a restored site cannot sign as this one did, "
        "nor read the marks in its takes: keep STARFORGE_DATA/keys and /secrets elsewhere."
    )
    return found
