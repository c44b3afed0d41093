"""Takes of two artists, from the request to the certificate: what each gives, what each sees, and how it ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from catalog import accounts, jobs
from catalog.accounts import catalog_id_of
from catalog.audio.hashing import audio_digest
from catalog.models import Artist, Track
from generation import adapters, blending, blends, library, lifecycle, pipeline, restoring
from generation.brief import Blending
from generation.models import Blend, GeneratedTrack, Generation
from generation.prompting import BadWishes, Wishes
from provenance import origins, verification
from provenance.models import Certificate, Revocation
from tests.catalog.test_api_problems import problem
from tests.people import Person, collaborator, owner, person, stranger
from tests.rows import catalog_of, ready_track

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Two:
    """Two artists with ten recordings each who agreed, and the agreement."""

    me: Person
    other: Person
    blend: Blend
    engine: str

    def wishes(self, weight: float = 0.4, **more: Any) -> Wishes:
        return Wishes(prompt="techno", bpm=180.0, blend=Blending(self.blend.pk, weight), **more)

    def made(self, weight: float = 0.4, **more: Any) -> GeneratedTrack:
        generation, _ = lifecycle.submit(
            self.me.artist, wishes=self.wishes(weight, **more), engine=self.engine
        )
        assert pipeline.run(generation.pk) == "ready"
        return generation.takes.get()


@pytest.fixture
def two(stand_in: str, settings: Settings, tmp_path: Path) -> Two:
    settings.STARFORGE_DATA = tmp_path / "data"
    me, other = owner(), collaborator()
    for one, word in ((me, "Night Bus"), (other, "Secret Sketch")):
        for track in catalog_of(one.artist):
            track.title = f"{word} {track.title}"
            track.save(update_fields=["title"])
    blend = blends.accept(blends.invite(me.artist, "collaborator"), other.artist)
    return Two(me, other, blend, stand_in)


def everything_told(two: Two, take: GeneratedTrack) -> str:
    """All that the artist who generated is shown of a take."""
    page = two.me.page
    texts = [page.get(take.generation.get_absolute_url()), page.get("/history/"), page.get("/generate/")]
    for path in ("", "sources/"):
        texts.append(two.me.api.get(f"/api/generated-tracks/{take.pk}/{path}"))
    texts.append(two.me.api.get(f"/api/generations/{take.generation_id}/"))
    return " ".join(answer.content.decode() for answer in texts)


def test_a_take_of_two_names_both_and_verifies(two: Two) -> None:
    accounts.consent(two.me.artist, ["training", "remix"])
    accounts.consent(two.other.artist, ["remix"])
    take = two.made(0.4)
    assert take.blend["partner"] == "Cleo Collaborator" and take.blend["weight"] == 0.4
    assert take.blend["share"] == pytest.approx(0.4) and take.blend["of_bars"] == len(take.built_from)
    match = take.blend["match"]
    assert match["blend"] == pytest.approx(0.6 * match["own"] + 0.4 * match["partner"], abs=2e-4)
    assert take.similarity_score == match["blend"]
    verdict = verification.verify_file(take.file("wav"), filename="take.wav")
    assert verdict.exit_code == 0
    assert take.certificate is not None
    signed = take.certificate.provenance
    source, theirs = signed["source"], signed["source"]["partner"]
    mine, snapshot = take.generation.snapshot, take.generation.partner_snapshot
    assert snapshot is not None and snapshot.artist == two.other.artist
    assert source["catalog_hash"] == mine.catalog_hash != theirs["catalog_hash"] == snapshot.catalog_hash
    assert source["catalog_id"] == catalog_id_of(two.me.artist)
    assert theirs["catalog_id"] == catalog_id_of(two.other.artist)
    assert source["aesthetic_dna_snapshot"]["sha256"] != theirs["aesthetic_dna_snapshot"]["sha256"]
    assert theirs["aesthetic_dna_snapshot"]["id"] == snapshot.pk
    consent = blends.consent_of(two.blend, two.other.artist)
    assert consent and theirs["consent"]["sha256"].endswith(blends.consent_sha256(consent, two.other.artist))
    # What one of the two does not allow is not allowed.
    assert signed["rights"] == {"training": "not granted", "derivative": "not granted", "remix": "granted"}
    assert signed["generator"]["licence"] == take.licence == "Recordings of both artists"
    assert source["recordings_used"] + theirs["recordings_used"] == take.novelty["sources"]
    kinds = [link["kind"] for link in verdict.chain]
    assert kinds.count("catalog") == kinds.count("dna_snapshot") == 2
    page = stranger().get(take.certificate.get_absolute_url()).content.decode()
    for words in ("Ossa Owner", "Cleo Collaborator", "40%", "Given on", "Cleo Collaborator (catalog"):
        assert words in page
    assert "Secret Sketch" not in page and "Secret Sketch" not in json.dumps(signed)


def test_titles_of_the_other_are_shown_only_where_they_allow_it(two: Two) -> None:
    hidden = everything_told(two, two.made(0.6))
    assert "Secret Sketch" not in hidden and "a recording of Cleo Collaborator" in hidden.replace(
        "A rec", "a rec"
    )
    assert "Night Bus" in hidden
    other = two.other.artist
    blends.allow(two.blend, other, blends.Allowed(titles=True))
    assert "Secret Sketch" in everything_told(two, two.made(0.6, seed=8))


def test_origin_stamps_of_the_other_are_named_with_their_titles_only(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stamps(artist: Artist, ids: Any, *, relation: str = "made from") -> list[dict[str, str]]:
        assert set(ids)
        return [{"certificate_id": f"cert_{artist.pk}", "relation": relation}]

    monkeypatch.setattr(origins, "of", stamps)
    own = f"cert_{two.me.artist.pk}"
    assert two.made().certificate.provenance["parents"] == [{"certificate_id": own, "relation": "made from"}]
    blends.allow(two.blend, two.other.artist, blends.Allowed(titles=True))
    parents = two.made(seed=9).certificate.provenance["parents"]
    assert [one["relation"] for one in parents] == ["made from", "blend of"]


def test_the_other_hears_it_under_made_with_you_and_nobody_else_does(two: Two) -> None:
    take = two.made()
    third = person("third")
    assert take.certificate_id is not None
    page, sound = two.other.page, f"/collaborate/takes/{take.pk}/audio/"
    shown = page.get("/collaborate/").content.decode()
    for words in (take.title, "Ossa Owner", sound, take.certificate_id):
        assert words in shown
    assert b"".join(page.get(sound).streaming_content) == take.file("preview").read_bytes()
    (told,) = two.other.api.get("/api/blended-takes/").json()["results"]
    assert told["audio"] and two.other.api.get(told["audio"]).status_code == 200
    # The take itself, its prompt and its files stay with who made it.
    assert two.other.api.get(f"/api/generated-tracks/{take.pk}/").status_code == 404
    assert page.get(take.generation.get_absolute_url()).status_code == 404
    for who in (third, two.me):
        assert who.page.get(sound).status_code == 404
        assert who.api.get("/api/blended-takes/").json()["count"] == 0
        assert problem(who.api.get(f"/api/blended-takes/{take.pk}/audio/"), 404)
    blends.withdraw(two.blend, two.other.artist)
    assert page.get(sound).status_code == 200  # what is there stays, for both
    assert "Saved" in allowed(two.me, two.blend, {})
    assert page.get(sound).status_code == two.other.api.get(told["audio"]).status_code == 404


def allowed(who: Person, blend: Blend, form: dict[str, str]) -> str:
    return who.page.post(f"/collaborate/{blend.pk}/allow/", form, follow=True).content.decode()


def test_what_is_kept_from_the_other_is_who_when_and_certificate_only(two: Two) -> None:
    take = two.made()
    GeneratedTrack.objects.filter(pk=take.pk).update(title="Sealed Envelope")
    figures = "of the bars are yours"
    shown = two.other.page.get("/collaborate/").content.decode()
    assert "Sealed Envelope" in shown and figures in shown
    allowed(two.me, two.blend, {})
    shown = two.other.page.get("/collaborate/").content.decode()
    assert "Sealed Envelope" not in shown and figures not in shown
    assert "Made with you" in shown and take.certificate_id is not None and take.certificate_id in shown
    (told,) = two.other.api.get("/api/blended-takes/").json()["results"]
    null = {name for name, value in told.items() if value is None}
    assert null == {"title", "weight", "share", "match", "duration", "audio"}
    assert (told["artist"], told["certificate_id"]) == ("Ossa Owner", take.certificate_id)
    allowed(two.me, two.blend, {"hears": "on"})
    (told,) = two.other.api.get("/api/blended-takes/").json()["results"]
    assert told["title"] == "Sealed Envelope" and None not in told.values()


def test_after_the_end_what_the_other_sees_is_turned_off_and_not_on(two: Two) -> None:
    allowed(two.me, two.blend, {"titles": "on", "hears": "on"})
    blends.withdraw(two.blend, two.other.artist)
    assert "Ended</h2>" not in two.me.page.get("/collaborate/").content.decode()  # no take, nothing to see

    def patched(**body: bool) -> Any:
        return two.me.api.patch(f"/api/blends/{two.blend.pk}/", body, content_type="application/json")

    assert patched(titles=False).json()["you_allow"] == {"titles": False, "hears": True}
    assert problem(patched(titles=True), 409)["type"].endswith("not-standing")
    assert patched(hears=True).status_code == 200  # as it is
    assert "not on" in allowed(two.me, two.blend, {"titles": "on", "hears": "on"})
    assert "Saved" in allowed(two.me, two.blend, {})
    assert "not on" in allowed(two.me, two.blend, {"hears": "on"})
    assert problem(patched(hears=True), 409)
    consent = blends.consent_of(Blend.objects.get(pk=two.blend.pk), two.me.artist)
    assert consent and (consent.titles, consent.hears) == (False, False)
    waiting = blends.invite(two.me.artist)
    assert problem(
        two.me.api.patch(f"/api/blends/{waiting.pk}/", {"hears": False}, content_type="application/json"), 409
    )


def test_an_ended_blend_with_takes_is_listed_so_that_it_can_be_turned_off(two: Two) -> None:
    two.made()
    blends.withdraw(two.blend, two.other.artist)
    shown = two.me.page.get("/collaborate/").content.decode()
    assert "Ended</h2>" in shown and f'id="hears-{two.blend.pk}" checked' in shown
    assert f"titles-{two.blend.pk}" not in shown  # off already, and not to be turned on
    allowed(two.me, two.blend, {})
    assert "hears none of your takes" in two.me.page.get("/collaborate/").content.decode()
    assert "Ended</h2>" not in person("third").page.get("/collaborate/").content.decode()


def test_what_is_listed_as_made_with_you_reads_no_plans(two: Two) -> None:
    take = two.made()
    (row,) = blends.made_with(two.other.artist)
    held = row.__dict__.keys() | row.generation.__dict__.keys()
    for large in ("plan", "built_from", "similarity", "vector", "novelty", "stems", "params", "brief"):
        assert large not in held, large
    assert row.certificate is not None and "envelope" not in row.certificate.__dict__
    assert (row.title, row.peaks, row.blend) == (take.title, take.peaks, take.blend)


@pytest.mark.parametrize("whose", ["other", "me"])
def test_nothing_is_made_of_the_recordings_of_a_closed_account(two: Two, whose: str) -> None:
    take = two.made()
    waiting, _ = lifecycle.submit(two.me.artist, wishes=two.wishes(), engine=two.engine)
    who: Person = getattr(two, whose)
    user = who.artist.user
    user.is_active = False
    user.save(update_fields=["is_active"])
    said = f"{who.artist.name}’s account is closed"
    assert not blending.stands(two.blend.pk)
    with pytest.raises(blending.Ended, match=said):
        blending.of(waiting, Blending(two.blend.pk, 0.4))
    with pytest.raises(BadWishes, match=said):
        blending.partner(two.me.artist, Blending(two.blend.pk, 0.4))
    assert pipeline.run(waiting.pk) == "failed"
    waiting.refresh_from_db()
    assert said in waiting.error
    assert said in lifecycle.editable(take) and said in lifecycle.restorable(take)
    assert blending.usable(take, [one.pk for one in two.other.artist.tracks.all()]) == {}
    user.is_active = True
    user.save(update_fields=["is_active"])
    assert blending.stands(two.blend.pk) and lifecycle.editable(take) == ""


def withdrawn_at(stage: str, two: Two) -> Callable[..., None]:
    real = jobs.Lease.report

    def report(self: jobs.Lease, progress: float, words: str = "") -> None:
        real(self, progress, words)
        if words.startswith(stage):
            blends.withdraw(two.blend, two.other.artist)

    return report


@pytest.mark.parametrize("stage", ["Reading", "Playing the intro", "Marking", "Publishing"])
def test_a_withdrawal_stops_it_at_its_next_stage(
    two: Two, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    generation, _ = lifecycle.submit(two.me.artist, wishes=two.wishes(), engine=two.engine)
    monkeypatch.setattr(jobs.Lease, "report", withdrawn_at(stage, two))
    assert pipeline.run(generation.pk) == "failed"
    generation.refresh_from_db()
    assert generation.status == Generation.FAILED and "Cleo Collaborator has ended" in generation.error
    assert not generation.takes.exists()
    # What was signed in the last moment is about nothing, and says so.
    signed = Certificate.objects.filter(owner=two.me.artist)
    assert signed.count() == (stage == "Publishing")
    assert Revocation.objects.filter(certificate__in=signed).count() == signed.count()


def test_no_adapter_learns_from_what_the_other_artist_is_in(two: Two) -> None:
    """Also when the take is gone and only its recording in the library is left."""
    take = two.made()
    track, _ = library.add(take)
    _, digest = audio_digest(track.file)
    Track.objects.filter(pk=track.pk).update(status=Track.READY, audio_sha256=digest)
    alone = ready_track(two.me.artist, title="alone", origin=Track.Origin.GENERATED)
    found = adapters._source(two.me.artist, generated=True, genre="").track_ids
    assert alone.pk in found and track.pk not in found
    lifecycle.delete(take.generation)
    assert track.pk not in adapters._source(two.me.artist, generated=True, genre="").track_ids


def test_after_a_withdrawal_nothing_new_is_made_and_what_is_there_stays(two: Two) -> None:
    take = two.made()
    waiting, _ = lifecycle.submit(two.me.artist, wishes=two.wishes(), engine=two.engine)
    blends.withdraw(two.blend, two.other.artist)
    assert pipeline.run(waiting.pk) == "failed"
    with pytest.raises(BadWishes, match="Nobody agreed"):
        lifecycle.submit(two.me.artist, wishes=two.wishes(), engine=two.engine)
    assert "has ended" in lifecycle.editable(take) and "has ended" in lifecycle.restorable(take)
    with pytest.raises(BadWishes):
        lifecycle.vary(take.generation, "more energetic")
    assert verification.verify_file(take.file("wav"), filename="take.wav").exit_code == 0
    page = two.me.page.get(take.generation.get_absolute_url())
    assert page.status_code == 200 and "Cleo Collaborator" in page.content.decode()
    again = two.me.page.get(f"/generate/?again={take.generation_id}").content.decode()
    assert "does not blend with you any more" in again
    assert "does not blend" not in two.me.page.get("/generate/").content.decode()


def test_an_edit_of_it_is_of_both_and_lost_files_come_back_the_same(two: Two) -> None:
    take = two.made()
    edited, _ = lifecycle.vary(take.generation, "more energetic")
    assert edited.blend == two.blend and edited.partner_snapshot is not None
    assert pipeline.run(edited.pk) == "ready"
    child = edited.takes.get()
    assert child.blend["partner"] == "Cleo Collaborator" and child.certificate is not None
    assert child.certificate.provenance["source"]["partner"]["artist"] == "Cleo Collaborator"
    take.file("wav").unlink()
    row, _ = lifecycle.restore(take)
    assert restoring.run(row.pk) == "ready" and take.file("wav").is_file()


def test_only_who_agreed_and_only_with_an_engine_that_can(two: Two) -> None:
    third = person("third", name="Theo Third")
    catalog_of(third.artist)
    ask = {"prompt": "techno", "engine": two.engine, "blend": {"id": two.blend.pk, "weight": 0.5}}

    def answer(who: Person, **more: Any) -> Any:
        return who.api.post("/api/generate/music", ask | more, content_type="application/json")

    assert "Nobody agreed" in problem(answer(third), 400)["errors"]["blend"][0]
    assert problem(answer(two.me, blend={"id": two.blend.pk, "weight": 1.2}), 400)
    assert problem(answer(two.me, blend="bld"), 400)
    refused = problem(answer(two.me, engine="audiogen"), 400)
    assert "cannot blend" in refused["errors"]["blend"][0] and "Mosaic" in refused["errors"]["blend"][0]
    theirs = two.other.artist.tracks.first()
    assert theirs is not None
    assert "reference_tracks" in problem(answer(two.me, reference_tracks=[theirs.pk]), 400)["errors"]
    nothing = answer(two.me, blend={"id": two.blend.pk, "weight": 0})
    made = Generation.objects.get(pk=nothing.json()["id"])
    assert nothing.status_code == 202 and made.blend is None and made.partner_snapshot is None
    taken = answer(two.me)
    assert taken.status_code == 202 and Generation.objects.get(pk=taken.json()["id"]).blend == two.blend
    for track in list(two.other.artist.tracks.all())[:1]:
        track.delete()
    assert "too few analysed recordings" in problem(answer(two.me), 400)["errors"]["blend"][0]


def test_the_brief_lies_between_the_two(two: Two) -> None:
    two.other.artist.tracks.update(bpm_override=132.0)

    def bpm(**query: Any) -> float:
        told = two.me.api.get("/api/brief/", {"engine": "mosaic"} | query).json()
        return float(told["brief"]["bpm"])

    alone = bpm()
    assert alone == 120.0
    steps = [bpm(blend=two.blend.pk, weight=weight) for weight in (0.25, 0.5, 0.75, 1.0)]
    assert alone < steps[0] < steps[1] < steps[2] < steps[3] == 132.0
    # Further apart than recordings can be bent, both together: the tempo of who weighs more.
    two.other.artist.tracks.update(bpm_override=165.0)
    assert (bpm(blend=two.blend.pk, weight=0.4), bpm(blend=two.blend.pk, weight=0.6)) == (120.0, 165.0)


def test_a_tempo_that_one_of_the_two_cannot_play_is_said_before_anything_is_made(two: Two) -> None:
    two.other.artist.tracks.update(bpm_override=132.0)

    def notes(**query: Any) -> list[str]:
        asked = {"engine": "mosaic", "blend": two.blend.pk, "weight": 0.5} | query
        told: list[str] = two.me.api.get("/api/brief/", asked).json()["notes"]
        return told

    assert notes() == notes(bpm=64) == []  # in reach of both, at its half too
    said = "At 100 BPM hardly any of your recordings can play: they lie around 120."
    assert notes(bpm=100) == [f"{said} At 126, which it is when you leave it open, both can."]
    assert "Cleo Collaborator’s recordings can play" in notes(bpm=100, weight=1.0)[0]
    two.other.artist.tracks.update(bpm_override=165.0)
    assert notes()[0].endswith("No tempo is within reach of both of you.")
    assert two.me.api.get("/api/brief/", {"engine": "mosaic"}).json()["notes"] == []


def test_the_page_asks_for_it_and_says_what_came(two: Two) -> None:
    page = two.me.page
    studio = page.get(f"/generate/?blend={two.blend.pk}").content.decode()
    assert re.search(rf'value="{two.blend.pk}" selected>Cleo Collaborator', studio)
    form = {"prompt": "techno", "engine": two.engine, "blend": two.blend.pk, "weight": "40", "bpm": "180"}
    assert page.post("/generate/", form).status_code == 302
    generation = Generation.objects.get()
    assert generation.brief["blend"] == {"id": two.blend.pk, "weight": 0.4}
    assert pipeline.run(generation.pk) == "ready"
    shown = re.sub(r"\s+", " ", page.get(generation.get_absolute_url()).content.decode())
    assert "Match to the blend" in shown and "40.0% of them" in shown
    again = page.get(f"/generate/?again={generation.pk}").content.decode()
    assert re.search(rf'value="{two.blend.pk}" selected', again) and 'value="40"' in again


def test_a_share_that_missed_is_said() -> None:
    said = {"share": 0.3, "weight": 0.5, "partner": "Cleo"}
    assert "30% of the bars are theirs" in blending.note(said)
    assert "none of the bars are theirs" in blending.note(said | {"share": 0.0})
    assert blending.note(said | {"share": 0.45}) == ""


def test_when_the_other_leaves_the_take_stays_and_verifies(two: Two) -> None:
    take = two.made()
    two.other.artist.user.delete()
    take = GeneratedTrack.objects.select_related("generation").get(pk=take.pk)
    assert take.generation.partner_snapshot is None and take.generation.blend is not None
    assert verification.verify_file(take.file("wav"), filename="take.wav").exit_code == 0
    page = two.me.page.get(take.generation.get_absolute_url())
    assert page.status_code == 200 and "has ended" in lifecycle.restorable(take)
    assert problem(
        two.me.api.post(
            f"/api/generations/{take.generation_id}/vary/",
            {"change": "regenerate"},
            content_type="application/json",
        ),
        400,
    )
