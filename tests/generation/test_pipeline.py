"""A generation from the wish to a certified take, with the real engine on real (short) recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from django.conf import settings
from django_q.models import OrmQ

from catalog import intake, jobs, snapshots
from catalog.listening import listen
from catalog.models import Artist, Track
from generation import library, lifecycle, pipeline
from generation.brief import Reference, played_in
from generation.models import GeneratedTrack, Generation
from generation.prompting import BadWishes, Wishes
from provenance import verification
from tests.catalogs import stock
from tests.people import collaborator, owner

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = Wishes(prompt="dark dubstep, 140 BPM", duration_seconds=15, seed=11)


@pytest.fixture
def artist(recordings: Path) -> Artist:
    made = owner().artist
    stock(made, recordings)
    return made


def made(artist: Artist, wishes: Wishes = SHORT) -> Generation:
    generation, _ = lifecycle.submit(artist, wishes=wishes)
    assert pipeline.run(generation.pk) == "ready"
    generation.refresh_from_db()
    return generation


def test_a_take_is_exact_scored_certified_and_in_all_formats(artist: Artist) -> None:
    generation = made(artist)
    take = generation.takes.get()
    assert generation.status == "ready" and generation.progress == 1.0
    assert take.measured["bpm"] == pytest.approx(140, abs=0.3)
    assert take.measured["tempo"]["planned"] == 140
    assert 0 <= take.similarity_score <= 1
    assert set(take.similarity["breakdown"]) == {"sonic_palette", "rhythm", "harmony", "energy", "dynamics"}
    assert take.duration == pytest.approx(15, abs=2)
    assert take.built_from and take.sections and take.closest_tracks
    assert take.novelty["sources"] >= 2
    for kind in ("wav", "flac", "mp3", "preview"):
        verdict = verification.verify_file(take.file(kind), filename=take.file(kind).name)
        assert verdict.exit_code == 0, (kind, verdict.sentence)
        assert verdict.certificate is not None and verdict.certificate.pk == take.certificate_id
    assert take.provenance_signature.startswith("0x")


def test_the_stems_of_a_take_are_kept_with_it_and_add_up_to_its_master(artist: Artist) -> None:
    generation = made(artist)
    take = generation.takes.get()
    stems = [soundfile.read(take.stem_file(one["name"]), dtype="float64")[0] for one in take.stems]
    assert len(stems) >= 3
    master = soundfile.read(take.file("wav"), dtype="float64")[0]
    left = np.abs(sum(stems) / take.stems[0]["gain"] - master).max()
    assert left <= 10 ** (-90 / 20)
    files = [file for file in take.folder.rglob("*") if file.is_file()]
    assert len(files) == 4 + len(stems)
    assert take.size_bytes == sum(file.stat().st_size for file in files)
    lifecycle.delete(generation)
    assert not any(file.exists() for file in files)


def test_a_death_while_stems_are_written_publishes_nothing(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation, _ = lifecycle.submit(artist, wishes=SHORT)
    written: list[Path] = []

    def die_after_two(path: Path, *_: Any, **__: Any) -> None:
        path.write_bytes(b"half")
        written.append(path)
        if len(written) == 2:
            raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("generation.exports.stems.write_flac", die_after_two)
        with pytest.raises(SystemExit):
            pipeline.run(generation.pk)
    assert len(written) == 2 and not any(path.exists() for path in written)
    assert not GeneratedTrack.objects.exists()
    assert not (Path(settings.MEDIA_ROOT) / "takes" / pipeline.take_id_of(generation.pk, 1)).exists()


def test_the_same_seed_gives_the_same_samples_and_another_seed_does_not(artist: Artist) -> None:
    first, second = made(artist).takes.get(), made(artist).takes.get()
    other = made(artist, Wishes(prompt=SHORT.prompt, duration_seconds=15, seed=12)).takes.get()
    assert first.render_sha256 == second.render_sha256 != other.render_sha256
    assert first.pk != second.pk and first.certificate_id != second.certificate_id


def test_several_takes_differ_and_each_has_its_own_certificate(artist: Artist) -> None:
    generation = made(artist, Wishes(prompt="", duration_seconds=15, seed=3, takes=2))
    takes = list(generation.takes.all())
    assert [take.number for take in takes] == [1, 2]
    assert len({take.render_sha256 for take in takes}) == len({take.certificate_id for take in takes}) == 2


def test_a_second_take_knows_what_the_first_was_built_from(artist: Artist) -> None:
    wishes = Wishes(prompt="", duration_seconds=15, seed=3, takes=2)
    first, second = made(artist, wishes).takes.order_by("number")
    avoided = {tuple(pair) for pair in second.generation_params["avoid"]}
    assert not first.generation_params["avoid"]
    assert avoided == set(played_in([first.built_from])) != set()
    assert not avoided & set(played_in([second.built_from]))
    # and so does the very same request once more
    assert [take.render_sha256 for take in made(artist, wishes).takes.order_by("number")] == [
        first.render_sha256,
        second.render_sha256,
    ]


def test_too_few_tracks_are_refused_with_the_count(recordings: Path) -> None:
    artist = owner().artist
    stock(artist, recordings, count=9)
    with pytest.raises(lifecycle.TooFewTracks) as error:
        lifecycle.submit(artist, wishes=SHORT)
    assert (error.value.count, error.value.needed) == (9, 10)
    assert not Generation.objects.exists() and not OrmQ.objects.exists()


def test_generated_tracks_do_not_count_towards_the_minimum(recordings: Path) -> None:
    artist = owner().artist
    tracks = stock(artist, recordings, count=10)
    Track.objects.filter(pk=tracks[0].pk).update(origin=Track.Origin.GENERATED)
    with pytest.raises(lifecycle.TooFewTracks):
        lifecycle.submit(artist, wishes=SHORT)


def test_the_same_request_key_makes_one_generation(artist: Artist) -> None:
    first, created = lifecycle.submit(artist, wishes=SHORT, request_key="once")
    second, again = lifecycle.submit(artist, wishes=SHORT, request_key="once")
    assert created and not again and first.pk == second.pk
    assert Generation.objects.count() == OrmQ.objects.count() == 1


def test_a_reference_of_somebody_else_is_not_there(artist: Artist, recordings: Path) -> None:
    foreign = stock(collaborator().artist, recordings, count=1)[0]
    with pytest.raises(BadWishes):
        lifecycle.submit(artist, wishes=Wishes(references=(Reference(foreign.pk),)))


def test_a_cancel_while_it_runs_publishes_nothing(artist: Artist, monkeypatch: pytest.MonkeyPatch) -> None:
    generation, _ = lifecycle.submit(artist, wishes=SHORT)
    report = jobs.Lease.report

    def report_then_cancel(self: jobs.Lease, progress: float, stage: str = "") -> None:
        if progress > 0.3:
            lifecycle.cancel(Generation.objects.get(pk=generation.pk))
        report(self, progress, stage)

    monkeypatch.setattr(jobs.Lease, "report", report_then_cancel)
    assert pipeline.run(generation.pk) == "cancelled"
    generation.refresh_from_db()
    assert generation.status == "cancelled"
    assert not GeneratedTrack.objects.exists()
    assert not list((Path(settings.MEDIA_ROOT) / "staging").glob("*"))


def test_a_second_attempt_after_a_death_makes_the_same_take_once(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker dies after stamping and before publishing; the next one ends the job with the same stamp."""
    generation, _ = lifecycle.submit(artist, wishes=SHORT)
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.Making, "publish", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            pipeline.run(generation.pk)
    Generation.objects.filter(pk=generation.pk).update(worker=f"{jobs.me().split('|')[0]}|999999999|1|1")
    assert lifecycle.recover() == 1
    assert pipeline.run(generation.pk) == "ready"
    take = GeneratedTrack.objects.get()
    assert take.certificate is not None
    assert artist.certificates.count() == 1


def test_a_finished_take_survives_the_retry_of_a_later_one(artist: Artist) -> None:
    generation = made(artist, Wishes(duration_seconds=15, seed=3, takes=1))
    before = generation.takes.get()
    Generation.objects.filter(pk=generation.pk).update(status="failed")
    assert lifecycle.retry(generation)
    assert pipeline.run(generation.pk) == "ready"
    assert generation.takes.get().created_at == before.created_at


def test_an_emptied_catalog_fails_with_a_sentence(artist: Artist) -> None:
    generation, _ = lifecycle.submit(artist, wishes=SHORT)
    for track in Track.objects.all():
        intake.withdraw(track)
    assert pipeline.run(generation.pk) == "failed"
    generation.refresh_from_db()
    assert generation.status == "failed"
    assert "tracks" in generation.error


def test_add_to_library_closes_the_loop_and_the_dna_says_so(artist: Artist) -> None:
    take = made(artist).takes.get()
    track, created = library.add(take)
    assert created and track.origin == Track.Origin.GENERATED
    assert library.add(take) == (track, False)
    assert listen(track.pk) == "ready"
    dna = snapshots.current(artist)
    assert dna is not None
    assert dna.document["generated_count"] == 1
    assert dna.document["track_count"] == 13
    Artist.objects.filter(pk=artist.pk).update(dna_includes_generated=False)
    artist.refresh_from_db()
    without = snapshots.current(artist)
    assert without is not None and without.document["generated_count"] == 0


def test_a_variation_keeps_what_it_does_not_change_and_names_its_parent(artist: Artist) -> None:
    parent = made(artist)
    child, _ = lifecycle.vary(parent, "more energetic")
    assert child.parent_id == parent.pk
    assert child.brief["energy"] == pytest.approx(min(1, parent.brief["energy"] + 0.2))
    assert {k: child.brief[k] for k in ("bpm", "key", "seed")} == {
        k: parent.brief[k] for k in ("bpm", "key", "seed")
    }
    assert lifecycle.changed(parent, "same vibe, 150 BPM").bpm == 150
    assert lifecycle.changed(parent, "regenerate").seed is None
    with pytest.raises(BadWishes):
        lifecycle.changed(parent, "make it purple")


def test_deleting_a_generation_keeps_its_certificate(artist: Artist) -> None:
    generation = made(artist)
    take = generation.takes.get()
    folder = take.folder
    lifecycle.delete(generation)
    assert not folder.exists()
    assert artist.certificates.count() == 1


def test_a_corrected_tempo_reaches_the_composer(artist: Artist) -> None:
    track = Track.objects.of(artist).ready().select_related("analysis")[0]
    measured = snapshots.analysis_of(track)
    assert measured.bpm is not None and measured.beat_period is not None
    intake.correct(track, bpm=measured.bpm / 2)
    halved = snapshots.analysis_of(track)
    assert halved.beat_period == pytest.approx(2 * measured.beat_period)
    assert halved.bpm == pytest.approx(measured.bpm / 2)
