from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provenance.log import notes
from provenance.log.audit import audit

logger = logging.getLogger(__name__)

UNREADABLE, MISSING, CRASH = 65, 66, 70  # as sysexits.h names them


class Command(BaseCommand):
    help = (
        "Replay the whole log: every hash, every checkpoint, every signature. Exit status 0 it holds, 1 it does"
        " not; 64 and above: not audited."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kept", type=Path, action="append", default=[], metavar="FILE",
                            help="a checkpoint or log proof somebody kept: this log must begin with it")  # fmt: skip
        parser.add_argument("--hashes-only", action="store_true", help="do not hash the certificates again")
        parser.add_argument("--json", action="store_true", help="print the report as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        kept = [_note(path) for path in options["kept"]]
        try:
            report = audit(kept=kept, bodies=not options["hashes_only"])
        except notes.NoteError as error:
            raise CommandError(f"What was kept cannot be compared: {error}", returncode=UNREADABLE) from error
        except Exception as error:
            logger.exception("audit failed")
            raise CommandError(f"The audit itself failed, which says nothing about the log: {error}",
                               returncode=CRASH) from error  # fmt: skip
        if options["json"]:
            self.stdout.write(json.dumps(report.to_json(), ensure_ascii=False))
        else:
            self.stdout.write(report.sentence)
            for fault in report.faults[1:]:
                self.stdout.write(f"  {fault}")
            self.stdout.write(f"  entries {report.entries:,}   hashes {report.nodes:,}   checkpoints"
                              f" {report.checkpoints:,}   certificates hashed again {report.bodies:,}")  # fmt: skip
            self.stdout.write(f"  root {report.root}")
        if not report.sound:
            sys.exit(1)


def _note(path: Path) -> str:
    """The signed checkpoint in a file: a checkpoint as it is, or the one a log proof ends in."""
    try:
        text = path.read_text(encoding="utf-8")
        return notes.parse_proof(text).note if text.startswith(notes.PROOF_HEADER) else text
    except OSError as error:
        raise CommandError(f"There is no file {path}.", returncode=MISSING) from error
    except (UnicodeDecodeError, notes.NoteError) as error:
        raise CommandError(
            f"{path} is neither a checkpoint nor a log proof.", returncode=UNREADABLE
        ) from error
