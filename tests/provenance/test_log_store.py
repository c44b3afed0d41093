"""The stored log has no gaps under concurrency, proves what it holds, and cannot be rewritten."""

from __future__ import annotations

import concurrent.futures
import itertools

import pytest
from django.db import DatabaseError, connection, transaction

from provenance import keys
from provenance.log import guard, notes, store, tree
from provenance.models import Certificate, Checkpoint, LogEntry, LogHead, LogNode


def grow(count: int, start: int = 0) -> None:
    with transaction.atomic():
        for i in range(start, start + count):
            store.append(b"entry %d" % i)


@pytest.mark.django_db
def test_entries_are_numbered_without_gaps_and_the_root_is_the_naive_one():
    grow(13)
    assert list(LogEntry.objects.values_list("index", flat=True)) == list(range(13))
    frontier: list[bytes] = []
    for i in range(13):
        _, frontier, _ = tree.append(i, frontier, tree.leaf_hash(b"entry %d" % i))
    assert store.root_at(13) == tree.root(frontier)


@pytest.mark.django_db
def test_a_checkpoint_is_signed_once_per_size_and_reads_back():
    grow(5)
    first = store.checkpoint()
    assert store.checkpoint().pk == first.pk == store.latest_checkpoint().pk
    log_keys = keys.trust().log_keys
    read = notes.parse_checkpoint(notes.open_note(first.note, log_keys))
    assert (read.size, read.root) == (5, store.root_at(5))
    assert read.origin in log_keys


@pytest.mark.django_db
def test_every_entry_is_proved_in_every_later_checkpoint():
    for size in (1, 2, 3, 8, 11):
        grow(size - store.size(), store.size())
        checkpoint = store.checkpoint()
        for entry in LogEntry.objects.all():
            proof = notes.parse_proof(store.proof_text(entry, checkpoint))
            assert notes.check_proof(proof, b"entry %d" % entry.index, keys.trust().log_keys).size == size


@pytest.mark.django_db
def test_checkpoints_are_consistent_with_each_other():
    grow(6)
    first = store.checkpoint()
    grow(9, 6)
    second = store.checkpoint()
    proof = store.consistency(first.size, second.size)
    assert tree.verify_consistency(6, 15, bytes(first.root), bytes(second.root), proof)


@pytest.mark.django_db
def test_proofs_about_what_is_not_there_are_refused():
    grow(3)
    for ask in (
        lambda: store.inclusion(3, 3),
        lambda: store.inclusion(0, 4),
        lambda: store.consistency(4, 3),
        lambda: store.inclusion(3, 4),  # every sibling of the missing entry is there
        lambda: store.consistency(2, 4),
        lambda: store.inclusion(0, 2**56 + 1),
        lambda: store.consistency(3, 2**80),
    ):
        with pytest.raises(store.NotInLog):
            ask()


@pytest.mark.django_db
def test_a_proof_costs_one_question_to_the_database(django_assert_num_queries):
    grow(5)
    with django_assert_num_queries(1):
        store.inclusion(2, 5)
    with django_assert_num_queries(1):
        store.consistency(3, 5)


@pytest.mark.django_db
def test_an_entry_committed_without_a_checkpoint_is_covered_by_the_next_question():
    grow(2)
    store.checkpoint()
    grow(1, 2)
    assert store.latest_checkpoint().size == 3


@pytest.mark.django_db(transaction=True)
def test_a_rolled_back_stamp_leaves_no_trace():
    grow(2)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        store.append(b"never")
        raise ZeroDivisionError
    grow(1, 2)
    assert store.size() == LogEntry.objects.count() == 3
    assert store.checkpoint().size == 3


@pytest.mark.django_db(transaction=True)
def test_many_writers_at_once_leave_no_gap_and_no_double():
    keys.ensure()

    def write(worker: int) -> list[int]:
        try:
            out = []
            for i in range(5):
                with transaction.atomic(durable=True):
                    out.append(store.append(b"%d of %d" % (i, worker)).index)
                store.checkpoint()
            return out
        finally:
            connection.close()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        numbers = [n for part in pool.map(write, range(8)) for n in part]
    assert sorted(numbers) == list(range(40))
    leaves = [bytes(h) for h in LogEntry.objects.values_list("leaf_hash", flat=True)]
    frontier: list[bytes] = []
    for i, leaf in enumerate(leaves):
        _, frontier, _ = tree.append(i, frontier, leaf)
    final = store.latest_checkpoint()
    assert (final.size, bytes(final.root)) == (40, tree.root(frontier))
    heads = list(Checkpoint.objects.order_by("size"))
    for earlier, later in itertools.pairwise(heads):
        assert tree.verify_consistency(
            earlier.size,
            later.size,
            bytes(earlier.root),
            bytes(later.root),
            store.consistency(earlier.size, later.size),
        )


@pytest.mark.django_db(transaction=True)
def test_a_checkpoint_is_not_signed_inside_a_transaction_that_could_be_undone():
    grow(1)
    with pytest.raises(RuntimeError), transaction.atomic():
        store.checkpoint()


REWRITES = {
    "update an entry": "UPDATE provenance_logentry SET kind = 'x' WHERE \"index\" = 1",
    "delete an entry": 'DELETE FROM provenance_logentry WHERE "index" = 2',
    "update a node": "UPDATE provenance_lognode SET id = 99 WHERE id = 0",
    "delete a node": "DELETE FROM provenance_lognode",
    "update a checkpoint": "UPDATE provenance_checkpoint SET size = 1",
    "delete a checkpoint": "DELETE FROM provenance_checkpoint",
    "shrink the head": "UPDATE provenance_loghead SET size = 1",
    "delete the head": "DELETE FROM provenance_loghead",
}


@pytest.mark.django_db
@pytest.mark.parametrize("statement", REWRITES.values(), ids=REWRITES.keys())
def test_the_database_refuses_to(statement):
    grow(3)
    store.checkpoint()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert store.checkpoint().size == LogEntry.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_truncate_the_log():
    if connection.vendor != "postgresql":
        assert connection.vendor == "sqlite"  # which knows no TRUNCATE
        return
    grow(1)
    store.checkpoint()
    for table in (*guard.FROZEN_TABLES, guard.HEAD_TABLE):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(f"TRUNCATE {table} CASCADE")
    assert LogEntry.objects.count() == 1


@pytest.mark.django_db
def test_the_signed_part_of_a_certificate_cannot_be_changed_but_the_rest_can(certify, files):
    made = certify({"mp3": files["mp3"]})
    for change in ({"signature": "0x00"}, {"envelope": {}}, {"statement": {}}, {"declared": True}):
        with pytest.raises(DatabaseError, match="signed"), transaction.atomic():
            Certificate.objects.filter(pk=made.pk).update(**change)
    with pytest.raises(DatabaseError, match="signed"), transaction.atomic():
        made.renditions.update(audio_sha256="0" * 64)
    Certificate.objects.filter(pk=made.pk).update(peaks=[1, 2, 3])
    made.refresh_from_db()
    assert made.peaks == [1, 2, 3]


@pytest.mark.django_db
def test_a_log_rewritten_behind_the_guard_is_no_longer_signed():
    """Somebody with the whole database removes the triggers and swaps an entry, hashes recomputed."""
    grow(4)
    store.checkpoint()
    guard.remove(connection)
    LogNode.objects.all().delete()
    LogEntry.objects.all().delete()
    LogHead.objects.all().delete()
    guard.install(connection)
    grow(3)
    with transaction.atomic():
        store.append(b"somebody else's")
        store.append(b"one more")
    with pytest.raises(store.LogDamaged):
        store.checkpoint()


@pytest.mark.django_db
def test_a_log_cut_short_is_no_longer_signed():
    grow(4)
    store.checkpoint()
    guard.remove(connection)
    LogNode.objects.all().delete()
    LogEntry.objects.all().delete()
    LogHead.objects.all().delete()
    guard.install(connection)
    grow(2)
    with pytest.raises(store.LogDamaged):
        store.checkpoint()


@pytest.mark.django_db
def test_an_empty_log_has_a_checkpoint_too():
    first = store.latest_checkpoint()
    assert (first.size, bytes(first.root)) == (0, tree.EMPTY)
    grow(3)
    assert tree.verify_consistency(0, 3, bytes(first.root), store.root_at(3), store.consistency(0, 3))
    assert store.latest_checkpoint().size == 3
