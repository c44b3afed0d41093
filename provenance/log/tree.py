"""The Merkle tree of RFC 6962 / RFC 9162, as pure functions over bytes.

A tree of n leaves is kept as its *frontier*: the roots of the perfect subtrees that tile it, largest first.
An append touches O(log n) hashes and every completed node is named (level, index), where the node (l, i)
covers the leaves [i * 2^l, (i + 1) * 2^l). Proofs are then sums of stored nodes and need no leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

Node = tuple[int, int]  # (level, index)
Range = tuple[int, int]  # leaves [low, high)

HASH_SIZE = 32
EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """RFC 6962 2.1: SHA-256(0x00 || data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 2.1: SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def append(
    size: int, frontier: Sequence[bytes], leaf: bytes
) -> tuple[int, list[bytes], list[tuple[int, int, bytes]]]:
    """Add a leaf hash to a tree of `size` leaves.

    Returns the new size, the new frontier and the nodes this completed, as (level, index, hash).
    """
    grown = list(frontier)
    nodes = [(0, size, leaf)]
    level, index, top = 0, size, leaf
    while index & 1:
        top = node_hash(grown.pop(), top)
        level, index = level + 1, index >> 1
        nodes.append((level, index, top))
    grown.append(top)
    return size + 1, grown, nodes


def root(frontier: Sequence[bytes]) -> bytes:
    """The tree head of a frontier; SHA-256("") for the empty tree."""
    if not frontier:
        return EMPTY
    top = frontier[-1]
    for left in reversed(frontier[:-1]):
        top = node_hash(left, top)
    return top


def cover(low: int, high: int) -> list[Node]:
    """The perfect subtrees, largest alignment first, whose fold is the hash of leaves [low, high)."""
    out: list[Node] = []
    while low < high:
        aligned = (low & -low).bit_length() - 1 if low else 63
        level = min(aligned, (high - low).bit_length() - 1)
        out.append((level, low >> level))
        low += 1 << level
    return out


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The sibling ranges on the path of leaf `index` in a tree of `size`, from the leaf upwards."""
    if not 0 <= index < size:
        raise ValueError(f"Entry {index} is not in a log of {size} entries.")
    low, high, out = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            out.append((middle, high))
            high = middle
        else:
            out.append((low, middle))
            low = middle
    return out[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges that prove the tree of `first` leaves a prefix of that of `second`; [] when first is 0."""
    if not 0 <= first <= second:
        raise ValueError(f"A log of {second} entries has no earlier size {first}.")
    if first == 0:
        return []
    low, high, out, whole = 0, second, [], True
    while first != high:
        middle = low + _split(high - low)
        if first <= middle:
            out.append((middle, high))
            high = middle
        else:
            out.append((low, middle))
            low, whole = middle, False
    return (out if whole else [*out, (low, high)])[::-1]


def prove(
    ranges: Sequence[Range], get_nodes: Callable[[Iterable[Node]], Mapping[Node, bytes]]
) -> list[bytes]:
    """The hashes of `ranges`, from stored nodes, fetched in one call of `get_nodes`."""
    covers = [cover(*r) for r in ranges]
    got = get_nodes([node for nodes in covers for node in nodes])
    return [root([got[node] for node in nodes]) for nodes in covers]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], head: bytes) -> bool:
    """RFC 9162 2.1.3.2: whether `leaf` is entry `index` of the tree of `size` leaves whose root is `head`."""
    if not 0 <= index < size or not _are_hashes(leaf, head, *proof):
        return False
    fn, sn, top = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            top = node_hash(sibling, top)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            top = node_hash(top, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and top == head


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """RFC 9162 2.1.4.2: whether the tree (second, second_root) only ever added to (first, first_root)."""
    if not 0 <= first <= second or not _are_hashes(first_root, second_root, *proof):
        return False
    if first == 0 and first_root != EMPTY:
        return False
    if first == second:
        return not proof and first_root == second_root
    if first == 0:
        return not proof
    path = [*([first_root] if first & (first - 1) == 0 else []), *proof]
    if not path:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == first_root and new == second_root


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)


def _split(n: int) -> int:
    """The largest power of two smaller than n (n > 1)."""
    return 1 << (n - 1).bit_length() - 1
