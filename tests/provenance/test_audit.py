"""The audit replays the log and names what does not add up, whoever changed it and however."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from provenance import keys
from provenance.log import audit, guard, notes, store, tree
from provenance.models import Certificate, Checkpoint, LogEntry, LogHead, LogNode

pytestmark = pytest.mark.django_db


def grow(count: int, start: int = 0) -> None:
    with transaction.atomic():
        for i in range(start, start + count):
            store.append(b"entry %d" % i)


@pytest.fixture
def log():
    """Eleven entries and four checkpoints, each of another size."""
    for start, count in ((0, 1), (1, 4), (5, 3), (8, 3)):
        grow(count, start)
        store.checkpoint()


def run(*arguments: str) -> tuple[int, str]:
    """Exit status and output, as the shell would see them."""
    out = io.StringIO()
    try:
        call_command("audit_log", *arguments, stdout=out)
    except SystemExit as stop:
        return int(stop.code or 0), out.getvalue()
    except CommandError as error:
        return error.returncode, str(error)
    return 0, out.getvalue()


def tampered(statement: str, *arguments: object) -> audit.Report:
    """What the audit says after somebody with the whole database took the guard away and did this."""
    guard.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
    guard.install(connection)
    return audit.audit()


def test_a_sound_log_exits_with_0_and_says_what_was_replayed(log):
    code, said = run()
    assert code == 0
    assert said.startswith("The log holds: 11 entries without a gap")
    assert "4 checkpoints" in said
    assert store.root_at(11).hex() in said


def test_an_empty_log_holds():
    report = audit.audit()
    assert report.sound
    assert (report.entries, report.root) == (0, tree.EMPTY.hex())


def test_the_replay_is_the_same_in_small_batches(log, monkeypatch):
    whole = audit.audit()
    for batch in (1, 2, 4, 8):
        monkeypatch.setattr(audit, "BATCH", batch)
        assert audit.audit() == whole
    assert whole.nodes == LogNode.objects.count()


def test_a_changed_leaf_is_found(log):
    report = tampered('UPDATE provenance_logentry SET leaf_hash = %s WHERE "index" = 2', bytes(32))
    assert not report.sound
    assert "rewritten" in " ".join(report.faults)
    assert run()[0] == 1


def test_a_missing_entry_is_found(log):
    report = tampered('DELETE FROM provenance_logentry WHERE "index" = 4')
    assert report.faults[0] == "Entry 5 is missing. Nothing after it was replayed."


def test_a_changed_node_is_found(log):
    report = tampered(
        "UPDATE provenance_lognode SET hash = %s WHERE id = %s", bytes(32), store.node_key((2, 1))
    )
    assert report.faults == ["A stored hash at level 2 is not the one its entries lead to."]


def test_a_lost_node_is_found(log):
    report = tampered("DELETE FROM provenance_lognode WHERE id = %s", store.node_key((1, 0)))
    assert report.faults == ["1 stored hash of entries 1 to 11 are gone."]


def test_an_invented_node_is_found(log):
    report = tampered(
        "UPDATE provenance_lognode SET id = %s WHERE id = %s", store.node_key((3, 5)), store.node_key((3, 0))
    )
    assert any("are gone" in fault for fault in report.faults)


def test_entries_beyond_the_head_and_a_wrong_head_are_found(log):
    report = tampered("UPDATE provenance_loghead SET size = 9")
    assert "Entry 11 lies beyond the head" in report.faults[0]
    assert any("cut short" in fault for fault in report.faults)
    report = tampered("UPDATE provenance_loghead SET size = 11, frontier = %s", bytes(96))
    assert report.faults == ["The head of the log does not follow from its entries."]


def test_a_forged_checkpoint_is_found(log):
    note = Checkpoint.objects.get(size=5).note
    report = tampered(
        "UPDATE provenance_checkpoint SET note = %s WHERE size = 5", note.replace("\n5\n", "\n6\n")
    )
    assert report.faults == [
        "The checkpoint of 5 cannot be trusted: The log checkpoint's signature does not fit its text: one of them"
        " was changed."
    ]
    report = tampered(
        "UPDATE provenance_checkpoint SET note = %s WHERE size = 5", Checkpoint.objects.get(size=8).note
    )
    assert "stored beside a signed text that says something else" in report.faults[0]


def test_a_log_rewritten_and_signed_again_is_caught_by_a_kept_checkpoint(log, tmp_path):
    """Somebody with the database and the keys recomputes everything: only what left the house catches them."""
    kept = tmp_path / "checkpoint.txt"
    kept.write_text(Checkpoint.objects.get(size=5).note)
    proof = tmp_path / "proof.txt"
    proof.write_text(store.proof_text(LogEntry.objects.get(pk=1), Checkpoint.objects.get(size=8)))
    assert run("--kept", str(kept), "--kept", str(proof))[0] == 0
    guard.remove(connection)
    for model in (Checkpoint, LogNode, LogEntry, LogHead):
        model.objects.all().delete()
    guard.install(connection)
    with transaction.atomic():
        store.append(b"another past")
    grow(11)
    store.checkpoint()
    assert run()[0] == 0
    for file in (kept, proof):
        code, said = run("--kept", str(file))
        assert code == 1
        assert "that was kept" in said
        assert "rewritten" in said


def test_what_was_kept_must_be_a_checkpoint_of_this_log(log, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("not a note")
    assert run("--kept", str(other))[0] == 65
    other.write_bytes(b"\xff\xfe")
    assert run("--kept", str(other))[0] == 65
    assert run("--kept", str(tmp_path / "none"))[0] == 66


def test_a_certificate_that_is_not_what_was_logged_is_found(certify, files):
    made = certify({"mp3": files["mp3"]})
    assert audit.audit().bodies == 1
    other = {**made.envelope, "payload": made.envelope["payload"][:-4] + "AAAA"}
    report = tampered(
        "UPDATE provenance_certificate SET envelope = %s WHERE id = %s", json.dumps(other), made.pk
    )
    assert report.faults == [f"Certificate {made.pk} is not what entry 1 was made from."]
    assert audit.audit(bodies=False).sound
    assert run("--hashes-only")[0] == 0
    Certificate.objects.filter(
        pk=made.pk
    ).delete()  # somebody's right: the log keeps the hash and still holds
    assert audit.audit().sound


def test_checkpoints_of_a_revoked_log_key_are_still_read(log):
    from django.utils import timezone

    from provenance.models import SigningKey

    SigningKey.objects.filter(purpose="log").update(revoked_at=timezone.now())
    assert keys.trust().log_keys == {}
    assert audit.audit().sound


def test_json_is_one_object(log):
    code, said = run("--json")
    body = json.loads(said)
    assert (code, body["sound"], body["entries"], body["checkpoints"]) == (0, True, 11, 4)


def test_the_audit_reads_the_log_in_few_questions(django_assert_max_num_queries):
    grow(300)
    store.checkpoint()
    with django_assert_max_num_queries(20):
        audit.audit()


def test_a_crash_is_no_verdict(log, monkeypatch):
    from provenance.management.commands import audit_log

    def broken(**_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(audit_log, "audit", broken)
    assert run()[0] == audit_log.CRASH == 70


def test_a_note_of_another_log_is_refused(log, tmp_path):
    signer, _ = keys.signer("stamp")
    other = tmp_path / "other.txt"
    other.write_text(notes.sign_note(notes.Checkpoint("elsewhere", 1, bytes(32)).text(), "elsewhere", signer))
    code, said = run("--kept", str(other))
    assert code == 65
    assert "not signed by a log key" in said
