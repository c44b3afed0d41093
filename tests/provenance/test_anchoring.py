"""Anchors and tokens on a local EVM chain (py-evm): every transaction here is really run."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import logging
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from provenance import anchor_writing, anchored, anchoring, keys, retries, tokens
from provenance.evm import contract as calls
from provenance.evm.rpc import NodeRefused
from provenance.evm.wallet import NoWallet, Wallet
from provenance.log import guard, store
from provenance.models import Anchor, Certificate, Checkpoint
from provenance.standalone.check import Bundle, check_bundle
from provenance.trust import Trust
from provenance.verification import State, verify_certificate, verify_file
from provenance.witnesses import Believed
from tests import people
from tests.provenance.evm_node import KEY, OTHER_KEY, Node, serving
from tests.provenance.o8_server import reply

pytestmark = pytest.mark.django_db
Certify = Callable[..., Certificate]
Files = dict[str, Path]


def said(*arguments: str) -> tuple[int, str]:
    """Exit status and output of a management command."""
    out = io.StringIO()
    try:
        call_command(*arguments, stdout=out)
    except CommandError as error:
        return error.returncode, out.getvalue() + str(error)
    return 0, out.getvalue()


@pytest.fixture
def bare() -> Iterator[Node]:
    with serving() as held:
        yield held


@pytest.fixture
def node(db: None, bare: Node, settings: Any) -> Node:
    """A chain with this log's contract, and the settings that name it."""
    settings.STARFORGE_EVM_URL = bare.url
    settings.STARFORGE_EVM_KEY = KEY
    settings.STARFORGE_EVM_CONFIRMATIONS = 0
    code, told = said("anchor", "--deploy")
    assert code == 0, told
    settings.STARFORGE_EVM_CHAIN = int(re.search(r"STARFORGE_EVM_CHAIN=(\d+)", told)[1])  # type: ignore[index]
    contract = re.search(r"STARFORGE_EVM_CONTRACT=(0x\w{40})", told)[1]  # type: ignore[index]
    settings.STARFORGE_EVM_CONTRACT = contract.lower()
    bare.asked.clear()
    return bare


@pytest.fixture
def made(certify: Certify, files: Files) -> Certificate:
    return certify({"wav": files["wav"]}, private={"title": "Secret"}, title="Secret")


def grow(count: int = 1) -> Checkpoint:
    keys.ensure()
    with transaction.atomic():
        for _ in range(count):
            store.append(timezone.now().isoformat().encode())
    return store.checkpoint()


def on_chain(node: Node, size: int) -> bytes | None:
    return calls.head_at(anchoring.node(node.url), anchoring.place().contract, size)  # type: ignore[union-attr]


def again(row: Anchor) -> str:
    """Its time has come, and a worker takes it."""
    Anchor.objects.filter(pk=row.pk).update(next_try_at=None)
    return anchor_writing.run(row.pk)


def fresh(row: Anchor) -> Anchor:
    row.refresh_from_db()
    return row


def test_the_shipped_bytecode_is_what_the_shipped_source_compiles_to() -> None:
    from bench.make_contract import compiled

    assert calls.compiled() == compiled()


def test_an_open_wallet_does_not_let_nested_json_end_the_process() -> None:
    """In a process of its own: the packages raise the limit when they are first imported."""
    code = (
        "import json, sys; from provenance.evm.wallet import Wallet; before = sys.getrecursionlimit()\n"
        f"Wallet({KEY!r}); assert 'py_ecc' in sys.modules and sys.getrecursionlimit() == before\n"
        "try: json.loads('[' * 200_000)\n"
        "except RecursionError: print('refused')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "refused\n"), ran.stderr[-500:]


def test_nothing_is_written_anywhere_by_default(made: Certificate, settings: Any) -> None:
    assert anchoring.place() is None and anchoring.recover() == 0 and not Anchor.objects.exists()
    with pytest.raises(anchoring.NothingToDo, match=r"manage\.py anchor --deploy"):
        anchoring.anchor_now()
    assert verify_certificate(made.pk).check("anchor") is None
    body = people.stranger().get(f"/api/certificates/{made.pk}/").json()
    assert body["blockchain"] is None and body["provenance"]["blockchain_tx"] is None
    page = people.stranger().get(made.get_absolute_url()).content.decode()
    assert "Not anchored on chain." in page and 'id="chain"' not in page


def test_a_checkpoint_is_anchored_and_a_stranger_finds_its_root(
    node: Node, made: Certificate, files: Files
) -> None:
    code, told = said("anchor")
    assert code == 0 and "transaction 0x" in told
    row = Anchor.objects.get()
    newest = Checkpoint.objects.get()
    assert on_chain(node, newest.size) == bytes(newest.root)
    written = node.tester.get_transaction_by_hash(row.tx)  # the transaction itself says what was anchored
    assert written["data"] == calls.anchoring(newest.size, bytes(newest.root)) and row.block == int(
        node.eth_blockNumber(), 16
    )
    contract, chain = row.contract, anchoring.node(node.url)
    assert calls.origin(chain, contract) == keys.origin() and calls.newest_size(chain, contract) == 1

    body = people.stranger().get(f"/api/certificates/{made.pk}/").json()
    assert body["provenance"]["blockchain_tx"] == row.tx
    call = body["blockchain"]["anchor"]["call"]
    assert node.eth_call(call, "latest") == body["blockchain"]["anchor"]["root"]
    assert people.stranger().get(f"/api/verify/{made.pk}").json()["metadata"]["blockchain_tx"] == row.tx
    assert "blockchain_tx" not in json.dumps(made.statement)  # what was signed is as it was
    trusted = people.stranger().get("/.well-known/starforge-trust.json").json()
    assert trusted["blockchain"] == [{"chain_id": node.chain_id, "contract": contract}]
    page = people.stranger().get(made.get_absolute_url()).content.decode()
    assert row.tx in page and body["blockchain"]["anchor"]["root"] in page and "Anchored on chain." in page
    assert said("anchor", "--status")[1].count(row.tx) == 1


def test_the_bundle_leads_to_the_root_on_the_chain(node: Node, made: Certificate, tmp_path: Path) -> None:
    said("anchor")
    grow(3)  # the log goes on: the bundle's own proof is of a later state
    answer = people.stranger().get(f"/api/certificates/{made.pk}/bundle/")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        archive.extractall(tmp_path)
    folder = tmp_path / made.pk
    command = [sys.executable, "-I", "-S", "check_log.py", "chain-proof.txt"]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    where = json.loads((folder / "chain.json").read_text())["anchor"]
    answered = node.eth_call(where["call"], "latest")
    assert told.split()[-1] == answered == where["root"]
    trust = Trust.from_json(people.stranger().get("/.well-known/starforge-trust.json").json())
    believed = Believed(chain_root=bytes.fromhex(answered[2:]))
    found = check_bundle(Bundle.read(folder), trust, believed=believed)
    assert [one.ok for one in found.checks if one.name == "anchor"] == [True]


def test_the_log_is_anchored_once_a_day_and_only_when_it_grew(node: Node) -> None:
    now = timezone.now()
    assert anchoring.recover(now=now) == 0  # empty
    grow(2)
    assert anchoring.recover(now=now) == 1 and anchoring.recover(now=now) == 0
    first = Anchor.objects.get()
    assert (
        again(first) == "sent" and again(first) == "anchored" and anchor_writing.run(first.pk) == "not ours"
    )
    tomorrow = now + timedelta(hours=25)
    assert anchoring.recover(now=tomorrow) == 0  # nothing new to say
    grow()
    assert anchoring.recover(now=now + timedelta(hours=23)) == 0
    assert anchoring.recover(now=tomorrow) == 1
    second = Anchor.objects.first()
    assert second is not None and again(second) == "sent" and again(second) == "anchored"
    assert [on_chain(node, size) == store.root_at(size) for size in (2, 3)] == [True, True]
    assert node.count("eth_sendRawTransaction") == 2


def test_a_chain_that_is_down_costs_nothing_but_time(node: Node, made: Certificate) -> None:
    node.misbehave = lambda handler, _: reply(handler, 503, b"{}") is None
    row, _ = anchoring.anchor_now()
    assert anchor_writing.run(row.pk) == "later" and "503" in fresh(row).error
    assert anchor_writing.run(row.pk) == "not yet" and row.tries == 1
    assert verify_certificate(made.pk).state is State.INTACT
    assert said("anchor")[0] == 69
    for attempt in range(fresh(row).tries + 1, retries.TRIES + 1):
        assert again(row) == ("given up" if attempt == retries.TRIES else "later")
    assert anchoring.recover() == 0  # what failed waits for tomorrow
    node.misbehave = None
    assert anchoring.recover(now=timezone.now() + timedelta(hours=25)) == 1
    assert again(row) == "sent" and again(row) == "anchored" and node.count("eth_sendRawTransaction") == 1


def test_what_was_signed_is_sent_again_and_never_signed_twice(node: Node) -> None:
    """The worker dies after signing; the answer to the sending is lost; the node forgets what waits."""
    grow()
    row, _ = anchoring.anchor_now()

    def lost(handler: Any, method: str) -> bool:
        if method != "eth_sendRawTransaction":
            return False
        handler.close_connection = True  # it hangs up before it takes it in
        return True

    node.misbehave = lost
    assert anchor_writing.run(row.pk) == "later" and len(fresh(row).sent) == 1
    signed = row.raw
    node.misbehave, node.holding = None, True
    assert again(row) == "waiting" and next(iter(node.pool.values()))[1] == signed
    node.drop()
    assert again(row) == "waiting" and next(iter(node.pool.values()))[1] == signed
    assert again(row) == "waiting" and "taken into a block" in fresh(row).error
    node.mine()
    assert again(row) == "anchored" and fresh(row).sent == [row.tx]
    assert anchoring.anchor_now() == (row, False)


def test_one_that_is_stuck_is_replaced_under_its_own_nonce(node: Node) -> None:
    grow()
    row, _ = anchoring.anchor_now()
    node.holding = True
    assert anchor_writing.run(row.pk) == "sent"
    Anchor.objects.update(sent_at=timezone.now() - anchor_writing.STUCK - timedelta(seconds=1))
    assert again(row) == "sent" and len(fresh(row).sent) == 2 and len(node.pool) == 1
    assert next(iter(node.pool.values()))[0] == row.sent[1]  # the node took the higher offer in its place
    node.mine()
    assert again(row) == "anchored" and fresh(row).tx == row.sent[1]
    assert node.tester.get_nonce(row.sender) == 2  # the contract, and one anchor


def test_a_nonce_that_something_else_took_is_given_up(node: Node) -> None:
    grow()
    row, _ = anchoring.anchor_now()
    node.holding = True
    assert anchor_writing.run(row.pk) == "sent"
    node.drop()
    node.holding = False
    receiver = node.tester.get_accounts()[0]
    node.tester.send_transaction({"from": node.account, "to": receiver, "value": 1, "gas": 21_000})
    assert again(row) == "sent" and again(row) == "anchored"
    assert len(fresh(row).sent) == 2 and row.tx == row.sent[1]


def test_two_never_share_a_nonce_and_no_checkpoint_has_two_anchors(node: Node, made: Certificate) -> None:
    row, _ = anchoring.anchor_now()
    token, _ = anchoring.mint(made)
    with pytest.raises(IntegrityError), transaction.atomic():
        Anchor.objects.create(chain_id=row.chain_id, contract=row.contract, checkpoint=row.checkpoint)
    node.holding = True
    assert anchor_writing.run(row.pk) == "sent"
    node.drop()  # the node counts from its nonce again
    assert again(token) == "waiting" and fresh(token).raw == "" and "first" in token.error
    node.holding = False
    assert again(row) == "waiting" and again(row) == "anchored"
    assert again(token) == "sent" and again(token) == "anchored"
    chain, data = anchoring.node(node.url), calls.anchoring(1, bytes(32))
    with pytest.raises(NodeRefused, match="only grows"):  # nor would the contract take a second
        chain.gas_for(fresh(row).sender, row.contract, data)


def test_it_counts_only_with_enough_blocks_on_top(node: Node, settings: Any) -> None:
    settings.STARFORGE_EVM_CONFIRMATIONS = 3
    grow()
    row, _ = anchoring.anchor_now()
    assert anchor_writing.run(row.pk) == "sent" and again(row) == "waiting"
    assert "with 0 of 3 blocks on top" in fresh(row).error and anchored.published() == []
    node.mine(3)
    assert again(row) == "anchored"


def test_an_anchor_that_nobody_remembers_is_found_by_its_event(node: Node) -> None:
    grow()
    row, _ = anchoring.anchor_now()
    anchor_writing.run(row.pk)
    tx = fresh(row).sent[0]
    Anchor.objects.update(sent=[], raw="", nonce=None)  # restored from an older backup
    assert again(row) == "anchored" and fresh(row).tx == tx and node.count("eth_sendRawTransaction") == 1


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("STARFORGE_EVM_CHAIN", 1, "The node serves chain"),
        ("STARFORGE_EVM_GWEI", 1, "above STARFORGE_EVM_GWEI=1"),
        ("STARFORGE_EVM_KEY", "", "No key is set"),
        ("STARFORGE_EVM_KEY", OTHER_KEY, "The contract belongs to"),
        ("STARFORGE_EVM_CONTRACT", "0x" + "77" * 20, "no contract of Starforge"),
    ],
)
def test_what_is_not_set_up_as_it_should_is_said_and_nothing_is_sent(
    node: Node, settings: Any, name: str, value: Any, what: str
) -> None:
    grow()
    setattr(settings, name, value)
    code, told = said("anchor")
    assert code != 0 and what in told and node.count("eth_sendRawTransaction") == 0


def test_another_logs_contract_is_not_written_to(node: Node, settings: Any) -> None:
    from provenance.models import SigningKey

    grow()
    SigningKey.objects.filter(purpose="log").update(name="elsewhere/log/00000000")
    code, told = said("anchor")
    assert code == 1 and "made for the log starforge.local" in told
    assert node.count("eth_sendRawTransaction") == 0


def test_without_the_package_one_command_is_named(monkeypatch: Any) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(NoWallet, match=r"pip install -r requirements-evm\.txt -c constraints\.txt"):
        Wallet(KEY)


def test_a_log_that_was_rewritten_and_signed_again_contradicts_the_chain(
    node: Node, made: Certificate, files: Files
) -> None:
    """With every key and the whole database: the audit would find nothing, the chain does."""
    from django.db import connection

    said("anchor")
    asked = anchoring.node(node.url)
    assert verify_file(files["wav"], chain=asked).check("anchor").ok is True  # type: ignore[union-attr]
    guard.remove(connection)
    other = store.tree.leaf_hash(b"another certificate in its place")
    with connection.cursor() as cursor:
        for table, column, key in (("logentry", "leaf_hash", '"index"'), ("lognode", "hash", "id")):
            cursor.execute(f"UPDATE provenance_{table} SET {column} = %s WHERE {key} = 0", [other])  # noqa: S608
        cursor.execute("UPDATE provenance_loghead SET frontier = %s", [other])
        cursor.execute("UPDATE provenance_checkpoint SET root = %s", [other])
    guard.install(connection)
    row = Anchor.objects.get()
    Anchor.objects.update(status=Anchor.FAILED)
    assert anchoring.again(fresh(row)) and anchor_writing.run(row.pk) == "refused"
    assert "another root" in fresh(row).error
    Anchor.objects.update(status=Anchor.READY)
    grow()
    assert on_chain(node, 1) != store.root_at(1)


def test_verify_asks_the_chain_only_where_told(node: Node, made: Certificate, files: Files) -> None:
    path = str(files["wav"])
    said("anchor")
    node.asked.clear()
    code, told = said("verify", path)
    assert code == 0 and "This was not looked up on the chain." in told and not node.asked
    code, told = said("verify", path, "--rpc", node.url)
    assert code == 0 and "The chain says the same." in told and node.count("eth_call") == 1
    assert "yes  anchor" in told
    for url, what in (("http://127.0.0.1:9", "The chain could not be asked."), ("file:///etc", "--rpc")):
        code, told = said("verify", path, "--rpc", url)
        assert what in told and code == (0 if url.startswith("http") else 64)
    Anchor.objects.update(contract="0x" + "77" * 20)  # a record that names another place
    assert "no contract of Starforge" in said("verify", path, "--rpc", node.url)[1]


def test_a_record_that_the_chain_does_not_bear_out_is_told(node: Node, made: Certificate) -> None:
    said("anchor")
    later = grow(2)
    Anchor.objects.update(checkpoint=later)  # says that a later state was anchored than was
    verdict = verify_certificate(made.pk, chain=anchoring.node(node.url))
    assert verdict.state is State.ALTERED and "The chain holds another log" in verdict.sentence


def test_a_token_carries_its_provenance_and_nothing_private(
    node: Node, made: Certificate, settings: Any
) -> None:
    settings.STARFORGE_PUBLIC_URL = "https://music.example"
    holder = "0x" + "Ab" * 20
    code, told = said("mint", made.pk)
    assert code == 1 and "--yes" in told
    code, told = said("mint", made.pk, "--to", holder, "--yes")
    assert code == 0 and "transaction 0x" in told, told
    row, chain = Anchor.objects.get(), anchoring.node(node.url)
    number = tokens.statement_hash(made)
    assert calls.holder(chain, row.contract, number) == holder.lower()
    uri = calls.token_uri(chain, row.contract, number)
    body = json.loads(base64.b64decode(uri.removeprefix("data:application/json;base64,")))
    assert (body["certificate_id"], body["statement_sha256"]) == (made.pk, number.hex())
    assert body["external_url"] == f"https://music.example{made.get_absolute_url()}"
    assert body["audio"][0]["sha256"] == made.renditions.get().audio_sha256
    assert body["provenance"]["generator"] == "Mosaic 1.0" and body["provenance"]["track_count"] == 127
    assert "Secret" not in json.dumps(body) and "dubstep" not in json.dumps(body).lower()
    assert anchored.tx_of(made) == row.tx
    verdict = verify_certificate(made.pk, chain=chain)
    assert verdict.valid and verdict.check("anchor").ok is True  # type: ignore[union-attr]
    assert said("mint", made.pk, "--to", "0x" + "11" * 20, "--yes")[0] == 0  # a second time changes nothing
    assert calls.holder(chain, row.contract, number) == holder.lower() and Anchor.objects.count() == 1
    page = people.stranger().get(made.get_absolute_url()).content.decode()
    assert row.token in page and "A token of this certificate" in page


def test_a_token_is_an_erc721(node: Node, made: Certificate) -> None:
    said("mint", made.pk, "--yes")
    row, first, second = Anchor.objects.get(), node.account, node.tester.get_accounts()[0]
    number = bytes.fromhex(row.token[2:])

    def send(sender: str, signature: str, *words: bytes) -> None:
        data = calls.calling(signature, *words)
        node.tester.send_transaction({"from": sender, "to": row.contract, "data": data, "gas": 200_000})

    def address(text: str) -> bytes:
        return calls.word(bytes.fromhex(text[2:]))

    moving = (address(first), address(second), calls.word(number))
    with pytest.raises(NodeRefused, match="not yours"):
        anchoring.node(node.url).gas_for(second, row.contract, calls.calling(MOVE, *moving))
    send(first, "approve(address,uint256)", address(second), calls.word(number))
    send(second, MOVE, *moving)
    chain = anchoring.node(node.url)
    assert calls.holder(chain, row.contract, number) == second.lower()
    for known, wanted in (("80ac58cd", 1), ("5b5e139f", 1), ("01ffc9a7", 1), ("ffffffff", 0)):
        asked = calls.calling("supportsInterface(bytes4)", bytes.fromhex(known).ljust(32, b"\0"))
        assert int.from_bytes(chain.call(row.contract, asked), "big") == wanted
    with pytest.raises(NodeRefused, match="minted before"):
        chain.gas_for(first, row.contract, calls.minting(first, number, "x"))
    with pytest.raises(NodeRefused, match="not the owner"):
        chain.gas_for(second, row.contract, calls.minting(second, bytes([7]) * 32, "x"))


MOVE = "transferFrom(address,address,uint256)"


def test_a_revoked_certificate_gets_no_token(node: Node, made: Certificate) -> None:
    from provenance import events

    events.revoke_certificate(made, "a mistake")
    code, told = said("mint", made.pk, "--yes")
    assert code == 1 and "revoked" in told and not Anchor.objects.exists()


def test_the_key_is_shown_nowhere(
    node: Node, made: Certificate, settings: Any, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """In no log, page, answer, command, row or message, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    key = hashlib.sha256(b"a key that owns nothing").hexdigest()
    settings.STARFORGE_EVM_URL = f"{node.url}/v3/a-customers-key"
    for tried in (key, f"0x{key}", f"{key}00", f"not-{key[:30]}", "0x" + "0" * 64, KEY):
        settings.STARFORGE_EVM_KEY = tried
        shown += [said("anchor")[1], said("anchor", "--status")[1]]
        Anchor.objects.exclude(status=Anchor.READY).delete()
        try:
            shown.append(repr(Wallet(tried)))
        except NoWallet as error:
            shown.append(f"{error!r} {error.__cause__!r}")
    said("mint", made.pk, "--yes")
    admin = people.person("operator")
    admin.artist.user.is_staff = admin.artist.user.is_superuser = True
    admin.artist.user.save()
    row = Anchor.objects.first()
    assert row is not None
    for path in (
        "/admin/provenance/anchor/",
        f"/admin/provenance/anchor/{row.pk}/change/",
        made.get_absolute_url(),
        f"/api/certificates/{made.pk}/",
        f"/api/verify/{made.pk}",
        "/.well-known/starforge-trust.json",
    ):
        answer = admin.page.get(path)
        assert answer.status_code == 200, path
        shown.append(answer.content.decode())
    assert row.tx in "".join(shown)  # what was looked through is what is shown
    shown += [caplog.text, *capfd.readouterr(), json.dumps(list(Anchor.objects.values()), default=str)]
    shown += [json.dumps(node.asked)]
    for secret in (key, key[:30], KEY[2:], "a-customers-key"):
        assert not [text for text in shown if secret.lower() in text.lower()], secret


def test_the_admin_shows_anchors_and_lets_nobody_change_them(node: Node, made: Certificate) -> None:
    said("anchor")
    operator = people.person("operator")
    operator.artist.user.is_staff = operator.artist.user.is_superuser = True
    operator.artist.user.save()
    row = Anchor.objects.get()
    listed = operator.page.get("/admin/provenance/anchor/").content.decode()
    assert "Log up to entry 1" in listed and row.tx in listed
    assert operator.page.post(f"/admin/provenance/anchor/{row.pk}/change/", {"tx": "0x0"}).status_code == 403
    assert (
        operator.page.post(f"/admin/provenance/anchor/{row.pk}/delete/", {"post": "yes"}).status_code == 403
    )
