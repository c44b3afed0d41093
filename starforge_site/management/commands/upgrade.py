"""`manage.py upgrade`: what a new version needs before it starts, in order, with a backup first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from catalog import observed
from catalog.rescoring import outdated
from provenance import keys
from starforge_site.backup import BackupError, databases
from starforge_site.backup.making import make
from starforge_site.management.commands.backup import said


class Command(BaseCommand):
    help = "Prepare the database for this version: check, back up, migrate. The site must not be running."
    requires_system_checks = ["starforge"]

    def add_arguments(self, parser: CommandParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--backup", type=Path, metavar="DEST", help="back up into this new folder first")
        choice.add_argument("--no-backup", action="store_true", help="you have a backup of this moment")

    def handle(self, *, backup: Path | None, no_backup: bool, **_: Any) -> None:
        fresh = databases.is_empty()
        steps = _pending()
        self.stdout.write(
            f"{len(steps)} migrations to apply{':' if steps else '.'} {', '.join(steps)}".strip()
        )
        alive = _workers()
        if steps and alive:
            raise CommandError(
                f"Workers of this installation still run ({len(alive)}, on {alive[0].host} for one). "
                "Stop the site and its workers on every machine first."
            )
        if steps and not fresh and not no_backup:
            if backup is None:
                raise CommandError(
                    "A migration cannot be taken back. Add --backup /where/to, or --no-backup if you have one."
                )
            try:
                for sentence in said(make(backup.resolve())):
                    self.stdout.write(sentence)
            except BackupError as error:
                raise CommandError(str(error)) from error
        call_command("migrate", verbosity=0, interactive=False)
        keys.ensure()
        if outdated():
            call_command("rescore")
        self.stdout.write("Ready. Start the site and its workers.")


def _workers() -> list[observed.WorkerSeen]:
    """Those that live. A database from before they were rows tells of none."""
    known = observed.WorkerSeen._meta.db_table in connection.introspection.table_names()
    return observed.alive() if known else []


def _pending() -> list[str]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
