"""A take carries its number, and every copy of it leads back: by hash, by the mark in its sound, by its sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from catalog import accounts
from catalog.audio.decode import decode
from catalog.audio.encode import quantise, write_flac, write_mp3
from catalog.audio.hashing import file_sha256, pcm_sha256, pcm_sha256_of
from catalog.models import Artist
from generation import lifecycle, pipeline
from generation.engines.base import Rendering
from generation.models import GeneratedTrack
from generation.prompting import Wishes
from provenance import finding, origins, verification
from provenance.models import Watermark
from provenance.stamping import StampRefused
from provenance.verification import State
from tests.generation.stand_in import StandIn
from tests.people import owner
from tests.rows import catalog_of, ready_track
from tests.sounds import RATE, groove

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sound]


@pytest.fixture
def artist(stand_in: str, monkeypatch: pytest.MonkeyPatch) -> Artist:
    """Of a catalog from which takes with sound in every band are made."""
    made = owner().artist
    catalog_of(made)
    plain = StandIn._sound

    def dense(self: StandIn, plan: dict[str, Any], *args: Any) -> Rendering:
        found = plain(self, plan, *args)
        seconds, seed = found.audio.shape[1] / RATE, int(plan["sections"][0]["seed"])
        stems = {name: 0.5 * groove(seconds, seed + at) for at, name in enumerate(("drums", "harmony"))}
        audio = np.sum(list(stems.values()), axis=0, dtype=np.float32)
        return replace(found, audio=audio, stems=stems)

    monkeypatch.setattr(StandIn, "_sound", dense)
    return made


def made(artist: Artist, seed: int, bpm: int = 80, **wishes: Any) -> GeneratedTrack:
    """14 bars: 42 seconds at 80 BPM."""
    asked = Wishes(prompt=f"techno, {bpm} BPM", duration_seconds=42, seed=seed, **wishes)
    generation, _ = lifecycle.submit(artist, wishes=asked, engine="stand-in")
    assert pipeline.run(generation.pk) == "ready", generation.error
    return generation.takes.get()


def test_every_copy_of_a_take_leads_back_to_its_certificate(
    artist: Artist, client: Client, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = made(artist, 5)
    made(artist, 6, 220)  # by the same artist, in the same style
    certificate = take.certificate
    assert certificate is not None
    said = certificate.provenance
    assert said["watermark"] == take.watermark and take.watermark["level"]["mean_db"] < 0
    assert take.watermark["true_peak_dbtp"] <= -1.0
    assert Watermark.objects.get(serial=take.watermark["serial"]).certificate == certificate
    # before and after the mark: both are signed, and they differ
    signed = {row.name: row.audio_sha256 for row in certificate.renditions.all()}
    assert (
        said["result"]["render_sha256"] == take.render_sha256 != signed["wav"] == pcm_sha256(take.file("wav"))
    )

    sound = decode(take.file("wav"), sample_rate=RATE).samples
    parts = [soundfile.read(take.stem_file(one["name"]), dtype="int32")[0].T for one in take.stems]
    rest = sum(part.astype(np.int64) for part in parts) / take.stems[0]["gain"] - quantise(sound, 24)
    assert np.abs(rest).max() / 2**31 <= 10 ** (-90 / 20)

    def verdict(name: str, samples: np.ndarray) -> verification.Verdict:
        path = tmp_path / name
        if path.suffix == ".mp3":
            write_mp3(path, samples, RATE, kbps=128)
        else:
            write_flac(path, samples, RATE)
        return verification.verify_file(path, filename=name)

    assert verification.verify_file(take.file("wav")).state is State.INTACT
    stripped = verdict("stripped.flac", sound)
    assert stripped.state is State.INTACT and stripped.certificate == certificate
    cropped = sound[:, 8 * RATE + 123 : 34 * RATE]
    faster = np.ascontiguousarray(soxr.resample(sound.T, 1.01 * RATE, RATE).T, np.float32)
    copies = {
        "coded.mp3": sound,
        "quieter.flac": sound * np.float32(0.25),
        "cropped.mp3": cropped,
        "faster.mp3": faster,
    }
    before = settings.WATERMARK_SECRET
    asked = (("watermark", before, 9), ("fingerprint", "another secret", 9), ("fingerprint", "a third", 0))
    for level, secret, scanned in asked:
        settings.WATERMARK_SECRET = secret
        monkeypatch.setattr(finding, "SCANNED_AT_MOST", scanned)  # 0: looked up in the index instead
        for name, copy in copies.items():
            found = verdict(name, copy)
            assert (found.state, found.exit_code, found.valid) == (State.RECOGNISED, 3, False), name
            assert found.certificate == certificate
            check = found.check("recognition")
            assert check is not None and check.ok is None and check.detail["level"] == level
            assert "recognised" in found.sentence and "verified" not in found.sentence
    assert "very likely" in check.sentence
    settings.WATERMARK_SECRET = before
    upload = ready_track(artist, "Mine", format="mp3")
    upload.file.write_bytes((tmp_path / "coded.mp3").read_bytes())
    with pytest.raises(StampRefused, match=f"carries the mark of {certificate.pk}"):
        origins.stamp(upload)
    with pytest.raises(SystemExit) as ended:
        call_command("verify", str(tmp_path / "coded.mp3"))
    assert ended.value.code == 3
    with (tmp_path / "cropped.mp3").open("rb") as file:
        answer = client.post("/api/verify", {"file": file}).json()
    assert (answer["valid"], answer["state"], answer["certificate_id"]) == (
        False,
        "recognised",
        certificate.pk,
    )
    with (tmp_path / "cropped.mp3").open("rb") as file:
        page = client.post("/verify/", {"file": file}).content.decode()
    assert "Recognised" in page and certificate.get_absolute_url() in page
    stranger = verdict("stranger.mp3", groove(42.0, 99))
    assert stranger.state is State.NO_CREDENTIALS and stranger.certificate is None


def test_a_take_is_not_marked_when_its_artist_does_not_want_it(artist: Artist, client: Client) -> None:
    client.force_login(artist.user)
    assert 'name="watermark" ' in client.get("/account/").content.decode()
    client.post("/account/", {"name": artist.name})  # the box is not ticked
    artist.refresh_from_db()
    assert not accounts.wants_watermark(artist)
    take = made(artist, 7, 220)
    assert take.watermark == {} and not Watermark.objects.exists()
    assert take.certificate is not None and take.certificate.provenance["watermark"] == {"scheme": "none"}
    assert pcm_sha256(take.file("wav")) == take.render_sha256
    # one request may ask for it all the same, and what comes before the mark is the same take
    again = made(artist, 7, 220, watermark=True)
    assert again.watermark["serial"] > 0 and again.render_sha256 == take.render_sha256
    assert file_sha256(again.file("wav")) != file_sha256(take.file("wav"))
    assert pcm_sha256_of(decode(take.file("wav"), sample_rate=None).samples, RATE) == take.render_sha256
