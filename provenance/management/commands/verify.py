from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError, CommandParser

from provenance import disclosure
from provenance.anchoring import node
from provenance.verification import NotAudio, Verdict, verify_file

logger = logging.getLogger(__name__)

USAGE, NOT_AUDIO, MISSING, CRASH = 64, 65, 66, 70  # as sysexits.h names them
MARKS = {True: "yes", False: "NO ", None: " - "}


class Command(BaseCommand):
    help = (
        "Is this recording what it says it is? Exit status 0 intact, 1 altered or forged, 2 no credentials, "
        "3 recognised only, 4 revoked, 5 sound intact but the "
        "file around it changed; 64 and above: not checked (65 not audio, 66 no such file)."
    )
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **options: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **options)

        def refuse(message: str) -> NoReturn:
            """argparse would exit with 2, which means "no credentials" here."""
            if parser.called_from_command_line:
                parser.print_usage(sys.stderr)
                parser.exit(USAGE, f"{parser.prog}: {message}\n")
            raise CommandError(message, returncode=USAGE)

        parser.error = refuse  # type: ignore[method-assign]
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument(
            "--disclosure", type=Path, metavar="FILE", help="private parts somebody opened to you"
        )
        parser.add_argument(
            "--rpc",
            metavar="URL",
            help="a node of an EVM chain to ask whether what was anchored stands there",
        )
        parser.add_argument("--json", action="store_true", help="print the verdict as one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.", returncode=MISSING)
        shown: Path | None = options["disclosure"]
        try:
            parts = disclosure.parse(shown.read_bytes()) if shown else None
        except OSError as error:
            raise CommandError(f"There is no file {shown}.", returncode=MISSING) from error
        except disclosure.DisclosureError as error:
            raise CommandError(str(error), returncode=NOT_AUDIO) from error
        try:
            chain = node(options["rpc"]) if options["rpc"] else None
        except ValueError as error:
            raise CommandError(f"--rpc: {error}", returncode=USAGE) from None
        try:
            verdict = verify_file(path, filename=path.name, disclosure=parts, chain=chain)
        except NotAudio as error:
            raise CommandError(str(error), returncode=NOT_AUDIO) from error
        except Exception as error:
            logger.exception("verify failed")
            raise CommandError(
                f"The check itself failed, which says nothing about the file: {error}", returncode=CRASH
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps({"file": str(path), **verdict.to_json()}, ensure_ascii=False))
        else:
            self._say(verdict)
        if verdict.exit_code:
            sys.exit(verdict.exit_code)

    def _say(self, verdict: Verdict) -> None:
        self.stdout.write(f"{verdict.state.value.replace('_', ' ').capitalize()}. {verdict.sentence}\n\n")
        for check in verdict.checks:
            self.stdout.write(f"  {MARKS[check.ok]}  {check.name:<11} {check.sentence}")
        if verdict.certificate:
            self.stdout.write(f"\n  certificate  {verdict.certificate.pk}")
