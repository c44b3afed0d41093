"""Backups: made while the site runs, put back into an empty installation, and proved."""

from __future__ import annotations

import json
import shutil
import sqlite3
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as product
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from catalog import observed
from generation.models import GeneratedTrack
from provenance.log import store
from starforge_site.backup import BackupError, making, restoring
from starforge_site.backup.files import below, sha256_of
from tests.generation.stamped import stamped
from tests.people import owner
from tests.rows import give_stems, ready_track, take_of
from tests.site import processes

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def home(settings: Settings, tmp_path: Path) -> Path:
    """An installation of its own with a track, a stamped take with stems, and a log of two entries."""
    settings.STARFORGE_DATA = tmp_path / "data"
    settings.MEDIA_ROOT = tmp_path / "media"
    artist = owner().artist
    track = ready_track(artist)
    track.file_sha256 = sha256_of(track.file)
    track.save()
    take = take_of(artist)
    give_stems(take)
    take.certificate = stamped(artist, tmp_path / "one")
    take.save()
    stamped(artist, tmp_path / "two")
    store.checkpoint()
    return tmp_path


def hashes(folder: Path) -> dict[str, str]:
    return {str(one.relative_to(folder)): sha256_of(one) for one in below(folder)}


def counted(data: Path, url: str, table: str) -> int:
    """Rows of a table in what was restored, read without Django."""
    query = f"SELECT count(*) FROM {table}"  # noqa: S608
    if not url:
        return int(sqlite3.connect(data / "starforge.sqlite3").execute(query).fetchone()[0])
    import psycopg

    with psycopg.connect(url) as found:
        row = found.execute(query).fetchone()  # type: ignore[call-overload]
        return int(row[0])


def test_a_backup_comes_back_whole_and_its_log_is_proved(home: Path, request: pytest.FixtureRequest) -> None:
    kept = home / "kept.txt"
    kept.write_text(store.latest_checkpoint().note)
    out = StringIO()
    call_command("backup", str(home / "backup"), stdout=out)
    assert "a log of 2 entries" in out.getvalue() and "Keep it encrypted" in out.getvalue()
    assert (home / "backup").stat().st_mode & 0o077 == 0
    new, url = home / "new", ""
    if connection.vendor == "postgresql":
        url = request.getfixturevalue("postgres")
    done = processes.manage(new, "restore", str(home / "backup"), "--kept", str(kept), DATABASE_URL=url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The log holds: 2 entries" in done.stdout and "each with its hash" in done.stdout
    assert hashes(new / "media") == hashes(Path(product.MEDIA_ROOT))
    assert {"stamp.pem", "log.pem"} <= set(hashes(new / "keys"))
    assert hashes(new / "keys") == hashes(Path(product.STARFORGE_DATA) / "keys")
    for table, rows in (("generated_tracks", 1), ("catalog_track", 1), ("provenance_logentry", 2)):
        assert counted(new, url, table) == rows


def test_only_an_empty_installation_is_restored_into(home: Path) -> None:
    making.make(home / "backup")
    with pytest.raises(BackupError, match="There is something in this database already"):
        restoring.restore(home / "backup")


def test_damage_is_found_and_named(home: Path) -> None:
    backup = making.make(home / "backup").folder
    assert restoring.check(backup) == []
    stem = next(one for one in below(backup / "media") if one.suffix == ".flac")
    stem.write_bytes(stem.read_bytes()[:-1] + b"\0\0")
    track = next((backup / "media" / "tracks").iterdir())
    track.unlink()
    faults = restoring.check(backup)
    assert (
        len(faults) == 2
        and any("is damaged" in one for one in faults)
        and any("is missing" in one for one in faults)
    )
    file = backup / json.loads((backup / "manifest.json").read_text())["database"]["file"]
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(BackupError, match=f"{file.name} in .* is damaged"):
        restoring.check(backup)


def test_a_recording_that_rotted_is_named_and_stops_no_backup(home: Path) -> None:
    track = next((Path(product.MEDIA_ROOT) / "tracks").iterdir())
    track.write_bytes(track.read_bytes()[:-1] + b"\0\0")
    out = StringIO()
    with pytest.raises(SystemExit) as stopped:
        call_command("backup", str(home / "backup"), stdout=out)
    assert (
        stopped.value.code == 1 and f"no longer as they were uploaded, tracks/{track.name}" in out.getvalue()
    )
    restored = restoring.Restored()
    restoring._references(making.listing(home / "backup"), restored)
    assert restored.faults == [f"tracks/{track.name} is not the file that the database names."]


def test_a_backup_is_whole_or_is_not_there(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any) -> str:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(making, "copy", killed)
        patch.setattr(shutil, "rmtree", lambda *_, **__: None)  # as after SIGKILL: nobody cleans up
        with pytest.raises(Killed):
            making.make(home / "backup")
    assert not (home / "backup").exists() and list(home.glob(".backup.incomplete"))
    assert making.make(home / "backup").files > 0
    assert not list(home.glob(".backup.incomplete"))
    with pytest.raises(BackupError, match="there already"):
        making.make(home / "backup")


def test_what_is_deleted_meanwhile_is_said_and_missed_by_nobody(home: Path) -> None:
    shutil.rmtree(GeneratedTrack.objects.get().folder)
    done = making.make(home / "backup")
    assert done.absent == [GeneratedTrack.objects.get().audio_path]
    restored = restoring.Restored(absent=done.absent)
    restoring._references(making.listing(done.folder), restored)
    assert restored.faults == []
    restoring._references({}, restored)
    assert len(restored.faults) == 1 and "named in the database and not here" in restored.faults[0]


def test_a_second_backup_links_what_did_not_change(home: Path) -> None:
    first = making.make(home / "first")
    second = making.make(home / "second", since=home / "first")
    assert (first.linked, second.linked) == (0, second.files)
    assert restoring.check(home / "second") == [] and hashes(home / "second" / "media") == hashes(
        home / "first" / "media"
    )
    GeneratedTrack.objects.get().file("wav").write_bytes(b"another")
    assert making.make(home / "third", since=home / "first").linked == second.files - 1


def test_keys_can_be_left_out(home: Path) -> None:
    out = StringIO()
    call_command("backup", str(home / "backup"), "--without-keys", stdout=out)
    assert "no private keys" in out.getvalue()
    assert not (home / "backup" / "keys").exists() and not (home / "backup" / "secrets").exists()


def test_a_log_that_went_on_after_the_backup_is_not_called_whole(home: Path) -> None:
    manifest = restoring.manifest_of(making.make(home / "backup").folder)
    before = restoring.Restored()
    restoring._log(manifest, [store.latest_checkpoint().note], before)
    assert before.faults == [] and before.log and before.log.entries == 2
    stamped(GeneratedTrack.objects.get().generation.artist, home / "three")
    after = restoring.Restored()
    restoring._log(manifest, [store.checkpoint().note], after)
    assert after.beyond == 1 and any("1 entries that were published since" in one for one in after.faults)
    forged = restoring.Restored()
    restoring._log(manifest, [store.latest_checkpoint().note.replace("3", "2", 1)], forged)
    assert any("cannot be compared" in one for one in forged.faults)


def test_an_upgrade_waits_for_the_workers_and_wants_a_backup(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starforge_site.management.commands import upgrade

    monkeypatch.setattr(upgrade, "_pending", lambda: ["generation.9999_next"])
    beat = observed.beat("cpu")
    with pytest.raises(CommandError, match="Stop the site"):
        call_command("upgrade")
    observed.gone(beat)
    with pytest.raises(CommandError, match="Add --backup"):
        call_command("upgrade")
    out = StringIO()
    call_command("upgrade", "--backup", str(home / "backup"), stdout=out)
    assert "Ready." in out.getvalue() and restoring.check(home / "backup") == []
