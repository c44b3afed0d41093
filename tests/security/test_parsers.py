"""Readers of what strangers send: each reads or refuses, and never does anything else."""

from __future__ import annotations

import io
import json
import random
import time
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.imports import reading, sniffing
from catalog.imports.errors import ImportRefused
from provenance import disclosure
from provenance.log import notes
from provenance.manifest import boxes
from provenance.standalone.check import Bundle, NotReadable
from tests.security.parsers import READERS, examples, hostile, outcome
from tests.security.processes import peak_of

FINE = {"read", "refused"}
EACH = 25
SLOW = {"watermark": 2}
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
TEXT = st.text(st.characters(exclude_categories=()), max_size=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("name", READERS)
def test_an_example_is_read_and_a_damaged_one_is_read_or_refused(name: str) -> None:
    assert "read" in {outcome(name, one) for one in examples(name)}
    rng = random.Random(name)
    for _ in range(SLOW.get(name, EACH)):
        data = hostile(name, rng)
        assert outcome(name, data) in FINE, data[:2000]


@pytest.mark.parametrize("name", [name for name, reader in READERS.items() if reader.is_json])
@quick
@given(value=JSON)
def test_any_json_is_read_or_refused(name: str, value: object) -> None:
    try:
        data = json.dumps(value).encode()
    except UnicodeEncodeError:
        return
    assert outcome(name, data) in FINE


@quick
@given(data=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for name in READERS.keys() - {"watermark", "rekordbox", "csv", "m3u", "bundle"}:
        assert outcome(name, data) in FINE, name


@quick
@given(rows=st.lists(st.lists(TEXT, max_size=6), max_size=6), kind=st.sampled_from(["csv", "m3u"]))
def test_any_table_is_read_or_refused(rows: list[list[str]], kind: str) -> None:
    head = "title,artist,bpm,key,rating,location\n" if kind == "csv" else "#EXTM3U\n"
    text = head + "\n".join(",".join(row) for row in rows)
    assert outcome(kind, text.encode("utf-8", "surrogatepass")) in FINE


# --- bombs ---------------------------------------------------------------------------------------------------------

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
XML_BOMBS = {
    "billion laughs": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "ha">{LAUGHS}]>'
    "<DJ_PLAYLISTS>&a11;</DJ_PLAYLISTS>",
    "quadratic blowup": f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "{"b" * 50_000}">]>'
    f"<DJ_PLAYLISTS>{'&a;' * 50_000}</DJ_PLAYLISTS>",
    "external entity": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    "<DJ_PLAYLISTS><COLLECTION><TRACK Name='&a;'/></COLLECTION></DJ_PLAYLISTS>",
    "external document type": '<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><DJ_PLAYLISTS/>',
    "parameter entity": '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY % a SYSTEM "http://127.0.0.1:1/">%a;]><x/>',
    "a million levels": "<DJ_PLAYLISTS>" + "<NODE>" * 1_000_000,
    "a million attributes": "<DJ_PLAYLISTS " + " ".join(f'a{n}="1"' for n in range(200_000)) + "/>",
    "a name without end": "<DJ_PLAYLISTS><" + "a" * 3_000_000,
    "a comment without end": "<DJ_PLAYLISTS><!--" + "a" * 3_000_000,
    "a value without end": '<DJ_PLAYLISTS><TRACK Name="' + "a" * 3_000_000,
}


@pytest.mark.parametrize("name", XML_BOMBS)
def test_an_xml_bomb_is_refused_in_a_moment_and_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / "c.xml"
    path.write_text(XML_BOMBS[name])

    def read() -> None:
        with pytest.raises(ImportRefused):
            list(reading.read(path, reading.survey(path, sniffing.kind_of(path, "c.xml")), name="c"))

    began = time.process_time()
    assert peak_of(read) < 60 * 2**20
    assert time.process_time() - began < 5


@pytest.mark.parametrize("kind", ["csv", "m3u8"])
def test_a_line_without_end_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"c.{kind}"
    head = "title,location\n" if kind == "csv" else "#EXTM3U\n"
    path.write_text(head + '"' + "a" * 8_000_000)

    def read() -> None:
        with pytest.raises(ImportRefused):
            list(reading.read(path, reading.survey(path, sniffing.kind_of(path, path.name)), name="c"))

    assert peak_of(read) < 60 * 2**20


def zip_of_a_gigabyte(path: Path) -> Path:
    """A thousand million zeros in one member, as bundles name it: a megabyte on disk."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("cert_1/envelope.json", "w", force_zip64=True) as member:
            for _ in range(64):
                member.write(bytes(2**24))
        archive.writestr("cert_1/proof.txt", b"")
    return path


def lying(path: Path) -> Path:
    """The same, small by its own word."""
    data = bytearray(zip_of_a_gigabyte(path).read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"PK\x01\x02"))
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    path.write_bytes(data)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("make", [zip_of_a_gigabyte, lying])
def test_a_zip_of_a_gigabyte_is_not_unpacked(make: object, tmp_path: Path) -> None:
    path = make(tmp_path / "bundle.zip")  # type: ignore[operator]
    assert path.stat().st_size < 16 * 2**20

    def read() -> None:
        with pytest.raises(NotReadable):
            Bundle.read(path)

    assert peak_of(read) < 32 * 2**20


def test_a_zip_writes_nothing_wherever_its_names_point(tmp_path: Path) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    path = folder / "b.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("../../evil/envelope.json", "/etc/evil", "..\\evil", "../../evil/proof.txt"):
            archive.writestr(name, b"{}")
    Bundle.read(path)  # the two files are read, whatever stands before their names
    assert sorted(tmp_path.rglob("*")) == [folder, path]


@pytest.mark.parametrize("depth", [1_000, 100_000, 1_000_000])
def test_deep_json_is_refused(depth: int) -> None:
    for text in ("[" * depth, '{"a":' * depth, "[" * depth + "]" * depth):
        for name, reader in READERS.items():
            if reader.is_json:
                assert outcome(name, text.encode()) in FINE, name


def test_deep_cbor_is_refused() -> None:
    for deep in (
        b"\x81" * 100_000,
        b"\x9f" * 100_000,
        b"\xa1\x01" * 100_000,
        b"\x9a\xff\xff\xff\xff",
        b"\xd8\x01" * 9,
    ):
        with pytest.raises(boxes.Malformed):
            boxes.decode(deep)


@pytest.mark.parametrize("number", ["9" * 5000, "1e400", "-" + "9" * 5000])
def test_numbers_that_no_machine_has_are_refused(number: str) -> None:
    for name, reader in READERS.items():
        if reader.is_json:
            assert outcome(name, f'{{"version": {number}, "type": {number}}}'.encode()) in FINE
    with pytest.raises(disclosure.DisclosureError):
        disclosure.parse(f'{{"type": {number}}}')
    with pytest.raises(notes.NoteError):
        notes.parse_checkpoint(f"a\n{number}\nAAAA\n")


def test_a_zip_in_a_form_nobody_reads_is_refused(tmp_path: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("envelope.json", b"{}")
        archive.writestr("proof.txt", b"")
    for flags, method in ((1, 0), (0, 99), (0x2041, 8)):  # encrypted, an unknown packing, masked names
        data = bytearray(held.getvalue())
        for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            begin = data.index(mark) + at
            data[begin : begin + 4] = flags.to_bytes(2, "little") + method.to_bytes(2, "little")
        path = tmp_path / "b.zip"
        path.write_bytes(data)
        with pytest.raises(NotReadable):
            Bundle.read(path)
