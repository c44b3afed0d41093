"""The public log as pages and over HTTP: everything an outsider needs to compute it again, and nothing more."""

from __future__ import annotations

import base64
import html
import re

import pytest
from django.db import transaction
from django.test import Client

from provenance import keys, log_views
from provenance.log import notes, store, tree
from provenance.models import LogEntry

pytestmark = pytest.mark.django_db


def grow(count: int) -> None:
    start = store.size()
    with transaction.atomic():
        for i in range(start, start + count):
            store.append(b"entry %d" % i)
    store.checkpoint()


def page(path: str, **query: str) -> str:
    answer = Client().get(path, query)
    assert answer.status_code == 200, path
    return answer.content.decode()


def test_the_log_opens_for_anyone_and_pages_through_every_entry():
    grow(120)
    numbers = []
    for number in ("1", "2", "3", "4", "5"):
        numbers += [int(n) for n in re.findall(r'href="/log/(\d+)/"', page("/log/", page=number))]
    assert numbers == list(range(120, 0, -1))
    first = page("/log/", page="5")
    assert bytes(LogEntry.objects.get(pk=0).leaf_hash).hex() in first
    assert "120 entries" in first


def test_an_empty_log_says_so():
    assert "No entry yet" in page("/log/")
    assert "0" in page("/log/checkpoints/")


def test_the_log_tells_hashes_and_nothing_of_what_was_stamped(certify, files):
    made = certify({"mp3": files["mp3"]}, title="A Title Of My Own")
    for path in ("/log/", "/log/1/", "/log/checkpoints/", "/api/log/entries", "/api/log/checkpoints"):
        said = page(path)
        for secret in (made.pk, "A Title Of My Own", "Ossa Owner", "Dark dubstep"):
            assert secret not in said, (path, secret)


def test_an_entry_is_found_by_number_and_by_hash():
    grow(7)
    leaf = bytes(LogEntry.objects.get(pk=4).leaf_hash).hex()
    for asked in ("5", leaf, f"sha256:{leaf.upper()}"):
        assert Client().get("/log/", {"find": asked})["Location"] == "/log/5/"
    for asked in ("8", "0", "f" * 64, "²", "<b>", "9" * 40):
        said = page("/log/", find=asked)
        assert "no entry with this number or hash" in said
        assert "<b>" not in said


def test_the_steps_on_an_entrys_page_lead_to_the_root():
    for size in (1, 2, 3, 6, 11):
        grow(size - store.size())
        root = store.root_at(size)
        for row in LogEntry.objects.all():
            steps = log_views._path(row, size)
            top = bytes.fromhex(steps[-1].together) if steps else bytes(row.leaf_hash)
            assert top == root, (row.index, size)


def test_the_proof_on_an_entrys_page_holds():
    grow(6)
    said = page("/log/3/")
    proof = re.search(r'<code id="proof">(.*?)</code>', said, re.S)
    assert proof
    read = notes.parse_proof(html.unescape(proof[1]))
    assert notes.check_proof(read, b"entry 2", keys.trust().log_keys).size == 6
    assert 'href="/log/2/"' in said
    assert 'href="/log/4/"' in said
    assert 'href="/log/0/"' not in page("/log/1/")
    assert 'href="/log/7/"' not in page("/log/6/")


@pytest.mark.parametrize("path", ["/log/0/", "/log/7/", "/log/99999999999999999999/"])
def test_an_entry_that_is_not_there_is_not_found(path):
    grow(6)
    assert Client().get(path).status_code == 404


def test_every_checkpoint_can_be_fetched_and_opens():
    grow(2)
    grow(3)
    said = page("/log/checkpoints/")
    for size in (2, 5):
        assert f'href="/api/log/checkpoints/{size}"' in said
        note = page(f"/api/log/checkpoints/{size}")
        read = notes.parse_checkpoint(notes.open_note(note, keys.trust().log_keys))
        assert (read.size, read.root) == (size, store.root_at(size))
    assert Client().get("/api/log/checkpoints/3").status_code == 404
    assert Client().get("/api/log/checkpoints/" + "9" * 30).status_code == 404


def test_an_outsider_computes_every_signed_root_from_the_api_alone():
    for count in (1, 4, 2):
        grow(count)
    client, frontier, roots = Client(), [], {0: tree.EMPTY}
    at = 0
    while True:
        body = client.get("/api/log/entries", {"start": at, "count": 3}).json()
        for one in body["entries"]:
            assert one["index"] == at
            at, frontier, _ = tree.append(at, frontier, base64.b64decode(one["leaf_hash"]))
            roots[at] = tree.root(frontier)
        if at == body["size"]:
            break
    answer = client.get("/api/log/checkpoints").json()
    heads = [
        notes.parse_checkpoint(notes.open_note(note, keys.trust().log_keys)) for note in answer["checkpoints"]
    ]
    assert [head.size for head in heads] == [1, 5, 7]
    assert all(head.root == roots[head.size] and head.origin == answer["origin"] for head in heads)


@pytest.mark.parametrize("query", ["start=-1", "count=0", "count=1001", "start=x"])
def test_questions_out_of_range_are_refused(query):
    for path in ("entries", "checkpoints"):
        answer = Client().get(f"/api/log/{path}?{query}")
        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")


def test_the_proof_of_a_certificate_is_one_text_file(certify, files):
    made = certify({"wav": files["wav"]})
    answer = Client().get(f"/api/certificates/{made.pk}/proof/")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    from provenance.signing import open_envelope

    proof = notes.parse_proof(answer.content.decode())
    leaf = open_envelope(made.envelope).leaf()
    assert notes.check_proof(proof, leaf, keys.trust().log_keys).size == 1
    assert Client().get("/api/certificates/cert_none/proof/").status_code == 404


def test_a_page_of_a_long_log_costs_a_fixed_number_of_questions(django_assert_max_num_queries):
    grow(130)
    with django_assert_max_num_queries(8):
        Client().get("/log/", {"page": "2"})
    with django_assert_max_num_queries(10):
        Client().get("/log/77/")
