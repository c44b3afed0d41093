"""Checkpoints and proofs as text: what one reader writes any C2SP reader accepts, and nothing else."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from provenance.log import notes, tree
from provenance.signing import FileSigner

NAME = "example.org/log"


@pytest.fixture(scope="module")
def signer():
    return FileSigner(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


@pytest.fixture(scope="module")
def keys(signer):
    return {NAME: [signer.public_key]}


@pytest.fixture(scope="module")
def proof(signer):
    leaves = [tree.leaf_hash(b"%d" % i) for i in range(3)]
    size, frontier, nodes = 0, [], {}
    for leaf in leaves:
        size, frontier, new = tree.append(size, frontier, leaf)
        nodes |= {(level, index): value for level, index, value in new}
    note = notes.sign_note(notes.Checkpoint(NAME, 3, tree.root(frontier)).text(), NAME, signer)
    return notes.Proof(1, tuple(tree.prove(tree.inclusion_ranges(1, 3), lambda _: nodes)), note)


def test_it_reads_the_note_from_the_go_standard_documentation():
    """The example of golang.org/x/mod/sumdb/note: PeterNeumann's key and note, byte for byte."""
    name, public_key = notes.parse_vkey("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
    note = (
        "If you think cryptography is the answer to your problem,\n"
        "then you don't know what your problem is.\n\n"
        "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6"
        "KE6RyyBwJnAM=\n"
    )
    text = notes.open_note(note, {name: [public_key]})
    assert text.startswith("If you think cryptography")
    with pytest.raises(notes.NoteError, match="changed"):
        notes.open_note(note.replace("answer", "Answer"), {name: [public_key]})


def test_a_verifier_key_reads_back(signer):
    assert notes.parse_vkey(notes.vkey(NAME, signer.public_key)) == (NAME, signer.public_key)


def test_a_verifier_key_with_another_name_is_refused(signer):
    with pytest.raises(notes.NoteError, match="does not match"):
        notes.parse_vkey(notes.vkey(NAME, signer.public_key).replace("example", "exemple"))


def test_a_proof_reads_back_and_holds(proof, keys):
    again = notes.parse_proof(proof.text())
    assert again == proof
    assert notes.check_proof(again, b"1", keys) == notes.Checkpoint(
        NAME, 3, notes.parse_checkpoint(proof.note).root
    )


def test_a_proof_does_not_hold_for_another_entry_or_place(proof, keys):
    with pytest.raises(notes.NoteError, match="does not contain"):
        notes.check_proof(proof, b"2", keys)
    with pytest.raises(notes.NoteError, match="does not contain"):
        notes.check_proof(notes.Proof(0, proof.hashes, proof.note), b"1", keys)


def test_every_changed_character_of_a_proof_is_refused(proof, keys):
    text = proof.text()
    for i, old in enumerate(text):
        for new in ("A" if old != "A" else "B", "\n" if old != "\n" else " "):
            with pytest.raises(notes.NoteError):
                notes.check_proof(notes.parse_proof(text[:i] + new + text[i + 1 :]), b"1", keys)


def test_a_log_signed_by_a_stranger_is_refused(proof):
    stranger = FileSigner(Ed25519PrivateKey.generate())
    with pytest.raises(notes.NoteError, match="not signed by a log key"):
        notes.check_proof(proof, b"1", {NAME: [stranger.public_key]})


def test_a_stranger_may_not_borrow_the_name_and_key_id(proof, signer, keys):
    body, _, tail = proof.note.rpartition("\n\n")
    forged = base64.b64encode(notes.note_key_id(NAME, signer.public_key) + bytes(64)).decode()
    note = f"{body}\n\n\u2014 {NAME} {forged}\n"
    assert tail
    with pytest.raises(notes.NoteError, match="changed"):
        notes.check_proof(notes.Proof(proof.index, proof.hashes, note), b"1", keys)


def test_a_witness_signature_beside_ours_is_allowed(proof, keys):
    witness = FileSigner(Ed25519PrivateKey.generate())
    text = proof.note.rpartition("\n\n")[0] + "\n"
    extra = notes.sign_note(text, "witness.example", witness).rpartition("\n\n")[2]
    assert notes.open_note(proof.note + extra, keys) == text


def test_a_checkpoint_of_another_log_by_a_known_key_is_refused(signer):
    leaf = tree.leaf_hash(b"1")
    note = notes.sign_note(notes.Checkpoint("elsewhere.example/log", 1, leaf).text(), NAME, signer)
    with pytest.raises(notes.NoteError, match="another log"):
        notes.check_proof(notes.Proof(0, (), note), b"1", {NAME: [signer.public_key]})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "a\n1\n",
        f"{NAME}\n01\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n-1\n{base64.b64encode(bytes(32)).decode()}\n",
        f"{NAME}\n1\n{base64.b64encode(bytes(31)).decode()}\n",
    ],
)
def test_a_malformed_checkpoint_is_refused(text):
    with pytest.raises(notes.NoteError):
        notes.parse_checkpoint(text)
