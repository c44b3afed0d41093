"""The text forms of the log: signed note, checkpoint, verifier key and proof, as C2SP writes them.

https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint, https://c2sp.org/tlog-proof. Plain text on
purpose: they fit in a mail, and Go's checksum-database tools read them as they are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from provenance.log import tree
from provenance.signing import Signer, signature_holds

ED25519 = b"\x01"
PROOF_HEADER = "c2sp.org/tlog-proof@v1"
MAX_NOTE_BYTES = 64_000
MAX_PROOF_HASHES = 63
_DASH = "\u2014 "  # em dash and a space open a signature line


class NoteError(ValueError):
    """Text that is not a valid note, checkpoint, key or proof. The message is one plain sentence."""


@dataclass(frozen=True)
class Checkpoint:
    """A log's head: how many entries it has and their Merkle root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n"


@dataclass(frozen=True)
class Proof:
    """A tlog-proof: entry index, inclusion path, and the signed checkpoint it leads to."""

    index: int
    hashes: tuple[bytes, ...]
    note: str

    def text(self) -> str:
        return "\n".join([PROOF_HEADER, f"index {self.index}", *map(_b64, self.hashes), "", self.note])


def note_key_id(name: str, public_key: bytes) -> bytes:
    """Four bytes that tell a reader which key to try: SHA-256(name || LF || 0x01 || key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:4]


def vkey(name: str, public_key: bytes) -> str:
    """The verifier key text `name+<key id>+<base64 of type and key>`."""
    _check_name(name)
    return f"{name}+{note_key_id(name, public_key).hex()}+{_b64(ED25519 + public_key)}"


def parse_vkey(text: str) -> tuple[str, bytes]:
    """(name, public key) of a verifier key. Raises NoteError when it does not hold together."""
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteError("This is not a log verifier key.")
    name, short, raw = parts[0], parts[1], _unb64(parts[2], "verifier key")
    if len(raw) != 33 or raw[:1] != ED25519 or note_key_id(name, raw[1:]).hex() != short:
        raise NoteError("The log verifier key does not match its own key id.")
    return name, raw[1:]


def sign_note(text: str, name: str, signer: Signer) -> str:
    """`text` (ending in a newline) followed by one signature line."""
    _check_name(name)
    if not text.endswith("\n") or "\n\n" in text:
        raise NoteError("A note must end with one newline and hold no empty line.")
    signature = signer.sign(text.encode())
    return f"{text}\n{_DASH}{name} {_b64(note_key_id(name, signer.public_key) + signature)}\n"


def open_note(note: str, keys: Mapping[str, Sequence[bytes]]) -> str:
    """The text of a signed note once a known key has signed it.

    `keys` maps a name to its public keys. Unknown signers are ignored, as the format asks (witnesses
    co-sign); a known signer whose signature fails is an error. Raises NoteError.
    """
    if len(note) > MAX_NOTE_BYTES or "\n\n" not in note:
        raise NoteError("The log checkpoint is not a signed note.")
    body, _, tail = note.rpartition("\n\n")
    text = body + "\n"
    if not tail.endswith("\n"):
        raise NoteError("The log checkpoint is cut off.")
    known = 0
    for line in tail[:-1].split("\n"):
        if not line.startswith(_DASH) or line.count(" ") != 2:
            raise NoteError("The log checkpoint has a broken signature line.")
        _, name, encoded = line.split(" ")
        raw = _unb64(encoded, "checkpoint signature")
        for public_key in keys.get(name, ()):
            if raw[:4] != note_key_id(name, public_key):
                continue
            if not signature_holds(public_key, raw[4:], text.encode()):
                raise NoteError(
                    "The log checkpoint's signature does not fit its text: one of them was changed."
                )
            known += 1
    if not known:
        raise NoteError("The log checkpoint is not signed by a log key this Starforge knows.")
    return text


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text. Extension lines are allowed and ignored, as the format asks."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not lines[0]:
        raise NoteError("The log checkpoint is incomplete.")
    size = _number(lines[1], "checkpoint size")
    head = _unb64(lines[2], "checkpoint root")
    if len(head) != tree.HASH_SIZE:
        raise NoteError("The log checkpoint's root is not a SHA-256 hash.")
    return Checkpoint(lines[0], size, head)


def parse_proof(text: str) -> Proof:
    """Read a tlog-proof. Raises NoteError; says nothing yet about whether it proves anything."""
    if len(text) > MAX_NOTE_BYTES:
        raise NoteError("The log proof is too long.")
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or len(lines) < 2 or lines[0] != PROOF_HEADER or not lines[1].startswith("index "):
        raise NoteError("The log proof is not in the tlog-proof format.")
    if len(lines) - 2 > MAX_PROOF_HASHES:
        raise NoteError("The log proof is longer than any log can need.")
    hashes = tuple(_unb64(line, "log proof") for line in lines[2:])
    if any(len(h) != tree.HASH_SIZE for h in hashes):
        raise NoteError("The log proof holds something that is not a SHA-256 hash.")
    return Proof(_number(lines[1][6:], "entry number"), hashes, note)


def check_proof(proof: Proof, leaf: bytes, keys: Mapping[str, Sequence[bytes]]) -> Checkpoint:
    """The checkpoint that `proof` ties `leaf` (the entry's bytes) to. NoteError says which link broke."""
    checkpoint = parse_checkpoint(open_note(proof.note, keys))
    if checkpoint.origin not in keys:
        raise NoteError("The log checkpoint was written for another log.")
    if not tree.verify_inclusion(
        tree.leaf_hash(leaf), proof.index, checkpoint.size, proof.hashes, checkpoint.root
    ):
        raise NoteError("The log does not contain this stamp at the place it claims.")
    return checkpoint


def _check_name(name: str) -> None:
    if not name or any(c.isspace() or c == "+" for c in name):
        raise NoteError("A log name must not be empty or hold spaces or a plus sign.")


def _number(text: str, what: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18 or (text[0] == "0" and text != "0"):
        raise NoteError(f"The {what} in the log's text is not a plain number.")
    return int(text)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def _unb64(text: str, what: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteError(f"The {what} is not valid base64.") from error
    if _b64(raw) != text:
        raise NoteError(f"The {what} is not in its one base64 form.")
    return raw
