"""The log on the database: one locked head, so that it has no gaps whatever runs beside it.

`append` belongs inside the caller's transaction: entry, nodes and head come to be together with what they
record, or not at all. `checkpoint` signs afterwards, in a transaction of its own, what was really committed;
it refuses to sign a log that does not continue the last one it signed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from django.db import transaction
from django.db.models import Max

from provenance import keys
from provenance.log import notes, tree
from provenance.models import Checkpoint, LogEntry, LogHead, LogNode

MOST = 1 << 56  # entries: what is left for an index in the key of a node


class LogDamaged(Exception):
    """The stored log contradicts a checkpoint that was already published. Nothing more is signed."""


class NotInLog(LookupError):
    """A proof was asked for about entries the log does not (yet) hold."""


def append(leaf: bytes, *, kind: str = "certificate") -> LogEntry:
    """Add one entry (its bytes are hashed, not stored). Must run inside a transaction."""
    head = _locked_head()
    size, frontier, nodes = tree.append(head.size, _unpack(head.frontier), tree.leaf_hash(leaf))
    entry = LogEntry.objects.create(index=head.size, leaf_hash=tree.leaf_hash(leaf), kind=kind)
    LogNode.objects.bulk_create(
        [LogNode(id=node_key((level, index)), hash=value) for level, index, value in nodes]
    )
    head.size, head.frontier = size, b"".join(frontier)
    head.save(update_fields=["size", "frontier"])
    return entry


def checkpoint() -> Checkpoint:
    """The signed head of the log as committed, signed now if it has grown since the last one.

    Raises LogDamaged when the log is shorter than, or different from, what was signed before; RuntimeError
    when called inside another transaction, whose rollback would make the signature a lie.
    """
    with transaction.atomic(durable=True):
        head = _locked_head()
        last = Checkpoint.objects.order_by("-size").first()
        if last is not None:
            if last.size > head.size or root_at(last.size) != bytes(last.root):
                raise LogDamaged("The log no longer contains what its last checkpoint signed.")
            if last.size == head.size:
                return last
        signer, row = keys.signer("log")
        root = tree.root(_unpack(head.frontier))
        if root != root_at(head.size):
            raise LogDamaged("The head of the log does not follow from its entries.")
        note = notes.sign_note(notes.Checkpoint(row.name, head.size, root).text(), row.name, signer)
        return Checkpoint.objects.create(size=head.size, root=root, note=note, key=row)


def latest_checkpoint() -> Checkpoint:
    """The newest checkpoint, signing one first if entries were committed since (a crash can leave that)."""
    last = Checkpoint.objects.order_by("-size").first()
    newest = LogEntry.objects.aggregate(last=Max("index"))["last"]
    if last is not None and last.size == (0 if newest is None else newest + 1):
        return last
    return checkpoint()


def root_at(size: int) -> bytes:
    """The tree head when the log had `size` entries, from stored nodes."""
    want = tree.cover(0, size)
    got = _nodes(want)
    return tree.root([got[node] for node in want])


def proof_text(entry: LogEntry, at: Checkpoint) -> str:
    """The tlog-proof that `entry` is in the log `at` signed. Raises NotInLog."""
    return notes.Proof(entry.index, tuple(inclusion(entry.index, at.size)), at.note).text()


def first_checkpoint_with(entry: LogEntry) -> Checkpoint:
    """The earliest checkpoint that covers `entry`, signing one if none does yet."""
    found = Checkpoint.objects.filter(size__gt=entry.index).order_by("size").first()
    return found or checkpoint()


def inclusion(index: int, size: int) -> list[bytes]:
    """RFC 6962 inclusion path of entry `index` in the log of `size` entries. Raises NotInLog."""
    try:
        return tree.prove(tree.inclusion_ranges(index, size), _of_a_log(size))
    except ValueError as error:
        raise NotInLog(str(error)) from error


def consistency(first: int, second: int) -> list[bytes]:
    """RFC 6962 proof that the log of `first` entries begins the one of `second`. Raises NotInLog."""
    try:
        return tree.prove(tree.consistency_ranges(first, second), _of_a_log(second))
    except ValueError as error:
        raise NotInLog(str(error)) from error


def lock() -> None:
    """Hold the head until the caller's transaction ends: whoever appends waits."""
    _locked_head()


def head() -> tuple[int, list[bytes]]:
    """Size and frontier as committed."""
    row = LogHead.objects.filter(pk=1).first()
    return (row.size, _unpack(row.frontier)) if row else (0, [])


def size() -> int:
    """How many entries are committed."""
    return LogHead.objects.filter(pk=1).values_list("size", flat=True).first() or 0


def _of_a_log(wanted: int) -> Callable[[Iterable[tree.Node]], Mapping[tree.Node, bytes]]:
    """The nodes of a log of `wanted` entries, which is known to be one by its last leaf: one query for both."""

    def fetch(want: Iterable[tree.Node]) -> Mapping[tree.Node, bytes]:
        try:
            if wanted < MOST:
                return _nodes([*want, *([(0, wanted - 1)] if wanted else [])])
        except LogDamaged:
            if wanted <= size():
                raise
        raise NotInLog(f"The log has {size():,} entries, not {wanted:,}.")

    return fetch


def _locked_head() -> LogHead:
    LogHead.objects.get_or_create(pk=1)
    return LogHead.objects.select_for_update().get(pk=1)


def _nodes(want: Iterable[tree.Node]) -> dict[tree.Node, bytes]:
    named = {node_key(node): node for node in want}
    rows = LogNode.objects.filter(pk__in=named).values_list("pk", "hash")
    got = {named[pk]: bytes(value) for pk, value in rows}
    if len(got) != len(named):
        raise LogDamaged("The log has lost some of its hashes.")
    return got


def node_key(node: tree.Node) -> int:
    """The key a node is stored under: nodes of one level are neighbours, in the order they were completed."""
    level, index = node
    return (level << 56) | index


def _unpack(frontier: bytes | memoryview) -> list[bytes]:
    raw = bytes(frontier)
    return [raw[i : i + tree.HASH_SIZE] for i in range(0, len(raw), tree.HASH_SIZE)]
