"""One track from waiting to analysed: what is stored, what is refused and why, and twins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from catalog import intake
from catalog.analysis import ANALYSIS_VERSION
from catalog.audio import fingerprint
from catalog.audio.encode import write_flac, write_wav
from catalog.audio.errors import AudioError
from catalog.listening import known_of, listen
from catalog.models import Analysis, Artist, Playlist, PlaylistEntry, Track
from tests import sounds
from tests.people import owner
from tests.rows import ready_track

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twins(tmp_path: Path) -> tuple[Track, Track]:
    """One recording, sent as WAV and as FLAC."""
    artist, sound = owner().artist, sounds.kick_loop(120.0, 8.0)
    write_wav(tmp_path / "loop.wav", sound, sounds.RATE, bits=24)
    write_flac(tmp_path / "loop.flac", sound, sounds.RATE, bits=24)
    first, second = (intake.accept_file(artist, tmp_path / f"loop.{kind}").track for kind in ("wav", "flac"))
    return first, second


def states() -> list[str]:
    return sorted(Track.objects.values_list("status", flat=True))


def test_the_second_file_of_a_recording_is_refused_and_names_the_first(twins: tuple[Track, Track]) -> None:
    first, second = twins
    assert (listen(first.pk), listen(second.pk)) == ("ready", "known already")
    second.refresh_from_db()
    assert second.duplicate_of == first and first.title in second.error
    assert states() == ["failed", "ready"]


def test_two_workers_with_the_same_recording_let_one_of_them_in(
    twins: tuple[Track, Track], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = twins
    take, meanwhile = fingerprint.fingerprint, []

    def while_the_other_finishes(*args: Any) -> Any:
        if not meanwhile:
            meanwhile.append("")
            meanwhile[0] = listen(first.pk)
        return take(*args)

    monkeypatch.setattr(fingerprint, "fingerprint", while_the_other_finishes)
    assert listen(second.pk) == "known already"
    assert meanwhile == ["ready"]
    assert states() == ["failed", "ready"]
    assert Analysis.objects.count() == 1


def test_what_a_collection_said_of_a_twin_is_said_of_the_recording_that_stays(
    twins: tuple[Track, Track],
) -> None:
    first, second = twins
    night = Playlist.objects.create(artist=first.artist, name="Night", source="rekordbox")
    PlaylistEntry.objects.create(playlist=night, track=second, position=0)
    said = {"id": "7", "source": "rekordbox", "title": "Named", "plays": 4}
    Track.objects.filter(pk=second.pk).update(
        imported_id="7", imported=said, plays=4, bpm_override=121.0, bpm_locked=True
    )
    assert (listen(first.pk), listen(second.pk)) == ("ready", "known already")
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.imported_id, first.imported, first.plays) == ("7", said, 4)
    assert (first.bpm_override, first.bpm_locked) == (121.0, True)
    assert (second.imported_id, second.status) == ("", Track.FAILED)
    assert PlaylistEntry.objects.get().track_id == first.pk
    intake.withdraw(second)
    assert Track.objects.get() == first


def test_a_title_typed_while_a_file_is_heard_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with soundfile.SoundFile(tmp_path / "loop.flac", "w", sounds.RATE, 2) as file:
        file.title, file.artist = "In the tags", "Ana"
        file.write(sounds.kick_loop(120.0, 8.0).T)
    track = intake.accept_file(owner().artist, tmp_path / "loop.flac").track
    take = fingerprint.fingerprint

    def meanwhile(*args: Any) -> Any:
        intake.correct(Track.objects.get(pk=track.pk), title="Typed")
        return take(*args)

    monkeypatch.setattr(fingerprint, "fingerprint", meanwhile)
    assert listen(track.pk) == "ready"
    track.refresh_from_db()
    assert (track.title, track.tags["title"]) == ("Typed", "In the tags")
    assert track.credit == "Ana"
    # What a collection says of the artist, be it nothing, is not spoken against.
    Track.objects.update(credit="Ana B", imported={"source": "rekordbox"}, status=Track.QUEUED)
    assert listen(track.pk) == "ready"
    assert Track.objects.get().credit == "Ana B"


def heard(folder: Path, name: str, sound: np.ndarray, *, bits: int = 24) -> Track:
    """A file with this sound, sent and listened to."""
    write_wav(folder / name, sound, sounds.RATE, bits=bits)
    artist = Artist.objects.first() or owner().artist
    track = intake.accept_file(artist, folder / name).track
    listen(track.pk)
    track.refresh_from_db()
    return track


@pytest.mark.parametrize(
    ("sound", "reason"),
    [(sounds.silence(12), "only silence"), (sounds.kick_loop(120.0, 0.2), "at least")],
    ids=["silence", "a fifth of a second"],
)
def test_failure_17_what_cannot_be_measured_is_refused_with_the_reason(
    tmp_path: Path, sound: np.ndarray, reason: str
) -> None:
    """The earlier system printed an error, exited with 0 and charged for it."""
    try:
        track = heard(tmp_path, "odd.wav", sound)
        said = track.error
        assert (track.status, track.analysis) == (Track.FAILED, None)
    except AudioError as error:
        said = error.reason
    assert reason in said


def test_failure_17_a_file_of_invalid_numbers_is_refused_and_the_next_one_is_not(tmp_path: Path) -> None:
    broken = sounds.kick_loop(120.0, 8.0)
    broken[:, ::3] = np.nan
    soundfile.write(tmp_path / "broken.wav", broken.T, sounds.RATE, subtype="FLOAT")
    try:
        bad = intake.accept_file(owner().artist, tmp_path / "broken.wav").track
        listen(bad.pk)
        bad.refresh_from_db()
        assert bad.status == Track.FAILED
        assert bad.error
    except AudioError as error:
        assert error.reason
    assert heard(tmp_path, "whole.wav", sounds.kick_loop(120.0, 8.0)).status == Track.READY


def test_failure_17_what_is_stored_names_the_version_that_measured_it(tmp_path: Path) -> None:
    track = heard(tmp_path, "loop.wav", sounds.kick_loop(120.0, 8.0))
    assert track.analysis is not None
    assert track.analysis.version == track.analysis.document["version"] == ANALYSIS_VERSION


def test_failure_01b_listening_reads_the_name_the_file_came_with(tmp_path: Path) -> None:
    """The earlier system looked for a tempo in the name it had stored the file under."""
    track = heard(tmp_path, "dark_140_final.wav", sounds.kick_loop(140.0, 12.0))
    assert "140" not in Path(track.path).stem.removeprefix(track.pk)
    assert known_of(track, {}).filename_bpm == 140


def test_the_artists_range_is_not_fed_by_what_the_range_decided(tmp_path: Path) -> None:
    """Eight tracks read at half their tempo must not make the ninth."""
    artist = owner().artist
    track = heard(tmp_path, "ninth.wav", sounds.kick_loop(140.0, 12.0))
    for number in range(12):
        other = ready_track(artist, f"Track {number}", seed=number)
        Analysis.objects.filter(track=other).update(
            bpm=70.0, bpm_confidence=0.99, document={"bpm_evidence": "artist range"}
        )
    assert known_of(track, {}).artist_range is None
    Analysis.objects.exclude(track=track).update(document={"bpm_evidence": "audio"})
    assert known_of(track, {}).artist_range == pytest.approx((67.9, 72.1))
    Analysis.objects.exclude(track=track).update(bpm_confidence=0.5)
    assert known_of(track, {}).artist_range is None
    Track.objects.exclude(pk=track.pk).update(bpm_override=172.0)
    assert known_of(track, {}).artist_range == pytest.approx((166.84, 177.16))


def test_what_a_collection_said_of_the_tempo_is_known_when_its_file_is_heard(tmp_path: Path) -> None:
    write_wav(tmp_path / "loop.wav", sounds.kick_loop(140.0, 12.0), sounds.RATE, bits=24)
    track = intake.accept_file(owner().artist, tmp_path / "loop.wav").track
    track.imported_bpm = 70.0
    track.imported = {"id": "1", "bpm": 70.0, "grid": [[0.0, 70.0, "4/4", 1]]}
    track.save()
    listen(track.pk)
    track.refresh_from_db()
    assert track.analysis is not None
    assert track.analysis.bpm == pytest.approx(70.0, abs=0.05)
    assert track.analysis.document["bpm_evidence"] == "collection"
