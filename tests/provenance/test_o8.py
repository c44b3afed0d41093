"""Declaring to o8 over real sockets: what is sent, what becomes of every bad answer, what is compared later."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from catalog import jobs
from catalog.accounts import issue_token
from catalog.models import Artist
from provenance import keeping, outbox, retries, standing
from provenance.authorities import o8_words, registry
from provenance.authorities.base import Unreachable
from provenance.authorities.http import MAX_ANSWER, Service
from provenance.models import Certificate, ExternalStamp
from tests.people import Person, collaborator, person, stranger
from tests.provenance import o8_rules
from tests.provenance.conftest import PROVENANCE
from tests.provenance.o8_server import O8, reply, serving

Certify = Callable[..., Certificate]
Files = dict[str, Path]
WALLET = "0x" + "ab" * 20


@pytest.fixture
def o8(settings: Any) -> Iterator[O8]:
    with serving() as held:
        settings.STARFORGE_O8_URL = held.url
        settings.STARFORGE_O8_SECONDS = 5
        yield held


@pytest.fixture
def made(db: None, o8: O8, certify: Certify, files: Files) -> Certificate:
    params = {name: value for name, value in PROVENANCE["generation_params"].items() if name != "prompt"}
    return certify(
        {"wav": files["wav"], "mp3": files["mp3"]},
        provenance={**PROVENANCE, "generation_params": params},
        private={"title": "Secret", "prompt": "quiet words"},
    )


def row_of(certificate: Certificate) -> ExternalStamp:
    return certificate.external_stamps.get()


def sent(certificate: Certificate) -> str:
    return outbox.run(row_of(certificate).pk)


def word(certificate: Certificate) -> str:
    return standing.of(certificate).word


def test_a_stamp_is_declared_in_the_fields_the_real_o8_takes(o8: O8, made: Certificate) -> None:
    assert word(made) == "Queued for o8" and not o8.posts  # the stamp waited for nothing
    assert sent(made) == "declared" and word(made) == "Declared on o8"
    (row,) = o8.rows
    assert row_of(made).remote_id == row["id"]
    assert [row[f"ai{phase}"] for phase in ("Composition", "Mixing", "Mastering")] == [100, 100, 100]
    assert row["sha256"] == made.renditions.get(name="wav").file_sha256
    assert row["aiModels"] == "Mosaic 1.0" and row["artistName"] == "Ossa Owner"
    assert (
        len(row["methodology"]) > 200 and made.pk in row["methodology"] and "Seed 7318" in row["methodology"]
    )
    assert (row["trainingRights"], row["derivativeRights"], row["remixRights"]) == (False, False, False)
    assert (row["title"], row["aiPrompt"]) == ("", None)  # private, and o8 would show them
    assert "Secret" not in json.dumps(o8.posts[0][2]) and "quiet words" not in json.dumps(o8.posts[0][2])
    assert outbox.announce(made) == row_of(made) and sent(made) == "not ours" and len(o8.posts) == 1


def test_a_child_names_its_parent_as_o8_does(
    o8: O8, made: Certificate, certify: Certify, files: Files
) -> None:
    sent(made)
    parents = [{"certificate_id": made.pk, "relation": "edit of"}]
    child = certify({"flac": files["flac"]}, provenance={**PROVENANCE, "parents": parents})
    assert sent(child) == "declared"
    assert (o8.rows[1]["parentDeclarationId"], o8.rows[1]["parentRelation"]) == (o8.rows[0]["id"], "revision")


def later(o8: O8, made: Certificate, reason: str, posts: int) -> ExternalStamp:
    """The attempt is put off: the stamp holds, the row waits with its reason, and its time comes."""
    row = row_of(made)
    assert (row.status, row.tries, row.remote_id) == ("queued", 1, "")
    assert re.search(reason, row.error), row.error
    assert reason.split("|")[0][:12] in standing.of(made).sentence or row.error in standing.of(made).sentence
    assert len(o8.posts) == posts
    assert outbox.run(row.pk) == "not yet"
    assert outbox.recover() == 0  # its time has not come
    OrmQ.objects.all().delete()
    assert outbox.recover(now=timezone.now() + timedelta(minutes=2)) == 1 and OrmQ.objects.count() == 1
    return row


def garbage(handler: Any, path: str) -> bool:
    reply(handler, 201, b"<html>welcome</html>")
    return True


def broken(handler: Any, path: str) -> bool:
    reply(handler, 500, b'{"error": "Failed to create declaration"}')
    return True


def slow(handler: Any, path: str) -> bool:
    time.sleep(1.5)
    reply(handler, 201, b"{}")
    return True


def dripping(handler: Any, path: str) -> bool:
    """A byte every now and then: no single wait is long, all of them are."""
    try:
        for byte in b"HTTP/1.1 201 Created\r\nX-Slow: " + b"x" * 40:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.1)
    except OSError:
        pass
    handler.close_connection = True
    return True


def endless(handler: Any, path: str) -> bool:
    reply(handler, 201, b" " * (MAX_ANSWER + 10))
    return True


def elsewhere(handler: Any, path: str) -> bool:
    reply(handler, 307, b"", Location="http://127.0.0.1:1/api/declarations")
    return True


@pytest.mark.parametrize(
    ("mood", "reason"),
    [
        (garbage, "not JSON"),
        (broken, "Failed to create declaration"),
        (slow, "did not answer within 1 seconds"),
        (dripping, "did not answer within 1 seconds"),
        (endless, "longer than any can be"),
        (elsewhere, "redirect, which is not followed"),
    ],
)
def test_a_bad_answer_puts_it_off_and_the_next_try_looks_first(
    mood: Any, reason: str, o8: O8, made: Certificate, settings: Any
) -> None:
    settings.STARFORGE_O8_SECONDS = 1
    o8.misbehave = mood
    began = time.monotonic()
    assert sent(made) == "later"
    assert time.monotonic() - began < 4
    later(o8, made, reason, posts=1)
    o8.misbehave = None
    if mood is not elsewhere:  # nobody can tell from an empty list whether this o8 hides what it has
        o8.create({"artistName": "Somebody Else"})
    assert sent(made) == "declared"
    assert [row.get("sha256") for row in o8.rows].count(row_of(made).sent["sha256"]) == 1


def test_nobody_at_home_is_no_attempt_and_the_others_wait_too(
    made: Certificate, o8: O8, settings: Any, certify: Certify, files: Files
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for row in ExternalStamp.objects.all():
        row.delete()
    settings.STARFORGE_O8_URL = f"http://127.0.0.1:{port}"
    first, second = (certify({"wav": files["wav"]}, idempotency_key=key) for key in "ab")
    assert sent(first) == "later" and row_of(first).sent_at is None
    assert "Nothing answers" in row_of(first).error
    assert row_of(second).next_try_at is not None and row_of(second).tries == 0
    for attempt in range(2, retries.TRIES + 1):
        ExternalStamp.objects.filter(certificate=first).update(next_try_at=None)
        waited = sent(first)
        assert waited == ("given up" if attempt == retries.TRIES else "later")
    assert word(first) == "Not declared on o8" and "tried 12 times" in row_of(first).error
    assert outbox.send_again(row_of(first)) and row_of(first).tries == 0


def test_a_refusal_ends_with_its_reason_until_the_owner_sends_again(
    o8: O8, made: Certificate, artist: Artist
) -> None:
    def no(handler: Any, path: str) -> bool:
        reply(handler, 400, b'{"error": "Artist name is required <b>"}')
        return True

    o8.misbehave = no
    assert sent(made) == "refused"
    assert (row_of(made).status, word(made)) == ("failed", "Refused by o8")
    page = stranger().get(made.get_absolute_url()).content.decode()
    assert "Refused by o8" in page and "Artist name is required &lt;b&gt;." in page
    assert "Send Again" not in page  # not theirs
    o8.misbehave = None
    owner = Person(artist, "")
    assert "Send Again" in owner.page.get(made.get_absolute_url()).content.decode()
    path = f"/certificates/{made.pk}/declare/"
    assert collaborator().page.post(path).status_code == 404
    assert owner.page.post(path).status_code == 302
    assert sent(made) == "declared"


def lose_the_answer(o8: O8) -> None:
    """The next declaration is stored, and its answer never arrives."""

    def cut() -> bool:
        o8.after_post = None
        return True

    o8.after_post = cut


@pytest.mark.parametrize("newer", [False, True])
def test_a_lost_answer_is_found_again_and_nothing_is_declared_twice(
    newer: bool, o8: O8, made: Certificate, settings: Any
) -> None:
    """With a wallet also where the list hides what is anonymous."""
    if newer:
        o8.hides, settings.STARFORGE_O8_WALLET = True, WALLET
    lose_the_answer(o8)
    assert sent(made) == "later"
    row = later(o8, made, "broke off|broke", posts=1)
    assert row.sent_at is not None and len(o8.rows) == 1
    assert sent(made) == "declared" and row_of(made).remote_id == o8.rows[0]["id"]
    assert len(o8.posts) == len(o8.rows) == 1


def test_where_nothing_can_be_looked_up_nothing_is_sent_twice_unasked(o8: O8, made: Certificate) -> None:
    o8.hides = True
    lose_the_answer(o8)
    sent(made)
    ExternalStamp.objects.update(next_try_at=None)
    assert sent(made) == "unsure" and len(o8.posts) == 1
    assert "cannot be searched" in standing.of(made).sentence
    outbox.send_again(row_of(made))
    assert sent(made) == "declared" and len(o8.posts) == 2


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_sending_and_hearing_declares_once(
    o8: O8, certify: Certify, files: Files, tmp_path: Path
) -> None:
    made = certify({"wav": files["wav"]})
    stored = threading.Event()

    def hold() -> bool:
        o8.after_post = None
        stored.set()
        return not time.sleep(20)

    o8.after_post = hold
    data = connection.settings_dict
    address = (
        f"sqlite:///{data['NAME']}"
        if connection.vendor == "sqlite"
        else f"postgres://{quote(data['USER'])}:{quote(data['PASSWORD'])}@{data['HOST']}:{data['PORT']}/{data['NAME']}"
    )
    env = {
        **os.environ,
        "DATABASE_URL": address,
        "STARFORGE_O8_URL": o8.url,
        "STARFORGE_DATA": str(tmp_path / "own"),
    }
    env.pop("DJANGO_SETTINGS_MODULE", None)
    script = f"from provenance.outbox import run; run({row_of(made).pk})"
    with subprocess.Popen([sys.executable, "manage.py", "shell", "-c", script], env=env) as worker:
        assert stored.wait(60)
        worker.send_signal(signal.SIGKILL)
    assert row_of(made).status == "running" and len(o8.rows) == 1
    assert outbox.recover() == 1  # seen at once: the process is gone
    assert sent(made) == "declared"
    assert len(o8.posts) == len(o8.rows) == 1 and row_of(made).remote_id == o8.rows[0]["id"]


def test_what_stands_there_is_compared_field_by_field(o8: O8, made: Certificate) -> None:
    def compared() -> str:
        assert outbox.send_again(row_of(made))
        return sent(made)

    sent(made)
    assert compared() == "the same" and word(made) == "Declared on o8"
    call_command("compare_o8")
    assert row_of(made).status == "ready"  # compared a moment ago
    call_command("compare_o8", "--days", "-1")
    assert sent(made) == "the same"
    o8.misbehave = broken
    assert compared() == "not compared" and word(made) == "Declared on o8"
    o8.misbehave = None
    for name, wrong in {
        "trainingRights": True,
        "artistWallet": WALLET,
        "aiMixing": 0,
        "sha256": "0" * 64,
    }.items():
        before, o8.rows[0][name] = o8.rows[0][name], wrong
        assert compared() == "differs" and word(made) == "Does not match"
        (told,) = row_of(made).differences
        assert (told["field"], told["found"]) == (name, wrong)
        page = stranger().get(made.get_absolute_url()).content.decode()
        shown = "yes" if wrong is True else wrong
        assert re.search(f'<th scope="row">{name}</th><td>[^<]+</td><td>{shown}</td>', page)
        o8.rows[0][name] = before
    for hostile in ("\0", "\ud800", 10**400):  # what no database stores, or no float holds
        before, o8.rows[0]["aiMixing"] = o8.rows[0]["aiMixing"], hostile
        assert compared() == "differs"
        o8.rows[0]["aiMixing"] = before
    for endless in (float("inf"), float("nan")):
        before, o8.rows[0]["aiMixing"] = o8.rows[0]["aiMixing"], endless
        assert compared() == "not compared" and "not JSON" in row_of(made).error
        o8.rows[0]["aiMixing"] = before
    o8.rows.clear()
    assert compared() == "missing" and word(made) == "Missing on o8"
    assert "local signature still proves" in stranger().get(made.get_absolute_url()).content.decode()
    assert compared() == "declared" and len(o8.rows) == 1


def test_an_adapter_is_nothing_that_o8_declares(o8: O8, certify: Certify, files: Files) -> None:
    own = certify({"mp3": files["mp3"]}, provenance={**PROVENANCE, "type": "adapter"})
    assert standing.of(own).verb == ""
    with pytest.raises(outbox.NothingToDo, match="no recording"):
        outbox.declare(own)


def test_the_plans_contract_is_spoken_to_another_starforge(
    db: None, live_server: Any, settings: Any, certify: Certify, files: Files, artist: Artist
) -> None:
    """The client against this very server: the file, its metadata and the key arrive, and a second try is a replay."""
    made = certify({"mp3": files["mp3"]}, provenance={**PROVENANCE, "type": "ai_generated"})
    settings.STARFORGE_O8_URL, settings.STARFORGE_O8_KIND = live_server.url, "plan"
    outbox.declare(made)
    assert sent(made) == "refused" and "no longer kept here" in row_of(made).error
    keeping.register("test", lambda certificate: {"mp3": files["mp3"]})
    try:
        outbox.send_again(row_of(made))
        assert sent(made) == "refused"  # no token
        _, key = issue_token(artist, name="from another house")
        settings.STARFORGE_O8_TOKEN = key
        outbox.send_again(row_of(made))
        assert sent(made) == "declared", row_of(made).error
        other = Certificate.objects.exclude(pk=made.pk).get()
        row = row_of(made)
        assert (row.remote_id, row.remote_signature) == (other.pk, other.signature)
        assert other.provenance["starforge"]["certificate_id"] == made.pk
        assert outbox.send_again(row) and sent(made) == "the same"
    finally:
        keeping._keepers.pop("test")


def test_the_v2_surface_takes_a_hash_and_an_identity(o8: O8, made: Certificate, settings: Any) -> None:
    ExternalStamp.objects.all().delete()
    settings.STARFORGE_O8_KIND, settings.STARFORGE_O8_IDENTITY = "v2", "o8-unknown"
    outbox.declare(made)
    assert sent(made) == "refused" and "Identity not found" in row_of(made).error
    settings.STARFORGE_O8_IDENTITY = "o8-0123456789abcdef"
    outbox.send_again(row_of(made))
    assert sent(made) == "declared"
    assert o8.posts[-1][2]["content_fingerprint"] == made.renditions.get(name="wav").file_sha256
    assert outbox.send_again(row_of(made)) and sent(made) == "the same"
    o8.rows[0]["content"]["fingerprint"] = "0" * 64
    assert outbox.send_again(row_of(made)) and sent(made) == "differs"


def test_clients_of_the_v2_surface_find_certificates_here_and_no_hash_is_affirmed_unseen(
    db: None, certify: Certify, files: Files
) -> None:
    other = person("another")
    made = certify({"wav": files["wav"]}, artist=other.artist)
    digest = made.renditions.get().file_sha256
    body = {"identity_id": "o8-1", "content_type": "audio", "content_fingerprint": digest.upper()}

    def post(client: Any, what: str, told: dict[str, str]) -> Any:
        return client.post(f"/api/provenance/{what}", json.dumps(told), content_type="application/json")

    assert post(other.api, "stamp", body).json()["declaration_cid"] == made.pk
    assert post(stranger(), "stamp", body).status_code == 401
    assert post(collaborator().api, "stamp", body).status_code == 404  # not theirs
    for told, valid in (
        ({"content_fingerprint": digest}, True),
        ({"declaration_cid": made.pk}, True),
        ({"declaration_cid": made.pk, "content_fingerprint": digest}, True),
        ({"declaration_cid": made.pk, "content_fingerprint": "0" * 64}, False),
        ({"declaration_cid": "cert_nope00", "content_fingerprint": digest}, False),
        ({"content_fingerprint": "0" * 64}, False),
    ):
        answer = post(stranger(), "verify", told).json()
        assert answer["valid"] is valid and bool(answer["errors"]) is not valid, told
    assert post(stranger(), "verify", {}).status_code == 400


def test_the_document_passes_o8s_own_rules(o8: O8, made: Certificate, certify: Certify, files: Files) -> None:
    parents = [{"certificate_id": made.pk, "relation": "made from"}, "cert_gone"]
    child = certify(
        {"flac": files["flac"], "mp3": files["mp3"]}, provenance={**PROVENANCE, "parents": parents}
    )
    said = stranger().get(f"/api/certificates/{child.pk}/o8/").json()
    assert o8_rules.errors(said) == []
    assert said["audio_fingerprint"] == {
        "sha256": child.renditions.get(name="flac").file_sha256,
        "duration_ms": 2000,
        "format": "FLAC",
    }
    (source,) = said["provenance"]["source_material"]
    assert source["relationship"] == "sample" and made.pk in source["description"]
    secret = stranger().get(f"/api/certificates/{made.pk}/o8/")
    assert o8_rules.errors(secret.json()) == [] and b"quiet words" not in secret.content
    assert f"{made.pk}-o8.json" in secret["Content-Disposition"]
    # The rules themselves: what o8 refuses is refused here too.
    for path, wrong in {
        "created_at": "2026-02-07T12:34:56.123456+00:00",
        "audio_fingerprint.duration_ms": 0,
        "production_intelligence.ai_contribution.mixing": 100,
        "provenance.source_material": [{**source, "cid": "Qm" + "0" * 44}],
        "version": 1.0,
    }.items():
        bad = json.loads(json.dumps(said))
        *way, last = path.split(".")
        inner = bad
        for step in way:
            inner = inner[step]
        inner[last] = wrong
        assert o8_rules.errors(bad), path


def test_identifiers_are_those_o8_makes() -> None:
    digest = "a948904f2f0f479b8f8197694b30184b0d2ed1c1cd2a1ec0fb85d299a192a447"  # of "hello world\n"
    assert o8_words.raw_cid(digest) == "bafkreifjjcie6lypi6ny7amxnfftagclbuxndqonfipmb64f2km2devei4"
    assert re.fullmatch(
        r"o8-pending-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        o8_words.pending_id("c"),
    )
    assert o8_words.stack("Mosaic, the engine 1.0", "") == "Mosaic the engine 1.0"


def test_without_an_o8_nothing_is_sent_and_the_owner_hears_why(
    certify: Certify, files: Files, artist: Artist
) -> None:
    made = certify({"wav": files["wav"]})
    assert registry.configured().kind == "local" and not made.external_stamps.exists()
    assert word(made) == "Stamped locally"
    owner = Person(artist, "")
    page = owner.page.post(f"/certificates/{made.pk}/declare/", follow=True).content.decode()
    assert "No o8 is set up here" in page
    assert stranger().post(f"/api/certificates/{made.pk}/declaration/").status_code in (401, 403, 404)
    assert stranger().get(f"/api/certificates/{made.pk}/declaration/").json()["state"] == "local"


def test_asked_only_means_asked_only(o8: O8, settings: Any, certify: Certify, files: Files) -> None:
    settings.STARFORGE_O8_DECLARE = "asked"
    made = certify({"wav": files["wav"]})
    assert not made.external_stamps.exists()
    assert outbox.declare(made)[1]
    settings.STARFORGE_O8_DECLARE = "all"
    own = certify({"mp3": files["mp3"]}, provenance={"type": "origin"}, declared=True)
    assert not own.external_stamps.exists()  # an upload is declared when its owner asks
    assert outbox.declare(own)[1] and sent(own) == "declared"
    assert (o8.rows[-1]["aiComposition"], o8.rows[-1]["aiModels"]) == (0, None)


def test_a_token_is_shown_nowhere_and_tls_is_checked(o8: O8) -> None:
    service = Service(o8.url, "very-secret", 5)
    assert "very-secret" not in repr(service)
    service.ask("POST", "/api/declarations", body={"artistName": "A"})
    assert o8.posts[0][1]["Authorization"] == "Bearer very-secret"
    with pytest.raises(Unreachable, match=r"TLS|broke"):
        Service(o8.url.replace("http:", "https:"), "", 5).ask("GET", "/api/declarations")


def test_a_stranded_declaration_is_given_to_a_living_worker(made: Certificate) -> None:
    lease = jobs.claim(ExternalStamp, row_of(made).pk)
    assert lease is not None
    ExternalStamp.objects.update(worker="elsewhere|1|2|3", beat=timezone.now() - timedelta(minutes=5))
    assert outbox.recover() == 1 and row_of(made).status == "queued"
