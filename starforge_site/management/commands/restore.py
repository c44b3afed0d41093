"""`manage.py restore SRC`: a backup into an empty installation, and the proof that all of it came back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from provenance.log import notes
from starforge_site.backup import BackupError
from starforge_site.backup.restoring import Restored, check, restore

SHOWN = 20


class Command(BaseCommand):
    help = (
        "Restore a backup into an empty installation; every file is hashed and the log replayed. Exit status 0: all "
        "of it is back. 1: something is not, and it is said what."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("src", type=Path, metavar="SRC", help="a folder that `backup` made")
        parser.add_argument("--check", action="store_true", help="only hash everything in the backup")
        parser.add_argument(
            "--kept",
            type=Path,
            action="append",
            default=[],
            metavar="FILE",
            help="a checkpoint that was published or kept elsewhere: the log must continue it",
        )

    def handle(self, *, src: Path, check: bool, kept: list[Path], **_: Any) -> None:
        try:
            faults = self.checked(src) if check else self.restored(src, [_note(path) for path in kept])
        except BackupError as error:
            raise CommandError(str(error)) from error
        for fault in faults[:SHOWN]:
            self.stdout.write(f"  {fault}")
        if len(faults) > SHOWN:
            self.stdout.write(f"  and {len(faults) - SHOWN:,} more.")
        if faults:
            sys.exit(1)

    def checked(self, src: Path) -> list[str]:
        faults = check(src)
        self.stdout.write(
            "Not all of this backup is whole." if faults else "Every file of this backup is whole."
        )
        return faults

    def restored(self, src: Path, kept: list[str]) -> list[str]:
        done = restore(src, kept=kept)
        self.stdout.write(
            f"{done.files:,} files of {filesizeformat(done.bytes)} are back, each with its hash."
            if not done.faults
            else "The backup was put back, and not all of it is as it should be:"
        )
        if done.log is not None and done.log.sound:
            self.stdout.write(done.log.sentence)
        for sentence in _beside(done):
            self.stdout.write(sentence)
        return done.faults


def _beside(done: Restored) -> list[str]:
    found = []
    if done.absent:
        found.append(
            f"{len(done.absent):,} places were empty when the backup was made, {done.absent[0]} for one."
        )
    if done.moved:
        found.append(f"What lay in the place of keys and secrets is beside them: {done.moved[0]}.")
    if not done.keys:
        found.append(
            "The backup held no keys: put keys/ and secrets/ into the data folder before the site starts."
        )
    return found


def _note(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        return notes.parse_proof(text).note if text.startswith(notes.PROOF_HEADER) else text
    except (OSError, UnicodeDecodeError, notes.NoteError) as error:
        raise CommandError(f"{path} is neither a checkpoint nor a log proof: {error}") from error
