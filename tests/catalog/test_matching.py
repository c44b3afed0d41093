"""Would this be theirs, and is it a copy: files held against a catalog without adding them."""

from __future__ import annotations

import ast
import io
import json
import socket
from pathlib import Path

import numpy as np
import pytest
import soxr
from django.core.management import call_command

import catalog
from catalog.audio.decode import decode
from catalog.audio.encode import write_mp3
from catalog.audio.fingerprint import fingerprint
from catalog.matching import Passage, match_file
from catalog.models import Artist, Fingerprint, Track
from tests import sounds
from tests.catalog.test_audio_fingerprint import music
from tests.people import collaborator, owner
from tests.rows import ready_track

pytestmark = pytest.mark.django_db

RATE = sounds.RATE


def library(artist: Artist, folder: Path) -> list[Track]:
    """Three tracks of different music, with what a worker would have stored for a match."""
    tracks = []
    for seed in (1, 2, 3):
        decoded = decode(sounds.write(folder / f"{seed}.wav", music(seed)))
        track = ready_track(artist, f"Tune {seed}", seed=seed, audio_sha256=decoded.pcm_sha256)
        marks = fingerprint(decoded.samples, decoded.sample_rate)
        Fingerprint.objects.create(track=track, data=marks.astype("<u4").tobytes())
        tracks.append(track)
    return tracks


def test_a_copy_is_named_with_how_it_is_one(tmp_path: Path) -> None:
    me = owner()
    library(me.artist, tmp_path)
    write_mp3(tmp_path / "coded.mp3", music(2) * np.float32(0.5), RATE, 128)
    faster = np.ascontiguousarray(soxr.resample(music(2).T, RATE * 1.02, RATE).T)
    asked = {
        "identical": tmp_path / "2.wav",
        "recording": tmp_path / "coded.mp3",
        "excerpt": sounds.write(tmp_path / "cut.wav", music(2)[:, 4 * RATE :]),
        "speed": sounds.write(tmp_path / "faster.wav", faster),
    }
    for kind, path in asked.items():
        copy = match_file(me.artist, path).copy_of
        assert copy is not None, kind
        assert (copy.kind, copy.title) == (kind, "Tune 2")
        assert copy.title in copy.sentence
    assert copy.speed == pytest.approx(1.02, abs=0.003)
    assert "2.0% faster" in Passage("t", "Tune", 20.0, 1.0, 1.0, speed=1.02).sentence


def test_other_music_is_no_copy_and_what_is_anothers_is_not_looked_at(tmp_path: Path) -> None:
    me, other = owner(), collaborator()
    library(me.artist, tmp_path)
    ready_track(other.artist, "Elsewhere")
    new = sounds.write(tmp_path / "new.wav", music(9))
    assert match_file(me.artist, new).copy_of is None
    assert match_file(other.artist, tmp_path / "2.wav").passages == []
    out = io.StringIO()
    call_command("match", str(tmp_path / "1.wav"), artist=me.artist.user.username, stdout=out)
    told = json.loads(out.getvalue())
    assert told["copy_of"]["kind"] == "identical"
    assert told["low_confidence"]
    assert "3 tracks" in told["reasons"][0]


def test_failure_12_no_external_service_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enrichment by a web service failed for every track. Everything here is measured on the artist's own files."""
    clients = {"requests", "urllib", "urllib3", "http", "httpx", "aiohttp", "socket", "ftplib", "smtplib"}
    harmless = {("urllib", "parse"), ("http", "HTTPStatus")}
    for path in Path(catalog.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [f"{node.module}.{alias.name}" for alias in node.names]
                if isinstance(node, ast.ImportFrom) and node.module and not node.level
                else []
            )
            for name in names:
                top, *rest = name.split(".")
                asks = top in clients and (top, rest[0] if rest else "") not in harmless
                local = path.name == "jobs.py" and top == "socket"  # the name of this host
                assert not asks or local, f"{path} imports {name}"

    def refuse(*_: object) -> None:
        raise AssertionError("something outside was asked")

    artist = owner().artist
    library(artist, tmp_path)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert match_file(artist, tmp_path / "1.wav").copy_of is not None
