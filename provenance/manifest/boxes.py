"""What a C2PA manifest store is made of, read strictly: JUMBF boxes (ISO/IEC 19566-5), CBOR and COSE (RFC 8949, 9052).

The c2pa library checks what is signed and hashed. Between that lie bytes that nobody hashes: box headers, labels, and
zeros that were reserved for the signature. Here every one of them must be what it can only be, so that not a single
bit of a manifest of ours can change unseen. Lengths are checked before anything is read: a store is hostile.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MAX_STORE = 4 << 20  # of a manifest that we read ourselves; ours are some ten kilobytes
_TAIL = bytes.fromhex("00110010800000aa00389b71")  # of every box type that C2PA defines
_REQUESTABLE, _LABELLED, _PRIVATE = 1, 2, 16
_MAX_DEPTH, _MAX_ITEMS = 16, 4096
_PADDING, _STAMPS = ("pad", "pad2"), ("sigTst2",)


class Malformed(ValueError):
    """Bytes that are no manifest of ours. The message names the place, for programmers."""


@dataclass(frozen=True)
class Manifest:
    """The one manifest of a store, taken apart."""

    label: str
    assertions: dict[str, bytes]  # label -> content: JSON text or CBOR
    claim: bytes  # what is signed, CBOR
    protected: bytes  # COSE header that is signed too, CBOR
    certificate: bytes  # of whoever signed, DER
    signature: bytes  # 64 bytes
    signature_at: int  # its offset in the store
    exclusions: tuple[
        tuple[int, int], ...
    ]  # (start, length) of the file's bytes that the data hash leaves out

    @property
    def signed(self) -> bytes:
        """What the signature is over: COSE's Sig_structure."""
        return b"\x84\x6aSignature1" + _bytes(self.protected) + b"\x40" + _bytes(self.claim)


def parse(store: bytes) -> Manifest:
    """The manifest in a store that holds exactly one, with nothing in it that is not accounted for.

    Raises Malformed.
    """
    if len(store) > MAX_STORE:
        raise Malformed("larger than any manifest of ours")
    outer = _Super.read(store, 0, len(store))
    outer.expect(b"c2pa", "c2pa")
    (manifest,) = outer.children(1)
    manifest.expect(b"c2ma")
    assertions, claim, signature = manifest.children(3)
    assertions.expect(b"c2as", "c2pa.assertions")
    claim.expect(b"c2cl", "c2pa.claim.v2")
    signature.expect(b"c2cs", "c2pa.signature")
    held: dict[str, bytes] = {}
    for one in assertions.children():
        if one.kind not in (b"cbor", b"json") or one.label in held:
            raise Malformed("an assertion of another kind, or twice")
        held[one.label] = one.content(one.kind)[0]
    said, _ = claim.content(b"cbor")
    if decode(said).get("signature") != f"self#jumbf=/c2pa/{manifest.label}/c2pa.signature":
        raise Malformed("the claim names another manifest")
    sealed, at = signature.content(b"cbor")
    protected, certificate, value = _cose(sealed)
    spans = decode(held["c2pa.hash.data"]).get("exclusions", []) if "c2pa.hash.data" in held else []
    return Manifest(
        manifest.label, held, said, protected, certificate, value, at + len(sealed) - 64,
        tuple((int(span["start"]), int(span["length"])) for span in spans),
    )  # fmt: skip


def _cose(sealed: bytes) -> tuple[bytes, bytes, bytes]:
    """(protected header, the signer's certificate, signature) of a COSE_Sign1 with a detached payload."""
    if sealed[:1] != b"\xd2":
        raise Malformed("the signature is no COSE_Sign1")
    parts = decode(sealed[1:])
    if not isinstance(parts, list) or len(parts) != 4 or parts[2] is not None:
        raise Malformed("the signature is no COSE_Sign1")
    protected, loose, _, value = parts
    if not isinstance(protected, bytes) or not isinstance(loose, dict) or not isinstance(value, bytes):
        raise Malformed("the signature is no COSE_Sign1")
    if len(value) != 64 or sealed[-66:] != b"\x58\x40" + value:
        raise Malformed("the signature is not 64 bytes long")
    for name, content in loose.items():
        if name in _PADDING:
            if not isinstance(content, bytes) or content.strip(b"\0"):
                raise Malformed("the padding of the signature is not empty")
        elif name not in _STAMPS:
            raise Malformed("an unsigned header that does not belong there")
    chain = decode(protected).get(33)  # x5chain, RFC 9360
    first = chain[0] if isinstance(chain, list) and chain else chain
    if not isinstance(first, bytes):
        raise Malformed("the signature names no certificate")
    return protected, first, value


# --- JUMBF ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Super:
    """A JUMBF superbox: its description, and the bytes [start, end) of what is in it."""

    data: bytes
    kind: bytes
    label: str
    start: int
    end: int

    @classmethod
    def read(cls, data: bytes, at: int, end: int) -> _Super:
        """The superbox that begins at `at`; it may end before `end`."""
        inner, close = _box(data, at, end, b"jumb")
        start, stop = _box(data, inner, close, b"jumd")
        toggles = data[start + 16] if stop - start > 17 else 0
        if data[start + 4 : start + 16] != _TAIL or toggles & ~_PRIVATE != _REQUESTABLE | _LABELLED:
            raise Malformed("a box description that C2PA does not know")
        mark = data.find(b"\0", start + 17, stop)
        rest = mark + 1
        if mark < 0 or (rest != stop and not toggles & _PRIVATE):
            raise Malformed("a label without an end")
        if toggles & _PRIVATE and _box(data, rest, stop, b"c2sh")[1] != stop:
            raise Malformed("a salt that is too short")
        try:
            label = data[start + 17 : mark].decode("ascii")
        except UnicodeDecodeError as error:
            raise Malformed("a label that is not ASCII") from error
        return cls(data, data[start : start + 4], label, stop, close)

    def expect(self, kind: bytes, label: str | None = None) -> None:
        if self.kind != kind or (label is not None and self.label != label):
            raise Malformed(f"a box where {label or kind!r} belongs")

    def children(self, count: int | None = None) -> list[_Super]:
        found, at = [], self.start
        while at < self.end:
            found.append(self.read(self.data, at, self.end))
            at = found[-1].end
            if len(found) > 64:
                raise Malformed("more boxes than any manifest has")
        if count is not None and len(found) != count:
            raise Malformed("boxes are missing, or there are more than belong there")
        return found

    def content(self, kind: bytes) -> tuple[bytes, int]:
        """The one content box: its bytes and their offset."""
        start, end = _box(self.data, self.start, self.end, kind)
        if end != self.end:
            raise Malformed("something behind the content of a box")
        return self.data[start:end], start


def _box(data: bytes, at: int, end: int, kind: bytes) -> tuple[int, int]:
    """(start of the content, end) of the box of this kind at `at`."""
    length = int.from_bytes(data[at : at + 4], "big")
    if at + 8 > end or length < 8 or at + length > end or data[at + 4 : at + 8] != kind:
        raise Malformed(f"no {kind!r} box at {at}")
    return at + 8, at + length


# --- CBOR ----------------------------------------------------------------------------------------------------


def decode(data: bytes) -> Any:
    """One CBOR item that fills `data`: lengths known, numbers in their shortest form, no key twice, no tags.

    Raises Malformed.
    """
    value, at = _item(data, 0, 0)
    if at != len(data):
        raise Malformed("something behind the end of a CBOR item")
    return value


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    if at >= len(data) or depth > _MAX_DEPTH:
        raise Malformed("a CBOR item is cut off or too deep")
    major, head = data[at] >> 5, data[at] & 31
    if major == 7:
        simple = {20: False, 21: True, 22: None}
        if head not in simple:
            raise Malformed("a CBOR item of a kind no manifest has")
        return simple[head], at + 1
    number, at = _number(data, at + 1, head)
    if major == 0:
        return number, at
    if major == 1:
        return -1 - number, at
    if major in (2, 3):
        raw = data[at : at + number]
        if len(raw) != number:
            raise Malformed("a CBOR text is cut off")
        try:
            return (raw if major == 2 else raw.decode("utf-8")), at + number
        except UnicodeDecodeError as error:
            raise Malformed("a CBOR text is not UTF-8") from error
    if major == 6 or number > _MAX_ITEMS:
        raise Malformed("a CBOR item of a kind no manifest has")
    if major == 4:
        items = []
        for _ in range(number):
            value, at = _item(data, at, depth + 1)
            items.append(value)
        return items, at
    found: dict[Any, Any] = {}
    for _ in range(number):
        key, at = _item(data, at, depth + 1)
        value, at = _item(data, at, depth + 1)
        if not isinstance(key, (int, str)) or key in found:
            raise Malformed("a CBOR key twice, or of an odd kind")
        found[key] = value
    return found, at


def _number(data: bytes, at: int, head: int) -> tuple[int, int]:
    if head < 24:
        return head, at
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(head, 0)
    number = int.from_bytes(data[at : at + width], "big")
    least = {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}.get(width, 0)
    if not width or len(data) < at + width or number < least:
        raise Malformed("a CBOR number that is not in its shortest form")
    return number, at + width


def _bytes(raw: bytes) -> bytes:
    """`raw` as a CBOR byte string."""
    size = len(raw)
    if size < 24:
        return bytes([0x40 | size]) + raw
    width, head = (1, 0x58) if size < 1 << 8 else (2, 0x59) if size < 1 << 16 else (4, 0x5A)
    return bytes([head]) + size.to_bytes(width, "big") + raw
