"""Every reader of bytes that a stranger may send, with what it may answer and examples to begin from.

A reader answers with a value or refuses with an error of its own; anything else that it raises is a crash.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import random
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from catalog.audio import headers, id3, mpeg, sniff, tags, vorbis
from catalog.audio.errors import AudioError
from catalog.imports import reading, sniffing
from catalog.imports.errors import ImportRefused
from provenance import canonical, credentials, declared, disclosure, mp4, signing, statement, streams, trust
from provenance.log import notes
from provenance.manifest import boxes, judging, places
from provenance.standalone.check import Bundle, NotReadable
from provenance.watermark import reading as watermark
from provenance.watermark.layout import Pattern
from tests import sounds
from tests.security.mutations import mutated, restructured

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests/vectors/provenance"


@dataclass(frozen=True)
class Reader:
    """`read` takes the bytes; `refusals` are the errors it may raise; `examples` are whole ones it reads."""

    read: Callable[[bytes], Any]
    refusals: tuple[type[Exception], ...]
    examples: Callable[[], list[bytes]]
    is_json: bool = False


@contextmanager
def opened(data: bytes) -> Iterator[int]:
    fd = os.memfd_create("hostile")
    try:
        os.write(fd, data)
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)


@contextmanager
def on_disk(data: bytes, name: str = "file") -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


def _collection(name: str) -> Callable[[bytes], Any]:
    def read(data: bytes) -> int:
        with on_disk(data, name) as path:
            kind = sniffing.kind_of(path, name)
            return sum(1 for _ in reading.read(path, reading.survey(path, kind), name=name))

    return read


def _headers(data: bytes) -> Any:
    with opened(data) as fd:
        located = sniff.locate(fd)
        return headers.read_aiff(fd) if located.format.name == "aiff" else headers.read_wav(fd)


def _mpeg(data: bytes) -> Any:
    with opened(data) as fd:
        start = mpeg.end_of_leading_tags(fd, len(data))
        end = mpeg.start_of_trailing_tags(fd, start, len(data))
        found = mpeg.find_sound(fd, start, end)
        return found and mpeg.promised_frames(fd, *found)


def _flac(data: bytes) -> Any:
    with opened(data) as fd:
        found = vorbis.blocks(fd, 4)
    return found, vorbis.parse_comments(data), vorbis.parse_comments(data[4:])


def _mp4(data: bytes) -> Any:
    with opened(data) as fd:
        return mp4.read(fd)


def _place(data: bytes) -> Any:
    with opened(data) as fd:
        place = places.find(fd, sniff.locate(fd))
        return place and boxes.parse(places.read(fd, place))


def _stream(data: bytes) -> Any:
    with on_disk(data) as path:
        return streams.sound_sha256(path), credentials.extract(path), judging.carried(path)


def _tags(data: bytes) -> Any:
    return tags.read_from(io.BytesIO(data)), id3.parse(data)


def _json(read: Callable[[Any], Any]) -> Callable[[bytes], Any]:
    """A reader of parsed JSON, given what parses."""

    def parsed(data: bytes) -> Any:
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            return None
        return read(value)

    return parsed


def _bundle(data: bytes) -> Any:
    with on_disk(data, "bundle.zip") as path:
        bundle = Bundle.read(path)
    return signing.open_envelope(bundle.envelope), notes.parse_proof(bundle.proof)


def _note(data: bytes) -> Any:
    """As a file of a bundle, as a checkpoint that somebody kept, and as a verifier key."""
    text = data.decode("utf-8", "replace")
    name, key = "starforge.example/log", bytes(32)
    refused = []
    for read in (
        lambda: notes.check_proof(notes.parse_proof(text), b"leaf", {name: [key]}),
        lambda: notes.parse_checkpoint(notes.open_note(text, {name: [key]})),
        lambda: notes.parse_checkpoint(text),
        lambda: notes.parse_vkey(text),
    ):
        try:
            read()
        except notes.NoteError as error:
            refused.append(error)
    return refused


def _sound(data: bytes) -> Any:
    """Any bytes as samples: what a decoder lets through is finite; what it does not is tried as well."""
    samples = np.frombuffer(data[: len(data) // 4 * 4], "<f4")
    if not len(samples):
        samples = np.zeros(1, np.float32)
    looped = np.resize(samples, int(5.2 * 22_050)).reshape(1, -1)
    with np.errstate(all="ignore"):
        return watermark.read(np.nan_to_num(np.clip(looped, -4, 4)), 22_050, Pattern(b"s" * 32))


@functools.cache
def _recordings() -> dict[str, bytes]:
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("wav", "aiff", "flac", "mp3", "m4a", "ogg"):
            path = sounds.write(Path(folder) / f"a.{kind}", sounds.kick_loop(120, 1.0))
            found[kind] = path.read_bytes()
    return found


def _of(*kinds: str) -> Callable[[], list[bytes]]:
    return lambda: [_recordings()[kind] for kind in kinds]


@functools.cache
def stamped() -> list[bytes]:
    """Published vectors: files with stamps and manifests of ours."""
    return [
        path.read_bytes()
        for path in sorted(VECTORS.rglob("*"))
        if path.suffix in (".wav", ".mp3", ".flac", ".m4a")
    ]


def _cbor(value: Any) -> bytes:
    """Just enough CBOR for a store: maps, lists, text, bytes, small numbers, None."""
    if value is None:
        return b"\xf6"
    if isinstance(value, int):
        return bytes([value]) if value < 24 else b"\x18" + bytes([value])
    kinds = {bytes: 0x40, str: 0x60, list: 0x80, dict: 0xA0}
    kind = next(mark for one, mark in kinds.items() if isinstance(value, one))
    raw = value.encode() if isinstance(value, str) else value
    head = bytes([kind | len(raw)]) if len(raw) < 24 else bytes([kind | 24, len(raw)])
    if isinstance(raw, bytes):
        return head + raw
    parts = [one for pair in raw.items() for one in pair] if isinstance(raw, dict) else raw
    return head + b"".join(map(_cbor, parts))


def _box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return (8 + len(body)).to_bytes(4, "big") + kind + body


def _super(kind: bytes, label: str, *parts: bytes) -> bytes:
    head = kind + bytes.fromhex("00110010800000aa00389b71") + b"\x03" + label.encode() + b"\0"
    return _box(b"jumb", _box(b"jumd", head), *parts)


def _store() -> bytes:
    """A manifest store as ours are: one assertion, the claim, the signature."""
    label = "urn:c2pa:1"
    sealed = b"\xd2" + _cbor([_cbor({1: 7, 33: b"certificate"}), {"pad": b"\0" * 20}, None, bytes(64)])
    hashed = _cbor(
        {"exclusions": [{"start": 12, "length": 200}], "alg": "sha256", "hash": bytes(32), "pad": b""}
    )
    return _super(
        b"c2pa", "c2pa",
        _super(
            b"c2ma", label,
            _super(b"c2as", "c2pa.assertions", _super(b"cbor", "c2pa.hash.data", _box(b"cbor", hashed))),
            _super(b"c2cl", "c2pa.claim.v2",
                   _box(b"cbor", _cbor({"signature": f"self#jumbf=/c2pa/{label}/c2pa.signature"}))),
            _super(b"c2cs", "c2pa.signature", _box(b"cbor", sealed)),
        ),
    )  # fmt: skip


def _with_manifest() -> list[bytes]:
    """WAV files with a chunk that holds a store, and files without."""
    chunk = _store()
    wav = _recordings()["wav"]
    body = wav[8:] + b"C2PA" + len(chunk).to_bytes(4, "little") + chunk + b"\0" * (len(chunk) % 2)
    return [b"RIFF" + len(body).to_bytes(4, "little") + body, *_of("mp3", "flac", "m4a")()]


def _trusts() -> list[bytes]:
    return [(VECTORS / "trust.json").read_bytes()]


def _proofs() -> list[bytes]:
    """The log's proofs in the published files, and the checkpoints in them."""
    found = []
    for data in stamped()[:12]:
        with on_disk(data) as path, contextlib.suppress(credentials.CredentialsDamaged):
            held = credentials.extract(path)
            if held is not None:
                found += [held.proof.encode(), held.proof.partition("\n\n")[2].encode()]
    return found


REKORDBOX = b"""<?xml version="1.0" encoding="UTF-8"?>
<DJ_PLAYLISTS Version="1.0.0"><PRODUCT Name="rekordbox" Version="6.0.0" Company="AlphaTheta"/>
<COLLECTION Entries="2"><TRACK TrackID="1" Name="One" Artist="A" TotalTime="300" AverageBpm="140.00" Tonality="4A"
 Location="file://localhost/music/one.wav" Rating="255" DateAdded="2024-01-02" PlayCount="3">
<TEMPO Inizio="0.05" Bpm="140.00" Metro="4/4" Battito="1"/>
<POSITION_MARK Name="in" Type="0" Start="1.0" Num="0"/></TRACK>
<TRACK TrackID="2" Name="Two" TotalTime="200" Location="file://localhost/music/two.mp3"/></COLLECTION>
<PLAYLISTS><NODE Type="0" Name="ROOT" Count="1"><NODE Name="Set" Type="1" KeyType="0" Entries="2">
<TRACK Key="1"/><TRACK Key="2"/></NODE></NODE></PLAYLISTS></DJ_PLAYLISTS>"""
CSV = b'title,artist,bpm,key,rating,location,date added\nOne,A,140.0,4A,5,/m/one.wav,2024-01-02\n"T,wo",B,,,,two.mp3,\n'
M3U = b"#EXTM3U\n#EXTINF:300,A - One\n/m/one.wav\n#PLAYLIST:Set\nhttp://x/two.mp3\n../../etc/passwd\n"
ENVELOPE = {
    "payloadType": signing.PAYLOAD_TYPE,
    "payload": "e30=",
    "signatures": [{"keyid": "ed25519:00", "sig": "AA" * 42 + "AA=="}],
}
STATEMENT = {
    "_type": statement.STATEMENT_TYPE,
    "subject": [
        {
            "name": "a.wav",
            "digest": {"sha256": "ab" * 32},
            "annotations": {"kind": "wav", "stream": {"kind": "x"}},
        }
    ],
    "predicateType": statement.PREDICATE_TYPE,
    "predicate": {
        "certificate": {"id": "cert_1", "title": "T", "artist": "A", "attested": "declared"},
        "provenance": {"type": "ai_generated", "seed": 1, "x": [1.5, None, True]},
    },
}


def _zipped() -> list[bytes]:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cert_1/envelope.json", json.dumps(ENVELOPE))
        archive.writestr(
            "cert_1/proof.txt", "c2sp.org/tlog-proof@v1\nindex 0\n\na/log\n1\nAAAA\n\n— a/log AAAA\n"
        )
    return [held.getvalue()]


def _dumped(*values: Any) -> Callable[[], list[bytes]]:
    return lambda: [json.dumps(value).encode() for value in values]


READERS: dict[str, Reader] = {
    "rekordbox": Reader(_collection("c.xml"), (ImportRefused,), lambda: [REKORDBOX]),
    "csv": Reader(_collection("c.csv"), (ImportRefused,), lambda: [CSV]),
    "m3u": Reader(_collection("c.m3u8"), (ImportRefused,), lambda: [M3U]),
    "pcm headers": Reader(_headers, (AudioError,), _of("wav", "aiff")),
    "mpeg frames": Reader(_mpeg, (AudioError,), _of("mp3")),
    "flac blocks": Reader(_flac, (AudioError,), _of("flac")),
    "mp4 boxes": Reader(_mp4, (AudioError,), _of("m4a")),
    "tags": Reader(_tags, (AudioError,), _of("mp3", "flac", "m4a", "wav", "ogg")),
    "sound hash and stamp": Reader(
        _stream, (AudioError, credentials.CredentialsDamaged, boxes.Malformed), stamped
    ),
    "manifest in a file": Reader(_place, (AudioError, boxes.Malformed), _with_manifest),
    "manifest store": Reader(boxes.parse, (boxes.Malformed,), lambda: [_store()]),
    "cbor": Reader(boxes.decode, (boxes.Malformed,), lambda: [b"\xa2\x61a\x01\x61b\x82\x01\x41x", b"\xfb" + bytes(8)]),
    "envelope": Reader(_json(signing.open_envelope), (signing.SigningError,), _dumped(ENVELOPE), True),
    "statement": Reader(_json(statement.read), (statement.StatementError,), _dumped(STATEMENT), True),
    "canonical": Reader(_json(canonical.canonical), (canonical.CanonicalError,), _dumped(STATEMENT), True),
    "trust file": Reader(_json(trust.Trust.from_json), (trust.TrustError,), _trusts, True),
    "disclosure": Reader(
        disclosure.parse, (disclosure.DisclosureError,),
        _dumped({"type": disclosure.DISCLOSURE_TYPE, "certificate_id": "cert_1",
                 "parts": [{"name": "title", "salt": "ab" * 16, "value": "x"}]}),
        True,
    ),
    "declared metadata": Reader(
        lambda data: declared.provenance(declared.parse(data.decode("utf-8", "replace"))),
        (declared.MetadataError,),
        _dumped({"title": "x", "generator": {"model": "m"}, "parents": ["cert_1"], "bpm": 140}),
        True,
    ),
    "log note": Reader(_note, (notes.NoteError,), _proofs),
    "bundle": Reader(_bundle, (NotReadable, signing.SigningError, notes.NoteError), _zipped),
    "watermark": Reader(_sound, (), lambda: [_recordings()["wav"][44:4044]]),
}  # fmt: skip


def outcome(name: str, data: bytes) -> str:
    """ "read", "refused", or what it crashed with."""
    reader = READERS[name]
    try:
        reader.read(data)
    except reader.refusals:
        return "refused"
    except Exception as error:  # noqa: BLE001  whatever it is, it is what we are looking for
        return f"{type(error).__name__}: {str(error)[:200]}"
    return "read"


@functools.cache
def examples(name: str) -> list[bytes]:
    return READERS[name].examples()


def hostile(name: str, rng: random.Random) -> bytes:
    """One input for a reader: a damaged example, or now and then nothing like one."""
    reader = READERS[name]
    if rng.random() < 0.05:
        return rng.randbytes(rng.choice((0, 1, 7, 64, 4096)))
    example = rng.choice(examples(name))
    if reader.is_json and rng.random() < 0.7:
        return restructured(example, rng)
    return mutated(example, rng)
