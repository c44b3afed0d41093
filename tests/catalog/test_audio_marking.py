"""Fields written into finished files: the sound stays the same, the text survives."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tinytag import TinyTag

from catalog.audio import id3, marking
from catalog.audio.encode import write_flac, write_mp3, write_wav
from catalog.audio.errors import AudioError
from catalog.audio.hashing import audio_digest, file_sha256
from catalog.audio.marking import read_fields, write_fields
from catalog.audio.tags import read_tags
from tests import sounds

KINDS = ("wav", "flac", "mp3", "aiff")
TEXT = {
    "title": "Ночной Dub — 夜のベース",
    "artist": "Zoë Ønsk",
    "bpm": "140",
    "key": "F#m",
    "genre": "Dubstep",
    "software": "Starforge",
    "comment": "AI-generated from the artist's own catalog",
}
CUSTOM = {"STARFORGE_CERTIFICATE": "cert_abc", "STARFORGE_ENVELOPE": "{" + "x" * 60_000 + "}"}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("originals")
    sound = sounds.kick_loop(140, 1.5)
    write_wav(folder / "a.wav", sound, sounds.RATE)
    write_flac(folder / "a.flac", sound, sounds.RATE)
    write_mp3(folder / "a.mp3", sound, sounds.RATE, 320)
    sounds.write(folder / "a.aiff", sound, bits=24)
    return {kind: folder / f"a.{kind}" for kind in KINDS}


@pytest.fixture(params=KINDS)
def file(request: pytest.FixtureRequest, originals: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(originals[request.param], tmp_path))


def test_the_sound_is_the_same_and_every_field_comes_back(file: Path) -> None:
    before = audio_digest(file)
    write_fields(file, text=TEXT, custom=CUSTOM)
    assert audio_digest(file) == before
    assert read_fields(file) == CUSTOM
    tags = read_tags(file)
    assert tags["title"] == TEXT["title"]
    assert tags["artist"] == TEXT["artist"]
    assert (tags["bpm"], tags["key"], tags["genre"]) == (140.0, "F#m", "Dubstep")
    assert tags["comment"].startswith("AI-generated")


def test_an_independent_reader_finds_the_certificate(file: Path) -> None:
    write_fields(file, text=TEXT, custom=CUSTOM)
    found = TinyTag.get(file).other
    assert found["starforge_certificate"] == ["cert_abc"]


def test_writing_twice_gives_the_same_file(file: Path) -> None:
    write_fields(file, text=TEXT, custom=CUSTOM)
    once = file_sha256(file)
    write_fields(file, text=TEXT, custom=CUSTOM)
    assert file_sha256(file) == once


def test_a_later_field_replaces_an_earlier_one_and_leaves_the_rest(file: Path) -> None:
    write_fields(file, text={"title": "One", "artist": "A"}, custom={"A": "1", "B": "2"})
    write_fields(file, text={"title": "Two"}, custom={"A": "3", "B": ""})
    assert read_fields(file) == {"A": "3"}
    assert (read_tags(file)["title"], read_tags(file)["artist"]) == ("Two", "A")


values = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=60)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(custom=st.dictionaries(st.from_regex(r"[B-Z_][A-Z0-9_]{4,12}", fullmatch=True), values, max_size=3))
def test_any_text_survives_and_never_changes_the_sound(file: Path, custom: dict[str, str]) -> None:
    custom = {name: value for name, value in custom.items() if name not in ("TITLE", "GENRE", "COMMENT")}
    before = _heard(file)
    empty = dict.fromkeys(read_fields(file), "")
    write_fields(file, text={"title": "x"}, custom=empty | custom)
    assert read_fields(file) == custom
    assert _heard(file) == before


def _heard(file: Path) -> bytes:
    """What an independent decoder makes of the file."""
    return bytes(soundfile.read(file, dtype="int32")[0].data)


def test_pictures_and_foreign_fields_of_an_mp3_stay(originals: dict[str, Path], tmp_path: Path) -> None:
    picture = b"\x00image/png\0\x03\0" + b"\x89PNG" + bytes(5000)
    frames = [id3.Frame(b"APIC", picture), id3.Frame(b"TALB", b"\x03Album"), id3.Frame(b"TIT2", b"\x03Old")]
    path = tmp_path / "a.mp3"
    path.write_bytes(id3.build(frames) + originals["mp3"].read_bytes())
    write_fields(path, text={"title": "New"}, custom={"X": "1"})
    found = TinyTag.get(path, image=True)
    assert (found.title, found.album, found.images.any.data[:4]) == ("New", "Album", b"\x89PNG")


def test_frames_of_an_older_id3_tag_are_carried_over(originals: dict[str, Path], tmp_path: Path) -> None:
    body = b"\x01" + "Älbum".encode("utf-16")
    frame = b"TALB" + struct.pack(">I", len(body)) + b"\0\0" + body
    tag = (
        b"ID3\x03\0\0" + bytes([0, 0, (len(frame) + 200) >> 7, (len(frame) + 200) & 127]) + frame + bytes(200)
    )
    path = tmp_path / "a.mp3"
    path.write_bytes(tag + originals["mp3"].read_bytes())
    before = audio_digest(path)
    write_fields(path, text={"title": "New"}, custom={})
    assert (read_tags(path)["album"], audio_digest(path)) == ("Älbum", before)


def test_an_unfinished_wav_is_marked_without_swallowing_the_mark(
    originals: dict[str, Path], tmp_path: Path
) -> None:
    data = bytearray(originals["wav"].read_bytes())
    at = data.index(b"data")
    data[at + 4 : at + 8] = b"\xff\xff\xff\xff"
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    before = audio_digest(path)
    write_fields(path, text={}, custom={"A": "1"})
    assert audio_digest(path) == before
    assert read_fields(path) == {"A": "1"}


def test_ogg_is_refused_with_a_sentence_and_left_alone(tmp_path: Path) -> None:
    path = sounds.write(tmp_path / "a.ogg", sounds.tone())
    before = file_sha256(path)
    with pytest.raises(AudioError, match="WAV, FLAC, AIFF and MP3"):
        write_fields(path, text={}, custom={"A": "1"})
    assert file_sha256(path) == before
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "custom", [{"lower": "x"}, {"A" * 65: "x"}, {"A=B": "x"}, {"TITLE": "x"}, {"A": "x" * 65_537}]
)
def test_impossible_fields_are_a_programming_error(file: Path, custom: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"name|larger"):
        write_fields(file, text={}, custom=custom)


def test_a_failed_write_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file_sha256(file)

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fails)
    with pytest.raises(OSError, match="disk full"):
        write_fields(file, text=TEXT, custom=CUSTOM)
    assert file_sha256(file) == before
    assert list(file.parent.iterdir()) == [file]


def _mp3_with(tag: bytes, originals: dict[str, Path], tmp_path: Path) -> Path:
    path = tmp_path / "hostile.mp3"
    path.write_bytes(tag + originals["mp3"].read_bytes())
    return path


def test_hostile_tags_are_bounded(originals: dict[str, Path], tmp_path: Path) -> None:
    many = [id3.Frame(b"TXXX", b"\x03N%d\0v" % i) for i in range(5000)]
    assert len(read_fields(_mp3_with(id3.build(many), originals, tmp_path))) == marking._MAX_FIELDS
    large = [id3.Frame(b"TXXX", b"\x03A\0" + b"x" * 300_000), id3.Frame(b"TXXX", b"\x03B\0ok")]
    assert read_fields(_mp3_with(id3.build(large), originals, tmp_path)) == {"B": "ok"}
    broken = id3.build(
        [id3.Frame(b"TXXX", b"\x03A\0\xff\xfe"), id3.Frame(b"TXXX", b"\x07?"), id3.Frame(b"TXXX", b"")]
    )
    assert read_fields(_mp3_with(broken, originals, tmp_path)) == {}
    lying = b"ID3\x04\0\0\0\0\x02\0TXXX\x7f\x7f\x7f\x7f\0\0\x03A\0B" + bytes(256 - 14)
    assert read_fields(_mp3_with(lying, originals, tmp_path)) == {}


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=400), version=st.sampled_from([2, 3, 4, 200]), flags=st.integers(0, 255))
def test_the_tag_parser_takes_any_bytes(noise: bytes, version: int, flags: int) -> None:
    size = bytes([0, 0, len(noise) >> 7, len(noise) & 127])
    for frame in id3.parse(b"ID3" + bytes([version, 0, flags]) + size + noise):
        assert len(frame.body) <= 400
        assert frame.field is None or len(frame.field) == 2


def test_a_file_that_is_no_sound_has_no_fields(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("STARFORGE_CERTIFICATE=cert_abc")
    assert read_fields(path) == {}
