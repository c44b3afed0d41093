"""Replay the whole log from its leaves and say what does not add up.

The replay believes nothing that is stored: every node, the head and every checkpoint's root are computed again
from the leaf hashes, in order. Two checkpoints whose roots both come out of one replay are consistent with each
other by construction, which is more than a consistency proof between them would show. Every entry whose bytes
are still held (certificates, events) is hashed again as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from provenance import keys
from provenance.log import notes, store, tree
from provenance.models import Certificate, Checkpoint, LogEntry, LogEvent, LogNode
from provenance.signing import EVENT_TYPE, Envelope, SigningError, open_envelope, signature_holds

BATCH = 1 << 14  # a power of two, so that every completed node belongs to exactly one batch
MAX_FAULTS = 20  # of one kind: a rewritten log has a million, and twenty say it


@dataclass
class Report:
    """What the audit counted, and every fault it found as one plain sentence."""

    entries: int = 0
    nodes: int = 0
    checkpoints: int = 0
    bodies: int = 0
    root: str = ""
    faults: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        return not self.faults

    @property
    def sentence(self) -> str:
        if self.faults:
            return f"The log does not hold together. {self.faults[0]}"
        return (
            f"The log holds: {_count(self.entries, 'entry', 'entries')} without a gap, every hash computed again,"
            f" {_count(self.checkpoints, 'checkpoint')} signed"
            f"{' and each the beginning of the next' if self.checkpoints > 1 else ''}."
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "sound": self.sound,
            "sentence": self.sentence,
            "entries": self.entries,
            "nodes": self.nodes,
            "checkpoints": self.checkpoints,
            "bodies": self.bodies,
            "root": self.root,
            "faults": self.faults,
        }


def audit(
    *, kept: Sequence[str] = (), bodies: bool = True, tell: Callable[[int], None] | None = None
) -> Report:
    """Replay the log as it is now; entries added meanwhile are left for the next audit.

    `kept`: checkpoints somebody kept, as signed note text; each must be a beginning of this log. `bodies`: hash
    the certificates again too (slower: each is parsed). `tell` hears the number of entries replayed so far.
    Raises NoteError for a kept checkpoint that is not readable or not signed by a key of this log.
    """
    report = Report()
    last = LogEntry.objects.order_by("-index").values_list("index", flat=True).first()
    size, frontier = store.head()
    if last is not None and last >= size:
        report.faults.append(f"Entry {last + 1:,} lies beyond the head of the log, which counts {size:,}.")
    expected = _checkpoints(report, kept)
    _replay(report, size, frontier, expected, tell)
    if bodies:
        _bodies(report, size)
    return report


def _checkpoints(report: Report, kept: Sequence[str]) -> dict[int, list[tuple[str, bytes]]]:
    """Size -> (who says so, root), of every checkpoint whose signature holds."""
    known = keys.trust().log_keys_ever
    out: dict[int, list[tuple[str, bytes]]] = {}
    for row in Checkpoint.objects.order_by("size").iterator(chunk_size=2000):
        report.checkpoints += 1
        name = f"The checkpoint of {row.size:,}"
        try:
            read = notes.parse_checkpoint(notes.open_note(row.note, known))
        except notes.NoteError as error:
            _fault(report, f"{name} cannot be trusted: {error}")
            continue
        if (read.size, read.root) != (row.size, bytes(row.root)):
            _fault(report, f"{name} is stored beside a signed text that says something else.")
        out.setdefault(read.size, []).append((name, read.root))
    for text in kept:
        read = notes.parse_checkpoint(notes.open_note(text, known))
        report.checkpoints += 1
        out.setdefault(read.size, []).append((f"The checkpoint of {read.size:,} that was kept", read.root))
    return out


def _replay(
    report: Report,
    size: int,
    stored: Sequence[bytes],
    expected: Mapping[int, list[tuple[str, bytes]]],
    tell: Callable[[int], None] | None,
) -> None:
    frontier: list[bytes] = []
    marks = iter(sorted(expected))
    mark = next(marks, None)
    for low in range(0, size, BATCH):
        leaves = _leaves(low, min(low + BATCH, size))
        made: dict[int, bytes] = {}
        for at in range(low, min(low + BATCH, size)):
            while mark is not None and mark <= at:
                _compare(report, expected[mark], mark, frontier)
                mark = next(marks, None)
            index, leaf = next(leaves, (None, b""))
            if index != at:
                report.faults.append(f"Entry {at + 1:,} is missing. Nothing after it was replayed.")
                return
            _, frontier, nodes = tree.append(at, frontier, leaf)
            for level, place, value in nodes:
                made[store.node_key((level, place))] = value
            report.entries += 1
        _nodes(report, low, min(low + BATCH, size), made)
        if tell is not None:
            tell(report.entries)
    while mark is not None:
        if mark <= size:
            _compare(report, expected[mark], mark, frontier)
        else:
            for name, _ in expected[mark]:
                _fault(report, f"{name} entries signed more than the {size:,} the log has: it was cut short.")
        mark = next(marks, None)
    if frontier != list(stored):
        report.faults.append("The head of the log does not follow from its entries.")
    report.root = tree.root(frontier).hex()


def _leaves(low: int, high: int) -> Iterator[tuple[int | None, bytes]]:
    rows = LogEntry.objects.filter(index__gte=low, index__lt=high).order_by("index")
    for index, leaf in rows.values_list("index", "leaf_hash"):
        yield index, bytes(leaf)


def _nodes(report: Report, low: int, high: int, made: Mapping[int, bytes]) -> None:
    """Every stored node that the entries [low, high) completed must be the one they complete, and no other."""
    left = len(made)
    for level in range(high.bit_length()):
        first, end = store.node_key((level, low >> level)), store.node_key((level, high >> level))
        rows: Iterable[tuple[int, Any]] = LogNode.objects.filter(pk__gte=first, pk__lt=end).values_list(
            "pk", "hash"
        )
        for key, value in rows:
            left -= 1
            if made.get(key) != bytes(value):
                _fault(report, f"A stored hash at level {level} is not the one its entries lead to.")
    report.nodes += len(made)
    if left:
        _fault(
            report,
            f"{_count(left, 'stored hash', 'stored hashes')} of entries {low + 1:,} to {high:,} are gone.",
        )


def _compare(report: Report, said: list[tuple[str, bytes]], size: int, frontier: Sequence[bytes]) -> None:
    root = tree.root(frontier)
    for name, wanted in said:
        if wanted != root:
            _fault(report, f"{name} entries signed another log than the one that is here: it was rewritten.")


def _bodies(report: Report, size: int) -> None:
    for event in LogEvent.objects.filter(entry_id__lt=size).select_related("entry").iterator(chunk_size=500):
        report.bodies += 1
        name = f"The event at entry {event.entry_id + 1:,}"
        try:
            opened = open_envelope(event.envelope, payload_type=EVENT_TYPE)
        except SigningError as error:
            _fault(report, f"{name} can no longer be read: {error}")
            continue
        if tree.leaf_hash(opened.leaf()) != bytes(event.entry.leaf_hash):
            _fault(report, f"{name} is not what that entry was made from.")
        elif not _signed_by_a_log_key(opened):
            _fault(report, f"{name} is not signed by a key of this log.")
    rows = Certificate.objects.filter(entry_id__lt=size).order_by("entry_id").select_related("entry")
    for row in rows.only("envelope", "signature", "entry__leaf_hash").iterator(chunk_size=500):
        report.bodies += 1
        try:
            opened = open_envelope(row.envelope)
        except SigningError as error:
            _fault(report, f"Certificate {row.pk} can no longer be read: {error}")
            continue
        if tree.leaf_hash(opened.leaf()) != bytes(row.entry.leaf_hash):
            _fault(report, f"Certificate {row.pk} is not what entry {row.entry_id + 1:,} was made from.")
        elif opened.hex_signature != row.signature:
            _fault(report, f"Certificate {row.pk} shows another signature than the one it was logged with.")


def _signed_by_a_log_key(opened: Envelope) -> bool:
    known = {key.key_id: key.public_key for key in keys.trust().keys if key.purpose == "log"}
    public_key = known.get(opened.key_id)
    return public_key is not None and signature_holds(public_key, opened.signature, opened.pae)


def _fault(report: Report, sentence: str) -> None:
    if len(report.faults) < MAX_FAULTS:
        report.faults.append(sentence)


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
