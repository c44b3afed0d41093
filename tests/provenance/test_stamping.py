"""A stamp says what is true, is given once, and survives being interrupted."""

from __future__ import annotations

import json

import pytest

from catalog.audio.hashing import audio_digest, file_sha256
from provenance import credentials, keys, stamping
from provenance.log import store
from provenance.models import Certificate, Checkpoint, LogEntry
from provenance.signing import open_envelope, signature_holds
from provenance.statement import read

pytestmark = pytest.mark.django_db


def test_it_signs_the_hash_of_the_audio_of_every_rendition(certify, files):
    before = {name: audio_digest(path) for name, path in files.items()}
    made = certify(files)
    claim = read(json.loads(open_envelope(made.envelope).payload))
    assert {s.name: (s.kind, s.sha256) for s in claim.subjects} == before
    assert {name: audio_digest(path) for name, path in files.items()} == before  # marking left it alone
    assert before["wav"] == before["flac"]
    assert before["mp3"][0] == "mpeg-stream"


def test_it_says_what_the_plan_says(certify, files, artist):
    made = certify({"mp3": files["mp3"]})
    assert made.pk.startswith("cert_")
    assert made.provenance["type"] == "ai_generated"
    assert made.provenance["generator"]["model"] == "mosaic"
    assert made.provenance["source"]["aesthetic_dna_snapshot"]["taste_coherence"] == 0.73
    assert made.provenance["generation_params"]["seed"] == "7318"
    assert (made.title, made.artist_name, made.owner) == ("Untitled 03", artist.name, artist)
    assert made.signature.startswith("0x")
    assert len(made.signature) == 130


def test_the_signature_is_by_the_published_stamp_key(certify, files):
    made = certify({"mp3": files["mp3"]})
    sealed = open_envelope(made.envelope)
    key = keys.trust().stamp_key(sealed.key_id)
    assert key is not None
    assert signature_holds(key.public_key, sealed.signature, sealed.pae)


def test_every_file_carries_its_credentials_and_its_final_hash_is_recorded(certify, files):
    made = certify(files)
    for name, path in files.items():
        carried = credentials.extract(path)
        assert carried is not None
        assert (carried.certificate_id, carried.envelope) == (made.pk, made.envelope)
        row = made.renditions.get(name=name)
        assert (row.file_sha256, row.file_bytes) == (file_sha256(path), path.stat().st_size)
    assert made.is_marked


def test_a_public_address_goes_into_the_file_when_there_is_one(certify, files, settings):
    settings.STARFORGE_PUBLIC_URL = "https://music.example"
    made = certify({"mp3": files["mp3"]})
    assert credentials.extract(files["mp3"]).url == f"https://music.example/certificates/{made.pk}/"


def test_the_same_key_gives_the_same_certificate(certify, files):
    first = certify({"mp3": files["mp3"]}, idempotency_key="take-1")
    again = certify({"mp3": files["mp3"]}, idempotency_key="take-1")
    assert again.pk == first.pk
    assert LogEntry.objects.count() == Certificate.objects.count() == 1


def test_the_same_key_of_another_artist_is_another_stamp(certify, files):
    first = certify({"mp3": files["mp3"]}, idempotency_key="take-1")
    assert (
        certify({"mp3": files["mp3"]}, idempotency_key="take-1", artist=None, artist_name="Someone").pk
        != first.pk
    )


def test_the_same_key_for_other_audio_is_refused(certify, files):
    certify({"wav": files["wav"]}, idempotency_key="take-1")
    with pytest.raises(stamping.StampConflict):
        certify({"mp3": files["mp3"]}, idempotency_key="take-1")


def test_a_second_call_finishes_what_a_killed_one_began(certify, files, recordings):
    """Killed after the log entry and after the first of three files was marked."""
    first = certify(files, idempotency_key="take-1")
    for name in ("flac", "mp3"):
        files[name].write_bytes(recordings[name].read_bytes())
    first.renditions.filter(name__in=["flac", "mp3"]).update(file_sha256="", file_bytes=None)
    assert not first.is_marked
    again = certify(files, idempotency_key="take-1")
    assert again.pk == first.pk
    assert again.is_marked
    assert all(credentials.extract(path).certificate_id == first.pk for path in files.values())


def test_a_stamp_killed_before_its_checkpoint_gets_one_later(certify, files, monkeypatch):
    def killed():
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "checkpoint", killed)
    with pytest.raises(KeyboardInterrupt):
        certify({"mp3": files["mp3"]}, idempotency_key="take-1")
    monkeypatch.undo()
    assert (LogEntry.objects.count(), Checkpoint.objects.count()) == (1, 0)
    made = certify({"mp3": files["mp3"]}, idempotency_key="take-1")
    assert made.is_marked
    assert Checkpoint.objects.get().size == 1


def test_other_fields_of_the_file_stay(certify, files):
    from catalog.audio.marking import read_fields, write_fields

    for path in files.values():
        write_fields(path, text={"title": "Untitled 03"}, custom={"MY_FIELD": "kept"})
    certify(files)
    assert all(read_fields(path)["MY_FIELD"] == "kept" for path in files.values())


def test_a_statement_that_cannot_be_signed_is_refused_in_words(certify, files):
    with pytest.raises(stamping.StampRefused, match="not a number"):
        certify({"mp3": files["mp3"]}, provenance={"generation_params": {"energy": float("nan")}})
    assert not LogEntry.objects.exists()


def test_a_format_that_cannot_carry_a_stamp_is_refused(certify, tmp_path):
    import soundfile

    from tests import sounds

    path = tmp_path / "take.ogg"
    soundfile.write(path, sounds.chord().T, sounds.RATE, format="OGG", subtype="VORBIS")
    with pytest.raises(stamping.StampRefused, match="OGG"):
        certify({"ogg": path})


def test_nothing_changed_in_the_file_is_refused_as_not_audio(certify, tmp_path):
    from catalog.audio.errors import AudioError

    path = tmp_path / "take.wav"
    path.write_bytes(b"not audio at all" * 100)
    with pytest.raises(AudioError):
        certify({"wav": path})


@pytest.mark.django_db(transaction=True)
def test_it_refuses_to_run_inside_a_transaction_that_could_be_undone(certify, files):
    from django.db import transaction

    with pytest.raises(RuntimeError), transaction.atomic():
        certify({"mp3": files["mp3"]})
    assert not LogEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_the_same_moment_gives_one_certificate(files, artist):
    import concurrent.futures

    from django.db import connection

    keys.ensure()

    def once(number: int) -> str:
        try:
            return stamping.stamp(
                artist=artist,
                provenance={"type": "ai_generated"},
                renditions=[stamping.Rendition("mp3", files["mp3"], mark=False)],
                title=f"Attempt {number}",
                idempotency_key="take-1",
            ).pk
        finally:
            connection.close()

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        made = set(pool.map(once, range(6)))
    assert len(made) == Certificate.objects.count() == LogEntry.objects.count() == 1
