"""Adapters through queue, API, certificate and takes; whose they are, and what becomes of consent taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from catalog import accounts, intake, jobs
from catalog.dna import catalog_hash
from catalog.models import Artist, Track
from generation import adapter_files, adapters, consents, fine_tuning, lifecycle, pipeline, relay, token_cache
from generation.engines.mosaic.store import DiskCache
from generation.models import Adapter, Generation
from generation.prompting import BadWishes, Wishes
from generation.training import adapter as files
from generation.training import checkpoint, tokens
from generation.training.checkpoint import FILE as CHECKPOINT
from generation.training.recipe import Recipe
from provenance import lineage, verification
from tests.catalogs import stock
from tests.people import Person, collaborator, owner

pytestmark = pytest.mark.django_db(transaction=True)
RECIPE = {
    "rank": 4, "alpha": 8, "learning_rate": 5e-3, "warmup": 1, "steps": 4, "batch": 2, "validate_every": 2,
    "chunk_seconds": 3, "seed": 1, "held_out": 0.1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def ready(person: Person, recordings: Path) -> Person:
    """With rights declared and a catalog that is analysed."""
    accounts.declare_rights(person.artist, statement="I hold the rights to the recordings I upload.")
    stock(person.artist, recordings)
    person.artist.refresh_from_db()
    return person


def train(artist: Artist, **more: Any) -> Adapter:
    row, _ = adapters.start(artist, name="Night", recipe=Recipe(**RECIPE), **more)
    while fine_tuning.run(row.pk) == "again":
        pass
    row.refresh_from_db()
    return row


def ask(person: Person, method: str, path: str, body: Any = None, **headers: str) -> Any:
    call = getattr(person.api, method)
    options = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    return call(f"/api{path}", headers=headers, **options)


def test_from_the_api_to_a_take_that_says_what_it_learned_from(
    tiny_models: Path, recordings: Path, settings: Settings
) -> None:
    me, other = ready(owner(), recordings), collaborator()
    settings.STARFORGE_TRAIN_SLICE_SECONDS = 0  # a slice is one track, then one step
    settings.STARFORGE_TOKEN_CACHE_BYTES = 40_000  # less than the catalog: a training keeps what it needs
    origin = ask(me, "post", f"/tracks/{me.artist.tracks.earliest('id').pk}/origin/").json()["certificate_id"]
    answer = ask(me, "post", "/adapters/", {"name": "Night", **RECIPE}, **{"idempotency-key": "one"})
    assert answer.status_code == 202, answer.content
    pk = answer.json()["id"]
    again = ask(me, "post", "/adapters/", {"name": "Night", **RECIPE}, **{"idempotency-key": "one"})
    assert again.json()["id"] == pk and Adapter.objects.count() == 1
    words, slices = [], 0
    while (word := fine_tuning.run(pk)) == "again":
        words.append(word)
        row = Adapter.objects.get(pk=pk)
        assert (row.status, row.attempts) == ("queued", 0)
        slices += 1
        assert slices < 40
    row = Adapter.objects.select_related("certificate").get(pk=pk)
    assert word == "ready" and slices > 10, row.error
    shown = ask(me, "get", f"/adapters/{pk}/").json()
    assert shown["status"] == "ready" and shown["usable"] and shown["progress"] == 1.0
    assert shown["card"]["losses"]["best"] < shown["card"]["losses"]["before"]
    assert [point[0] for point in shown["curves"]["validation"]] == [0, 2, 4]
    assert sorted(one.name for one in row.folder.iterdir()) == [files.FILE, files.CARD]
    # The folder is the whole run's: tokens of other tests' tracks may lie in it.
    learned = set(me.artist.tracks.values_list("pk", flat=True))
    assert len(learned) == 12 and learned <= set(token_cache.cache().tracks())

    # Its own certificate: signed, logged, sealed byte for byte.
    signed = row.certificate.provenance
    assert verification.verify_certificate(row.certificate_id).valid
    assert signed["type"] == "adapter" and signed["adapter"]["sha256"] == row.sha256
    assert signed["parents"] == [{"certificate_id": origin, "relation": "made from"}]
    assert signed["generator"]["weights_sha256"] == row.base_sha256 == shown["card"]["base"]["sha256"]
    assert signed["generator"]["training_catalog_hash"] == row.catalog_hash == row.sources.get().catalog_hash
    assert signed["adapter"]["hyperparameters_sha256"] == Recipe(**RECIPE).sha256
    assert signed["training"]["catalogs"][0]["consent_sha256"] == consents.rights_sha256(me.artist)
    assert row.certificate.renditions.get().audio_sha256 == row.sha256
    page = other.page.get(row.certificate.get_absolute_url())
    assert page.status_code == 200 and "File sealed" in page.content.decode()

    # Takes say so, at half the strength; at none they are the base's own.
    made = {}
    for strength in (None, 0.0, 0.5):
        body: dict[str, Any] = {"engine": "musicgen", "prompt": "dubstep", "duration_seconds": 15, "seed": 5}
        body |= {"candidates": 1}
        body["watermark"] = False  # it would tell two takes apart that are the same
        if strength is not None:
            body |= {"adapter": pk, "strength": strength}
        asked = ask(me, "post", "/generate/music", body)
        assert asked.status_code == 202, asked.content
        assert pipeline.run(asked.json()["id"]) == "ready", Generation.objects.get(
            pk=asked.json()["id"]
        ).error
        made[strength] = (
            Generation.objects.get(pk=asked.json()["id"]).takes.select_related("certificate").get()
        )
    assert made[0.0].render_sha256 == made[None].render_sha256 != made[0.5].render_sha256
    said = made[0.5].certificate.provenance
    assert said["generator"]["fine_tuned"] is True
    assert said["generator"]["training_catalog_hash"] == row.catalog_hash
    assert said["generator"]["adapter"]["sha256"] == row.sha256
    assert {"certificate_id": row.certificate_id, "relation": "played with"} in said["parents"]
    assert made[0.0].certificate.provenance["generator"]["fine_tuned"] is False
    assert [link["certificate_id"] for link in lineage.chain(made[0.5].certificate)[:2]] == [
        made[0.5].certificate_id,
        row.certificate_id,
    ]

    # Nobody else's: not to read, not to use, not to hear of.
    for method, path in [("get", ""), ("delete", ""), ("post", "cancel/"), ("post", "continue/")]:
        assert ask(other, method, f"/adapters/{pk}/{path}").status_code == 404
    with pytest.raises(BadWishes, match="No adapter of yours"):
        lifecycle.submit(ready(other, recordings).artist, wishes=Wishes(adapter=pk), engine="musicgen")
    with pytest.raises(BadWishes, match="takes no adapter"):
        lifecycle.submit(me.artist, wishes=Wishes(adapter=pk), engine="mosaic")
    with pytest.raises(BadWishes, match="trained for"):
        lifecycle.submit(me.artist, wishes=Wishes(adapter=pk, model="melody"), engine="musicgen")

    # On its page, and on Generate.
    said_so = me.page.get(f"/adapters/{pk}/").content.decode()
    assert "What it learned" in said_so and 'class="tested"' in said_so and "CC-BY-NC-4.0" in said_so
    assert made[0.5].title in said_so
    assert f'value="{pk}" selected' in me.page.get(f"/generate/?adapter={pk}").content.decode()
    assert other.page.get(f"/adapters/{pk}/").status_code == 404

    # Deleted, it is gone; what was made with it stays.
    waiting = ask(
        me, "post", "/generate/music", {"engine": "musicgen", "adapter": pk, "duration_seconds": 15}
    )
    folder, certificate = row.folder, row.certificate_id
    assert ask(me, "delete", f"/adapters/{pk}/").status_code == 204
    assert not folder.exists() and token_cache.cache().tracks() == []
    assert made[0.5].file("wav").is_file() and verification.verify_certificate(certificate).valid
    assert pipeline.run(waiting.json()["id"]) == "failed"
    assert "was deleted meanwhile" in Generation.objects.get(pk=waiting.json()["id"]).error


def test_a_dead_worker_a_cancel_and_a_withdrawn_track(
    tiny_models: Path, recordings: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = ready(owner(), recordings)
    settings.STARFORGE_TRAIN_SLICE_SECONDS = 0
    row, _ = adapters.start(me.artist, name="", recipe=Recipe(**RECIPE))
    while not (row.folder / CHECKPOINT).is_file():
        assert fine_tuning.run(row.pk) == "again"
    # A worker that claimed it and was killed: another goes on where the checkpoint is.
    assert jobs.claim(Adapter, row.pk) is not None
    Adapter.objects.filter(pk=row.pk).update(worker="elsewhere|1|1|1", beat=timezone.now() - jobs.LEASE * 2)
    jobs.recover(Adapter)
    row.refresh_from_db()
    assert row.status == "queued" and row.step >= 1
    assert fine_tuning.run(row.pk) == "again"
    row.refresh_from_db()
    assert row.step >= 2 and row.eta_seconds is not None
    # Cancelled while it waits for its next slice; then continued.
    assert adapters.cancel(row)
    assert fine_tuning.run(row.pk) == "not ours"
    row.refresh_from_db()
    assert row.status == "cancelled" and (row.folder / CHECKPOINT).is_file()
    assert adapters.go_on(row)
    # A recording that is withdrawn in the middle is not learned from any further: it begins anew without it.
    settings.STARFORGE_TRAIN_SLICE_SECONDS = 600
    first = Track.objects.of(me.artist).order_by("id").first()
    assert first is not None
    intake.withdraw(first)
    assert first.pk not in token_cache.cache().tracks()
    assert fine_tuning.run(row.pk) == "ready"
    row.refresh_from_db()
    assert row.card["training"]["track_count"] == 11
    # What is signed is what it learned from, not what was chosen.
    left = catalog_hash(Track.objects.of(me.artist).ready().values_list("audio_sha256", flat=True))
    assert row.catalog_hash == left != row.sources.get().catalog_hash
    assert row.certificate is not None
    signed = row.certificate.provenance
    assert signed["generator"]["training_catalog_hash"] == signed["source"]["catalog_hash"] == left
    assert signed["training"]["catalogs"][0]["catalog_hash"] == left
    # A full disk is a sentence, and what was there stays.
    full, _ = adapters.start(me.artist, name="", recipe=Recipe(**RECIPE))

    def no_room(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("catalog.audio.atomic.flush", no_room)
    assert fine_tuning.run(full.pk) == "failed"
    full.refresh_from_db()
    assert "no room left on the disk" in full.error and not (full.folder / files.FILE).exists()


def test_one_deleted_in_the_middle_of_a_step_leaves_nothing(
    tiny_models: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = ready(owner(), recordings)
    row, _ = adapters.start(me.artist, name="", recipe=Recipe(**RECIPE))
    ids = adapter_files.learned_by(row)
    save, written = checkpoint.save, []

    def late(folder: Path, *rest: Any) -> None:
        if not written:
            adapters.delete(Adapter.objects.get(pk=row.pk))
        save(folder, *rest)
        written.append(folder)

    monkeypatch.setattr(checkpoint, "save", late)
    assert fine_tuning.run(row.pk) == "lost"
    assert written and not written[0].exists()
    assert not set(ids) & set(token_cache.cache().tracks())


@pytest.mark.parametrize("goes", ["recording", "adapter", "consent"])
def test_what_goes_while_its_tokens_are_made_leaves_none(
    goes: str, tiny_models: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, other = ready(owner(), recordings), ready(collaborator(), recordings)
    aggregate = goes == "consent"
    for one in (me, other):
        consents.give(one.artist)
    row, _ = adapters.start(me.artist, name="", recipe=Recipe(**RECIPE), aggregate=aggregate)
    theirs = other.artist if aggregate else me.artist
    track = Track.objects.of(theirs).order_by("id").last()
    assert track is not None
    encode, calls = tokens.encode, []

    def late(*given: Any) -> Any:
        codes = encode(*given)
        calls.append(1)
        if len(calls) == (24 if aggregate else 12):  # the last track
            if goes == "recording":
                intake.withdraw(track)
            elif goes == "adapter":
                adapters.delete(Adapter.objects.get(pk=row.pk))
            else:
                consents.withdraw(other.artist)
        return codes

    monkeypatch.setattr(tokens, "encode", late)
    word = fine_tuning.run(row.pk)
    assert track.pk not in token_cache.cache().tracks()
    if goes == "recording":
        assert word == "again" and fine_tuning.run(row.pk) == "ready"
        row.refresh_from_db()
        assert row.card["training"]["track_count"] == 11
    elif goes == "adapter":
        assert word == "lost" and not row.folder.exists()
    else:
        assert word == "again" and fine_tuning.run(row.pk) == "failed"
        row.refresh_from_db()
        assert "took their consent back" in row.error


def test_what_a_kill_left_is_swept_and_an_artist_who_leaves_takes_all_tokens(
    tiny_models: Path, recordings: Path
) -> None:
    me, other = ready(owner(), recordings), ready(collaborator(), recordings)
    for one in (me, other):
        consents.give(one.artist)
    row, _ = adapters.start(me.artist, name="", recipe=Recipe(**RECIPE), aggregate=True)
    row.folder.mkdir(parents=True)
    orphan = row.folder.with_name("adp_gone")
    orphan.mkdir()
    (orphan / files.FILE).write_bytes(b"left")
    track = Track.objects.of(other.artist).earliest("id")
    kept = token_cache.cache()
    kept.put(track.pk, track.audio_sha256, "encodec", b"tokens")
    kept.put("trk_gone", "sha256:00", "encodec", b"tokens")  # nobody learns from it
    assert "trk_gone" not in kept.tracks()
    DiskCache.put(kept, "trk_gone", "sha256:00", "encodec", b"tokens")
    assert adapter_files.sweep(every=0.0) >= 2 and adapter_files.sweep() == 0
    assert row.folder.is_dir() and not orphan.exists()
    assert track.pk in kept.tracks() and "trk_gone" not in kept.tracks()
    # Their own training still needs what others may not use any more.
    own, _ = adapters.start(other.artist, name="", recipe=Recipe(**RECIPE))
    consents.withdraw(other.artist)
    assert track.pk in kept.tracks()
    adapters.delete(own)
    assert track.pk not in kept.tracks()
    consents.give(other.artist)
    row, _ = adapters.start(me.artist, name="", recipe=Recipe(**RECIPE), aggregate=True)
    kept.put(track.pk, track.audio_sha256, "encodec", b"tokens")
    assert track.pk in kept.tracks()
    me.artist.user.delete()
    assert track.pk not in kept.tracks() and Track.objects.filter(pk=track.pk).exists()


def test_continuing_asks_again_what_starting_asks(
    tiny_models: Path, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, other = ready(owner(), recordings), ready(collaborator(), recordings)
    for one in (me, other):
        consents.give(one.artist)
    row, _ = adapters.start(me.artist, name="", recipe=Recipe(**RECIPE), aggregate=True)
    adapters.cancel(row)
    path = f"/adapters/{row.pk}/continue/"
    artist = Artist.objects.filter(pk=me.artist.pk)
    artist.update(plan=Artist.Plan.PRO)
    assert ask(me, "post", path).json()["type"].endswith("plan-limit")
    artist.update(plan=Artist.Plan.ELITE, rights_declared_at=None)
    assert ask(me, "post", path).json()["type"].endswith("no-rights-statement")
    artist.update(rights_declared_at=timezone.now())
    consents.withdraw(me.artist)
    assert "Agree to it for yours first" in ask(me, "post", path).json()["detail"]
    consents.give(me.artist)
    with monkeypatch.context() as patch:
        patch.setenv("STARFORGE_MODELS", str(tmp_path))
        assert "fetch_model" in ask(me, "post", path).json()["detail"]
    assert ask(me, "post", path).status_code == 202


def test_the_pages_start_follow_stop_and_delete(tiny_models: Path, recordings: Path) -> None:
    me, other = ready(owner(), recordings), collaborator()
    page = me.page
    shown = page.get("/adapters/").content.decode()
    assert "Train Adapter" in shown and "MusicGen small" in shown
    refused = page.post("/adapters/", {"name": "Night", "rank": "0"})
    assert refused.status_code == 422 and not Adapter.objects.exists()
    form = {"name": "Night", "base": "musicgen-small", "steps": "9", "request_key": "k"}
    made = page.post("/adapters/", form)
    assert page.post("/adapters/", form)["Location"] == made["Location"]  # two presses are one wish
    row = Adapter.objects.get()
    assert made["Location"] == row.get_absolute_url() and row.steps == 9
    lease = jobs.claim(Adapter, row.pk)
    assert lease is not None
    Adapter.objects.filter(pk=row.pk).update(
        step=3,
        seconds_trained=6.0,
        curves={"train": [[3, 2.5]], "validation": [[0, 3.0], [3, 2.0]]},
        best_loss=2.0,
    )
    lease.report(1 / 3, "Training")
    (message,) = relay.adapters([row.pk])
    assert (message["step"], message["steps"], message["eta_seconds"], message["loss"]) == (3, 9, 12.0, 2.5)
    running = page.get(row.get_absolute_url()).content.decode()
    assert "Step 3 of 9" in running and "2.00 at step 3" in running and "12 seconds left" in running
    page.post(f"/adapters/{row.pk}/cancel/")
    with pytest.raises(jobs.Cancelled):
        lease.report(0.5)
    lease.finish(Adapter.CANCELLED)
    stopped = page.get(row.get_absolute_url()).content.decode()
    assert "Continue Training" in stopped and "fell from 3.00 to 2.00" in stopped
    Adapter.objects.filter(pk=row.pk).update(best_loss=3.0)
    assert "was 3.00 and did not fall" in page.get(row.get_absolute_url()).content.decode()
    others = [Adapter(artist=me.artist) for _ in range(adapters.MOST_UNDER_WAY)]
    Adapter.objects.bulk_create(others)
    many = ask(me, "post", f"/adapters/{row.pk}/continue/")
    assert many.status_code == 409 and many.json()["type"].endswith("too-many-under-way")
    Adapter.objects.filter(pk__in=[one.pk for one in others]).delete()
    page.post(f"/adapters/{row.pk}/continue/")
    row.refresh_from_db()
    assert row.status == "queued"
    for path in ("", "delete/"):
        assert other.page.get(f"/adapters/{row.pk}/{path}").status_code == 404
    assert "cannot be undone" in page.get(f"/adapters/{row.pk}/delete/").content.decode()
    page.post(f"/adapters/{row.pk}/delete/")
    assert not Adapter.objects.exists()
    page.post("/adapters/consent/")
    assert consents.standing(me.artist) is not None
    page.post("/adapters/consent/", {"withdraw": "1"})
    assert consents.standing(me.artist) is None


def test_the_command_trains_and_goes_on(tiny_models: Path, recordings: Path) -> None:
    me = ready(owner(), recordings)
    login = me.artist.user.username
    said = [f"--{name.replace('_', '-')}={value}" for name, value in RECIPE.items()]
    with pytest.raises(CommandError, match="base: Choose one of"):
        call_command("finetune", "--artist", login, "--base", "no-such-model")
    with pytest.raises(CommandError, match="rank: This is a number"):
        call_command("finetune", "--artist", login, "--rank", "1000")
    out = StringIO()
    call_command("finetune", "--artist", login, "--name", "Night", *said, stdout=out)
    row = adapters.of(me.artist).get()
    assert (row.status, row.name, row.recipe) == ("ready", "Night", Recipe(**RECIPE).to_json())
    assert "step 4 of 4: validation loss" in out.getvalue() and str(row.certificate_id) in out.getvalue()
    assert str(row.folder / files.FILE) in out.getvalue()

    with pytest.raises(CommandError, match="no adapter adp_none"):
        call_command("finetune", "--artist", login, "--continue", "adp_none")
    stopped, _ = adapters.start(me.artist, name="Day", recipe=Recipe(**RECIPE))
    adapters.cancel(stopped)
    call_command("finetune", "--artist", login, "--continue", stopped.pk, stdout=StringIO())
    stopped.refresh_from_db()
    assert stopped.status == "ready" and stopped.sha256 == row.sha256


def test_who_may_train(
    tiny_models: Path, recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = owner()
    stock(me.artist, recordings, count=9)
    assert ask(me, "post", "/adapters/", {}).json()["type"].endswith("no-rights-statement")
    accounts.declare_rights(me.artist, statement="Mine.")
    few = ask(me, "post", "/adapters/", {})
    assert (few.status_code, few.json()["count"]) == (409, 9)
    Artist.objects.filter(pk=me.artist.pk).update(plan=Artist.Plan.PRO)
    plan = ask(me, "post", "/adapters/", {})
    assert plan.status_code == 429 and plan.json()["type"].endswith("plan-limit")
    Artist.objects.filter(pk=me.artist.pk).update(plan=Artist.Plan.ELITE)
    bad = ask(me, "post", "/adapters/", {"rank": 0, "base": "musicgen-small"})
    assert bad.status_code == 400 and "rank" in bad.json()["errors"]
    assert "base" in ask(me, "post", "/adapters/", {"base": "gpt"}).json()["errors"]
    assert "genre" in ask(me, "post", "/adapters/", {"genre": "Dubstep"}).json()["errors"]
    monkeypatch.setenv("STARFORGE_MODELS", str(tmp_path))
    missing = ask(me, "post", "/adapters/", {})
    assert missing.status_code == 409 and "fetch_model" in missing.json()["detail"]
    assert not Adapter.objects.exists()


def test_several_catalogs_learn_together_only_with_consent(
    tiny_models: Path, recordings: Path, settings: Settings
) -> None:
    me, other, third = ready(owner(), recordings), ready(collaborator(), recordings), collaborators_friend()
    ready(third, recordings)
    asked = {"aggregate": True, **RECIPE}
    assert "Agree to it for yours first" in ask(me, "post", "/adapters/", asked).json()["detail"]
    assert ask(me, "put", "/training-consent/").json()["given"]
    assert "No other artist" in ask(me, "post", "/adapters/", asked).json()["detail"]
    consents.give(other.artist)
    row = train(me.artist, aggregate=True)
    assert row.status == "ready", row.error
    named = row.card["training"]["catalogs"]
    assert [one["consent_sha256"] for one in named][1] == consents.sha256(consents.standing(other.artist))  # type: ignore[arg-type]
    assert len(named) == 2 and row.card["training"]["track_count"] == 24  # the third never agreed
    assert other.artist.name not in json.dumps(row.card) + json.dumps(row.certificate.statement)
    assert adapters.unusable(row) == ""
    # Taken back: no new take, no further training; the card still names the consent that was given.
    assert not ask(other, "delete", "/training-consent/").json()["given"]
    assert "took their consent back" in adapters.unusable(row)
    with pytest.raises(lifecycle.Refused, match="took their consent back"):
        lifecycle.submit(me.artist, wishes=Wishes(adapter=row.pk), engine="musicgen")
    assert other.artist.training_consents.get().withdrawn_at is not None
    assert not any(pk in token_cache.cache().tracks() for pk in row.sources.last().track_ids)  # type: ignore[union-attr]
    # An artist who leaves takes consent and files of their own adapters along.
    folder = row.folder
    me.artist.user.delete()
    assert not folder.exists() and not Adapter.objects.exists()


def collaborators_friend() -> Person:
    from tests.people import person

    return person("third", name="Third Artist")
