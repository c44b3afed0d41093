"""Test vectors that others published: the log reads what Certificate Transparency and Go's checksum database say.

`tests/vendor/rfc6962/vectors.json` holds the inclusion and consistency proofs of transparency-dev/merkle, right
and wrong ones, with their source and licence inside. The tree heads of sum.golang.org were signed by Google and
stand in public in the tests and manuals named beside them.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from provenance.log import notes, tree

VECTORS = json.loads((Path(__file__).parents[1] / "vendor" / "rfc6962" / "vectors.json").read_text())
# Its two roots are the words "don't care 2": equal, but no SHA-256 hashes, which is what we insist on.
STRICTER = {"additional/sizes-are-equal-one-and-proof-is-empty"}
SUMDB_KEY = (
    "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"  # cmd/go/internal/modfetch/key.go
)
SUMDB_HEADS = {
    # github.com/transparency-dev/formats, log/checkpoint_test.go
    6476701: (
        "mb8QLQIs0Z0yP5Cstq6guj87oXWeC9gEM8oVikmm9Wk=",
        "Az3grsLX85Gz+s1SiTbgkuqxgItqFq7gsMUEyVnrsa9LM7Us9S+1xbFIGu95949rj4nPRYfvimWEPWL+o3GeoWwOoAw=",
    ),
    # github.com/CycloneDX/cyclonedx-gomod, README
    3935567: (
        "SapHtgdNCeF00Cx8kqztePV24kgzNg++Xovae42HAMw=",
        "Az3grsm7Wm4CVNR1RHq9BFnu9jzcRlU2uw7lr0gfUWgO6+rqPNjT+fUTl9gH0NRTgdwW9nItuQSMbhSaLCsk8YeYSAs=",
    ),
}


def b(text: str) -> bytes:
    return base64.b64decode(text)


def test_every_published_inclusion_proof_is_judged_as_its_authors_say():
    assert len(VECTORS["inclusion"]) == 98
    for case in VECTORS["inclusion"]:
        holds = tree.verify_inclusion(
            b(case["leafHash"]),
            case["leafIdx"],
            case["treeSize"],
            [b(h) for h in case["proof"]],
            b(case["root"]),
        )
        assert holds is not case["wantErr"], case["name"]


def test_every_published_consistency_proof_is_judged_as_its_authors_say():
    assert len(VECTORS["consistency"]) == 98
    for case in VECTORS["consistency"]:
        holds = tree.verify_consistency(
            case["size1"],
            case["size2"],
            b(case["root1"]),
            b(case["root2"]),
            [b(h) for h in case["proof"]],
        )
        stricter = case["name"] in STRICTER
        assert holds is (False if stricter else not case["wantErr"]), case["name"]


@pytest.mark.parametrize("size", SUMDB_HEADS)
def test_a_tree_head_of_gos_checksum_database_opens_with_its_key(size):
    root, signature = SUMDB_HEADS[size]
    name, public_key = notes.parse_vkey(SUMDB_KEY)
    note = f"go.sum database tree\n{size}\n{root}\n\n\u2014 {name} {signature}\n"
    read = notes.parse_checkpoint(notes.open_note(note, {name: [public_key]}))
    assert (read.origin, read.size, read.root) == ("go.sum database tree", size, b(root))
    with pytest.raises(notes.NoteError, match="changed"):
        notes.open_note(note.replace(f"\n{size}\n", f"\n{size + 1}\n"), {name: [public_key]})


def test_the_text_of_a_tree_head_is_the_one_go_formats():
    """FormatTree in golang.org/x/mod/sumdb/tlog/note_test.go."""
    root = b("TszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=")
    text = "go.sum database tree\n123456789012\nTszzRgjTG6xce+z2AG31kAXYKBgQVtCSCE40HmuwBb0=\n"
    assert notes.Checkpoint("go.sum database tree", 123456789012, root).text() == text
    assert notes.parse_checkpoint(text).root == root
