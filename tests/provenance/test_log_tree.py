"""The Merkle log agrees with a naive reading of RFC 6962, and every broken proof is refused."""

from __future__ import annotations

import hashlib

import pytest

from provenance.log import tree

LEAVES = [tree.leaf_hash(b"entry %d" % i) for i in range(130)]


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1 word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 2.1.1."""
    if len(leaves) <= 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962 2.1.2."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


@pytest.fixture(scope="module")
def grown():
    size, frontier, nodes, heads = 0, [], {}, [tree.root([])]
    for leaf in LEAVES:
        size, frontier, new = tree.append(size, frontier, leaf)
        for level, index, value in new:
            assert (level, index) not in nodes  # a completed node never changes
            nodes[(level, index)] = value
        heads.append(tree.root(frontier))
    return nodes, heads


def test_every_head_equals_the_naive_root(grown):
    _, heads = grown
    assert heads == [naive_root(LEAVES[:n]) for n in range(len(LEAVES) + 1)]


def test_known_answers_of_the_certificate_transparency_test_set():
    """The roots that Google's certificate-transparency tests have always used."""
    data = [
        bytes.fromhex(h)
        for h in [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ]
    ]
    roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    size, frontier = 0, []
    for item, expected in zip(data, roots, strict=True):
        size, frontier, _ = tree.append(size, frontier, tree.leaf_hash(item))
        assert tree.root(frontier).hex() == expected


def test_inclusion_proofs_equal_the_naive_ones_and_verify(grown):
    nodes, heads = grown
    for n in [*range(1, 34), 63, 64, 65, 127, 128, 129, 130]:
        for m in range(n):
            proof = tree.prove(tree.inclusion_ranges(m, n), lambda want: nodes)
            assert proof == naive_path(m, LEAVES[:n])
            assert tree.verify_inclusion(LEAVES[m], m, n, proof, heads[n])


def test_consistency_proofs_equal_the_naive_ones_and_verify(grown):
    nodes, heads = grown
    for n in [*range(1, 34), 63, 64, 65, 127, 128, 129, 130]:
        for m in range(n + 1):
            proof = tree.prove(tree.consistency_ranges(m, n), lambda want: nodes)
            if m:
                assert proof == naive_subproof(m, LEAVES[:n], True)
            assert tree.verify_consistency(m, n, heads[m], heads[n], proof)


def test_a_broken_inclusion_proof_is_refused(grown):
    nodes, heads = grown
    for n in (1, 2, 7, 8, 9, 100):
        for m in {0, n // 2, n - 1}:
            proof = tree.prove(tree.inclusion_ranges(m, n), lambda want: nodes)
            good = (LEAVES[m], m, n, proof, heads[n])
            assert tree.verify_inclusion(*good)
            assert not tree.verify_inclusion(tree.leaf_hash(b"other"), m, n, proof, heads[n])
            assert not tree.verify_inclusion(LEAVES[m], m, n, proof, heads[n - 1])
            assert not tree.verify_inclusion(LEAVES[m], m, n, [*proof, LEAVES[0]], heads[n])
            assert not tree.verify_inclusion(LEAVES[m], n, n, proof, heads[n])
            assert not tree.verify_inclusion(LEAVES[m], -1, n, proof, heads[n])
            if proof:
                assert not tree.verify_inclusion(LEAVES[m], m, n, proof[:-1], heads[n])
                assert not tree.verify_inclusion(
                    LEAVES[m], m, n, proof[::-1] if len(proof) > 1 else [LEAVES[3]], heads[n]
                )
            if n > 1:
                assert not tree.verify_inclusion(LEAVES[m], (m + 1) % n, n, proof, heads[n])


def test_a_rewritten_entry_breaks_consistency_with_every_later_head(grown):
    nodes, heads = grown
    forged = [*LEAVES[:50], tree.leaf_hash(b"rewritten"), *LEAVES[51:]]
    forged_head = naive_root(forged)
    for kept in (51, 64, 100, 129):
        proof = naive_subproof(kept, forged, True)  # the best an attacker with every key can publish
        assert not tree.verify_consistency(kept, 130, heads[kept], forged_head, proof)
    proof = tree.prove(tree.consistency_ranges(64, 130), lambda want: nodes)
    assert tree.verify_consistency(64, 130, heads[64], heads[130], proof)


def test_a_broken_consistency_proof_is_refused(grown):
    nodes, heads = grown
    for m, n in [(1, 2), (3, 7), (4, 7), (6, 8), (64, 130), (65, 130)]:
        proof = tree.prove(tree.consistency_ranges(m, n), lambda want: nodes)
        assert tree.verify_consistency(m, n, heads[m], heads[n], proof)
        assert not tree.verify_consistency(m, n, heads[m - 1], heads[n], proof)
        assert not tree.verify_consistency(m, n, heads[m], heads[n - 1], proof)
        assert not tree.verify_consistency(m, n, heads[m], heads[n], proof[:-1])
        assert not tree.verify_consistency(m, n, heads[m], heads[n], [*proof, LEAVES[0]])
        assert not tree.verify_consistency(n, m, heads[n], heads[m], proof)
    assert not tree.verify_consistency(5, 5, heads[5], heads[6], [])
    assert not tree.verify_consistency(0, 5, heads[1], heads[5], [])


def test_proofs_for_places_outside_the_log_are_not_made():
    with pytest.raises(ValueError, match="not in a log"):
        tree.inclusion_ranges(5, 5)
    with pytest.raises(ValueError, match="no earlier size"):
        tree.consistency_ranges(6, 5)
