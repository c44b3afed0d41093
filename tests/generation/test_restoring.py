"""A take whose files are gone, made again: to the byte under its own certificate, or not at all.

But for the manifest of Content Credentials, which is signed anew: no two signatures are the same.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django_q.models import OrmQ

from catalog import intake, jobs
from catalog.models import Artist, Track
from generation import lifecycle, pipeline, restoring
from generation.engines import engines
from generation.models import GeneratedTrack, Generation, Restoration
from generation.prompting import Wishes
from provenance import verification
from provenance.lineage import parents
from tests.generation import stand_in as stand_ins
from tests.generation.finished import finished
from tests.people import Person, owner
from tests.provenance import claims
from tests.rows import catalog_of

pytestmark = pytest.mark.django_db(transaction=True)
WISHES = Wishes(prompt="techno, 180 BPM", duration_seconds=18, seed=5)


@pytest.fixture
def person(stand_in: str) -> Person:
    made = owner()
    catalog_of(made.artist)
    return made


@pytest.fixture
def artist(person: Person) -> Artist:
    return person.artist


def made(artist: Artist) -> GeneratedTrack:
    generation, _ = lifecycle.submit(artist, wishes=WISHES, engine="stand-in")
    assert pipeline.run(generation.pk) == "ready"
    return generation.takes.get()


def contents(folder: Path) -> dict[str, str]:
    """The hash of every file below a folder, without the manifest where it has one."""
    files = sorted(one for one in folder.rglob("*") if one.is_file())
    return {str(one.relative_to(folder)): hashlib.sha256(claims.without(one)).hexdigest() for one in files}


def restored(take: GeneratedTrack) -> Restoration:
    row, created = lifecycle.restore(take)
    assert created
    assert restoring.run(take.pk) == "ready", Restoration.objects.get(pk=take.pk).error
    row.refresh_from_db()
    return row


def test_every_file_comes_back_to_the_byte_under_the_same_certificate(artist: Artist) -> None:
    take = made(artist)
    before, certificate = contents(take.folder), take.certificate_id
    assert {"preview.mp3", "stems/kick.flac"} <= set(before) and len(before) == 4 + len(take.stems)
    shutil.rmtree(take.folder)
    row = restored(take)
    assert contents(take.folder) == before
    assert (row.status, row.found_sha256, row.note) == ("ready", take.render_sha256, "")
    take.refresh_from_db()
    assert take.certificate_id == certificate and artist.certificates.count() == 1
    for kind in ("wav", "flac", "mp3"):
        verdict = verification.verify_file(take.file(kind), filename=take.file(kind).name)
        assert verdict.exit_code == 0 and verdict.certificate and verdict.certificate.pk == certificate
    assert not list((Path(settings.MEDIA_ROOT) / "staging").glob("stage_*"))


def test_what_is_there_stays_and_what_is_missing_comes(artist: Artist) -> None:
    take = made(artist)
    before = contents(take.folder)
    take.file("flac").unlink()
    take.stem_file("bass").unlink()
    take.file("mp3").write_bytes(b"the artist's own words in the tags")
    kept = contents(take.folder)
    restored(take)
    after = contents(take.folder)
    assert after == before | {take.file("mp3").name: kept[take.file("mp3").name]}


def test_samples_that_differ_write_nothing_and_are_offered_as_a_new_take(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = made(artist)
    shutil.rmtree(take.folder)
    monkeypatch.setitem(stand_ins.PITCH, "bass", 82.5)  # as another version would compute it
    row, _ = lifecycle.restore(take)
    assert restoring.run(take.pk) == "different"
    row.refresh_from_db()
    assert row.status == "failed" and "not the same to the sample" in row.error
    assert row.found_sha256 and row.found_sha256 != take.render_sha256
    assert not take.folder.exists() and artist.certificates.count() == 1

    generation, created = lifecycle.remake(take)
    assert created and pipeline.run(generation.pk) == "ready"
    child = generation.takes.get()
    assert child.render_sha256 == row.found_sha256 and child.pk != take.pk
    assert child.generation.parent == take.generation and child.title == f"{take.title}, made again"
    assert child.certificate is not None and child.certificate_id != take.certificate_id
    assert parents(child.certificate.provenance) == [(take.certificate_id, "made again from")]
    assert child.plan["layers"] == take.plan["layers"]


def test_a_file_that_is_packed_differently_by_now_is_not_put_under_the_certificate(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.audio import encode

    take = made(artist)
    before = contents(take.folder)
    shutil.rmtree(take.folder)
    write = encode.write_mp3
    monkeypatch.setattr(
        encode, "write_mp3", lambda path, audio, rate, kbps: write(path, audio, rate, kbps=96)
    )
    row = restored(take)
    assert "MP3 would be packed differently by now" in row.note
    assert not take.file("mp3").exists() and take.file("preview").exists()
    name = take.file("wav").name
    assert contents(take.folder)[name] == before[name]
    assert lifecycle.restorable(take) == ""
    with pytest.raises(lifecycle.HereAlready):
        lifecycle.restore(take)


# --- what cannot be made again ------------------------------------------------------------------------


def test_nothing_is_made_again_while_it_is_there(artist: Artist) -> None:
    with pytest.raises(lifecycle.HereAlready, match="nothing to make again"):
        lifecycle.restore(made(artist))
    assert not Restoration.objects.exists()


def gone(artist: Artist, **fields: Any) -> GeneratedTrack:
    take = finished(artist, **fields)
    shutil.rmtree(take.folder)
    return take


def test_a_source_that_was_withdrawn_is_the_reason(artist: Artist) -> None:
    take = gone(artist)
    used = Track.objects.get(pk=take.plan["layers"]["kick"])
    intake.withdraw(used)
    with pytest.raises(lifecycle.CannotRestore, match=f"“{used.title}” is no longer among your recordings"):
        lifecycle.restore(take)
    with pytest.raises(lifecycle.CannotRestore):
        lifecycle.remake(take)


def test_a_source_that_goes_while_it_waits_is_the_reason_too(artist: Artist) -> None:
    take = gone(artist)
    row, _ = lifecycle.restore(take)
    intake.withdraw(Track.objects.get(pk=take.plan["layers"]["kick"]))
    assert restoring.run(take.pk) == "failed"
    row.refresh_from_db()
    assert "no longer among your recordings" in row.error and not row.found_sha256


def test_an_engine_without_replay_and_a_plan_of_another_version_are_reasons(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(lifecycle.CannotRestore, match="An earlier version of Stand-in"):
        lifecycle.restore(gone(artist, plan={"version": 0}))
    able = engines()["stand-in"].capabilities()
    monkeypatch.setattr(stand_ins.StandIn, "capabilities", lambda self: able - {"replay"})
    with pytest.raises(lifecycle.CannotRestore, match="makes each take from the start"):
        lifecycle.restore(gone(artist))


# --- the row is the job -------------------------------------------------------------------------------


def test_two_requests_are_one_job_and_an_ended_one_can_be_asked_for_again(artist: Artist) -> None:
    take = gone(artist)
    first, created = lifecycle.restore(take)
    second, again = lifecycle.restore(take)
    assert created and not again and first == second and OrmQ.objects.count() == 1
    assert jobs.cancel(second)
    third, once_more = lifecycle.restore(take)
    assert once_more and third.status == "queued" and third.attempts == 0 and OrmQ.objects.count() == 2


def test_a_death_while_files_are_put_back_is_made_good_by_the_next_worker(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = made(artist)
    before = contents(take.folder)
    shutil.rmtree(take.folder)
    lifecycle.restore(take)
    moved: list[Path] = []
    move = Path.replace

    def die_after_two(self: Path, target: Path) -> Path:
        if take.folder in Path(target).parents:
            if len(moved) == 2:
                raise SystemExit
            moved.append(self)
        return move(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", die_after_two)
        with pytest.raises(SystemExit):
            restoring.run(take.pk)
    assert len(contents(take.folder)) == 2
    Restoration.objects.filter(pk=take.pk).update(worker=f"{jobs.me().split('|')[0]}|999999999|1|1")
    assert lifecycle.recover() == 1
    assert restoring.run(take.pk) == "ready"
    assert contents(take.folder) == before


def test_a_take_that_is_deleted_meanwhile_leaves_nothing(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = gone(artist)
    lifecycle.restore(take)
    play = stand_ins.StandIn.replay

    def then_deleted(self: stand_ins.StandIn, *arguments: Any, **named: Any) -> Any:
        found = play(self, *arguments, **named)
        lifecycle.delete(Generation.objects.get(pk=take.generation_id))
        return found

    monkeypatch.setattr(stand_ins.StandIn, "replay", then_deleted)
    assert restoring.run(take.pk) == "lost"
    assert not take.folder.exists() and not Restoration.objects.exists()


def test_restorations_count_among_what_is_under_way(artist: Artist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.submitting.MOST_UNDER_WAY", 1)
    lifecycle.restore(gone(artist))
    with pytest.raises(lifecycle.TooManyUnderWay):
        lifecycle.submit(artist, wishes=WISHES, engine="stand-in")


# --- over HTTP ----------------------------------------------------------------------------------------


def test_the_api_says_what_is_missing_and_makes_it_again(person: Person) -> None:
    take = made(person.artist)
    shutil.rmtree(take.folder)
    address = f"/api/generated-tracks/{take.pk}/"
    body = person.api.get(address).json()
    assert set(body["missing"]) == {"wav", "flac", "mp3", "preview", "stems"}
    assert body["restorable"] is True and body["restoration"] is None
    answer = person.api.post(f"{address}restore/")
    assert answer.status_code == 202 and answer.json()["status"] == "queued"
    assert answer.headers["Location"] == address
    assert person.api.post(f"{address}restore/").json()["status"] == "queued"
    assert restoring.run(take.pk) == "ready"
    body = person.api.get(address).json()
    assert body["missing"] == [] and body["restoration"]["status"] == "ready"
    assert body["restoration"]["sha256"] == body["render_sha256"]
    refused = person.api.post(f"{address}restore/")
    assert refused.status_code == 409 and refused.json()["type"].endswith(":audio-here")


def test_the_api_says_why_a_take_cannot_be_made_again(person: Person) -> None:
    take = gone(person.artist)
    intake.withdraw(Track.objects.get(pk=take.plan["layers"]["kick"]))
    address = f"/api/generated-tracks/{take.pk}/"
    for verb in ("restore", "remake"):
        refused = person.api.post(f"{address}{verb}/")
        assert refused.status_code == 409 and refused.json()["type"].endswith(":cannot-restore")
        assert "no longer among your recordings" in refused.json()["detail"]
    assert person.api.get(address).json()["restorable"] is False


def test_a_new_take_of_the_plan_is_asked_for_once_by_key(person: Person) -> None:
    take = finished(person.artist)
    path, key = f"/api/generated-tracks/{take.pk}/remake/", {"idempotency-key": "monday"}
    first, second = (person.api.post(path, headers=key) for _ in range(2))
    assert first.status_code == second.status_code == 202 and first.json()["id"] == second.json()["id"]
    assert second.headers["Idempotency-Replayed"] == "true"
    other = finished(person.artist, seed=6)
    reused = person.api.post(f"/api/generated-tracks/{other.pk}/remake/", headers=key)
    assert reused.status_code == 409 and reused.json()["type"].endswith(":idempotency-key-reused")
