"""The studio, a generation and the history, as a browser without JavaScript uses them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog import observed
from catalog.models import Track
from catalog.observed import WorkerSeen
from generation.engines.mosaic import Mosaic
from generation.forms import StudioForm
from generation.models import GeneratedTrack, Generation
from generation.take_page import apart, tempo_held
from tests.people import Person, collaborator, owner, stranger
from tests.rows import catalog_of, generation_of, give_stems, ready_track, take_of

pytestmark = pytest.mark.django_db

STUDIO = "/generate/"
NOW = "/generate/now/"
PROMPT = "Dark dubstep with ethnic percussion, 140 BPM"


@pytest.fixture
def me() -> Person:
    """An artist with a catalog large enough to compose from."""
    person = owner()
    catalog_of(person.artist, 10)
    return person


# --- the form ---


@pytest.mark.parametrize(("written", "seconds"), [("90", 90.0), ("1:30", 90.0), ("0:45", 45.0), ("", None)])
def test_a_length_is_written_as_seconds_or_as_a_clock(written: str, seconds: float | None) -> None:
    form = StudioForm({"duration_seconds": written})
    assert form.is_valid(), form.errors
    assert form.wishes().duration_seconds == seconds


@pytest.mark.parametrize("written", ["1:70", "soon", "5", "10:00"])
def test_a_length_that_makes_no_sense_is_refused(written: str) -> None:
    assert "duration_seconds" in StudioForm({"duration_seconds": written}).errors


def test_an_empty_form_leaves_everything_to_the_prompt_and_the_catalog() -> None:
    form = StudioForm({"prompt": PROMPT})
    assert form.is_valid()
    wishes = form.wishes()
    assert (wishes.bpm, wishes.energy, wishes.key, wishes.genre, wishes.seed) == (
        None,
        None,
        None,
        None,
        None,
    )
    assert wishes.takes == 1


def test_bars_of_a_reference_count_from_one_on_the_page() -> None:
    form = StudioForm({"reference_1": "trk_a", "role_1": "drums", "from_1": "33", "to_1": "49"})
    assert form.is_valid()
    reference = form.wishes().references[0]
    assert (reference.role, reference.start_bar, reference.end_bar) == ("drums", 32, 49)


# --- the studio ---


@pytest.mark.parametrize("count", [0, 1, 9])
def test_a_small_catalog_is_told_its_count(count: int) -> None:
    person = owner()
    catalog_of(person.artist, count)
    page = person.page.get(STUDIO).content.decode()
    assert f"{count} of 10 tracks" in page
    assert "disabled>Generate with Provenance" in page
    answer = person.page.post(STUDIO, {"prompt": PROMPT})
    assert answer.status_code == 422
    assert f"; {count} {'is' if count == 1 else 'are'} ready" in answer.content.decode()
    assert not Generation.objects.exists()


def test_the_studio_states_the_catalog_and_what_the_prompt_is_read_as(me: Person) -> None:
    page = me.page.get(STUDIO, {"prompt": PROMPT}).content.decode()
    assert "10 tracks analyzed" in page
    for word in ("140 BPM", "half-time", "dark", "hand percussion", "Dubstep"):
        assert f"<em>{word}</em>" in page
    assert "reference/demo quality" in page
    assert "The certificate is public; the prompt and the title stay private until you open them." in page


def test_engines_that_are_not_set_up_wait_behind_one_line_with_the_command_for_each(
    me: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("STARFORGE_MODELS", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    ready, elsewhere = me.page.get(STUDIO).content.decode().split('<details class="more"><summary>4 more')
    assert 'value="mosaic"' in ready and 'value="musicgen"' not in ready
    assert '<code class="mono">manage.py fetch_model musicgen-small</code>' in elsewhere
    assert "4 more" in me.page.get(STUDIO, {"engine": "mosaic"}).content.decode()
    assert (
        '<details class="more" open><summary>4 more'
        in me.page.get(STUDIO, {"engine": "musicgen"}).content.decode()
    )


def test_a_plain_form_queues_one_generation_however_often_it_is_sent(me: Person) -> None:
    data = {"prompt": PROMPT, "energy": "0.8", "takes": "2", "engine": "mosaic", "request_key": "once"}
    first, second = me.page.post(STUDIO, data), me.page.post(STUDIO, data)
    made = Generation.objects.get()
    assert first.status_code == second.status_code == 302
    assert first.headers["Location"] == second.headers["Location"] == made.get_absolute_url()
    assert made.brief["bpm"] == 140
    assert made.brief["energy"] == 0.8
    assert made.brief["evidence"]["energy"] == "asked"
    assert made.brief["takes"] == 2


def test_a_script_of_the_page_gets_the_address_and_a_fresh_key(me: Person) -> None:
    answer = me.page.post(
        STUDIO, {"prompt": PROMPT, "request_key": "k"}, headers={"accept": "application/json"}
    )
    assert answer.status_code == 201
    assert answer.json()["url"] == Generation.objects.get().get_absolute_url()
    assert answer.json()["request_key"] != "k"


def test_each_wrong_field_says_what_it_may_be(me: Person) -> None:
    data = {"prompt": PROMPT, "bpm": "900", "key": "Q minor", "seed": "x" * 300}
    answer = me.page.post(STUDIO, data, headers={"accept": "application/json"})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"bpm", "key", "seed"}
    assert me.page.post(STUDIO, data).status_code == 422
    assert not Generation.objects.exists()


def test_a_track_of_somebody_else_is_no_reference(me: Person) -> None:
    foreign = ready_track(collaborator().artist, "Foreign")
    answer = me.page.post(STUDIO, {"prompt": PROMPT, "reference_1": foreign.pk})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "Choose from your catalog" in page
    assert "Foreign" not in page


def test_earlier_settings_can_be_used_again(me: Person) -> None:
    before = generation_of(
        me.artist,
        params={"prompt": "Slow and warm", "bpm": 88.0, "takes": 3, "reference_tracks": []},
    )
    page = me.page.get(STUDIO, {"again": before.pk}).content.decode()
    assert "Slow and warm" in page
    assert 'value="88.0"' in page
    assert collaborator().page.get(STUDIO, {"again": before.pk}).status_code == 404


def test_the_seed_of_one_take_is_locked_from_its_page(me: Person) -> None:
    take = take_of(me.artist, seed="4242", number=2)
    address = f"{STUDIO}?again={take.generation_id}&amp;take=2"
    assert f'href="{address}"' in me.page.get(take.generation.get_absolute_url()).content.decode()
    form = me.page.get(address.replace("&amp;", "&")).context["form"]
    assert (form["seed"].value(), form["takes"].value()) == ("4242", 1)
    whole = me.page.get(STUDIO, {"again": take.generation_id}).context["form"]
    assert whole["seed"].value() == "7"
    assert me.page.get(STUDIO, {"again": take.generation_id, "take": "9"}).status_code == 404


def test_a_locked_seed_stays_away_from_what_it_stayed_away_from_before(me: Person) -> None:
    track = Track.objects.of(me.artist).earliest("created_at")
    take_of(me.artist, built_from=[{"bar": 0, "layer": "drums", "track_id": track.pk, "source_bar": 4}])
    me.page.post(STUDIO, {"prompt": PROMPT})
    free = Generation.objects.latest("created_at")
    assert free.brief["avoid"] == [[track.pk, 4]]
    for seed, avoid in ((free.brief["seed"], [[track.pk, 4]]), ("11", [])):
        me.page.post(STUDIO, {"prompt": PROMPT, "seed": seed})
        again = Generation.objects.latest("created_at")
        assert (again.brief["seed"], again.brief["avoid"]) == (seed, avoid)


# --- one generation ---


def test_a_waiting_generation_shows_its_place_and_can_be_cancelled(me: Person) -> None:
    generation_of(me.artist, title="Untitled 01")
    later = generation_of(me.artist, title="Untitled 02")
    page = me.page.get(later.get_absolute_url()).content.decode()
    assert "1 ahead in the queue" in page
    assert 'http-equiv="refresh"' in page
    me.page.post(reverse("generation:cancel", args=[later.pk]))
    later.refresh_from_db()
    assert later.status == Generation.CANCELLED
    assert "You stopped this" in me.page.get(later.get_absolute_url()).content.decode()


def test_a_request_says_that_no_worker_can_make_it_until_one_lives(
    me: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mosaic, "queue", "gpu", raising=False)
    waits = generation_of(me.artist)
    places = {STUDIO: "No worker that can run it is up", NOW: "No worker that can make this is running"}
    places[waits.get_absolute_url()] = "No worker that can make this is running"
    observed.beat("cpu")
    for address, words in places.items():
        assert words in me.page.get(address).content.decode()
    assert me.api.get(f"/api/generations/{waits.pk}/").json()["queue"]["served"] is False
    observed.beat("cpu", also=["gpu"])
    for address in places:
        assert "No worker" not in me.page.get(address).content.decode()
    assert me.api.get(f"/api/generations/{waits.pk}/").json()["queue"]["served"] is True
    WorkerSeen.objects.update(seen_at=timezone.now() - 2 * observed.ALIVE)
    assert "No worker that can make this" in me.page.get(NOW).content.decode()


def test_a_failed_generation_says_why_and_can_be_tried_again(me: Person) -> None:
    made = generation_of(me.artist, status=Generation.FAILED, error="The catalog has no bar at this tempo.")
    assert "The catalog has no bar at this tempo." in me.page.get(made.get_absolute_url()).content.decode()
    me.page.post(reverse("generation:retry", args=[made.pk]))
    made.refresh_from_db()
    assert made.status == Generation.QUEUED


def test_a_take_is_shown_with_all_that_is_known_of_it(me: Person) -> None:
    source = Track.objects.of(me.artist).first()
    assert source is not None
    take = take_of(
        me.artist,
        closest_tracks=[{"id": source.pk, "title": source.title, "similarity": 0.913}],
        novelty={
            "sources": 1,
            "bars_by_source": [{"id": source.pk, "title": source.title, "bars": 12}],
            "longest_passage": {"id": source.pk, "title": source.title, "seconds": 3.2},
            "sentence": "No copy found.",
        },
        sections=[{"name": "drop", "first_bar": 0, "bars": 4, "start": 0.0, "end": 8.0}],
    )
    page = me.page.get(take.generation.get_absolute_url()).content.decode()
    for words in (
        "87.0%",
        "91.3%",
        "Listen",
        "140.0",
        "No copy found.",
        "12",
        "Download",
        "WAV",
        "FLAC",
        "MP3",
    ):
        assert words in page
    assert f"{reverse('api-generated-track-audio', args=[take.pk])}?format=preview" in page


def test_a_take_with_stems_offers_them_to_hear_and_everything_to_download(me: Person) -> None:
    take = take_of(me.artist)
    made = take.generation
    without = me.page.get(made.get_absolute_url()).content.decode()
    assert "/midi/" in without and "/dawproject/" not in without and "Stems" not in without
    give_stems(take)
    page = me.page.get(made.get_absolute_url()).content.decode()
    start = f"/api/generated-tracks/{take.pk}"
    for name in ("drums", "bass"):
        assert f'data-sound="{start}/stems/{name}/"' in page
    for what in ("stems/?format=zip", "midi/", "dawproject/", "reaper/"):
        assert f'href="{start}/{what}"' in page
        # the page's own session may fetch what the page offers
        assert me.page.get(f"{start}/{what}").status_code == 200


def test_every_bar_is_drawn_and_said_in_words(me: Person) -> None:
    source = Track.objects.of(me.artist).first()
    assert source is not None
    cut = {"layer": "drums", "track_id": source.pk, "stretch": 1.031, "shift": 0, "source_bar": 8}
    built = [
        cut | {"bar": 0, "source_start": 63.24, "source_end": 64.95},
        cut | {"bar": 1, "source_start": 64.95, "source_end": 66.66},
        cut | {"bar": 1, "layer": "bass", "track_id": "trk_gone", "source_start": 9.0, "source_end": 11.0},
    ]
    novelty = {"sources": 2, "bars_by_source": [{"id": "trk_gone", "title": "Lost tape", "bars": 1}]}
    page = me.page.get(
        take_of(me.artist, built_from=built, novelty=novelty).get_absolute_url()
    ).content.decode()
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert f"1 {source.title} 2 bars" in text
    assert "2 Lost tape deleted since 1 bar" in text
    assert "1–2 Drums 1 1:03.2 3.1% faster as it is" in text
    assert "2 Bass 2 0:09.0 3.1% faster as it is" in text
    assert "Bars 1 to 2: which recording plays in each layer" in text


def test_the_best_take_stands_first(me: Person) -> None:
    made = generation_of(me.artist, status=Generation.READY)
    take_of(me.artist, generation=made, number=1, similarity_score=0.7)
    take_of(me.artist, generation=made, number=2, similarity_score=0.9)
    page = me.page.get(made.get_absolute_url()).content.decode()
    assert page.index('id="take-2"') < page.index('id="take-1"')


def test_what_was_not_as_asked_is_said() -> None:
    assert apart({"bpm": 140.0, "key": "F minor"}, {"bpm": 140.4, "key": "F minor"}) == {}
    said = apart({"bpm": 140.0, "key": "F minor"}, {"bpm": 143.0, "key": "C minor"})
    assert said == {"bpm": "2.1% faster than asked", "key": "not as asked, but it mixes"}
    assert apart({"key": "F minor"}, {"key": "B major"}) == {"key": "not as asked"}
    assert apart({"bpm": 140.0}, {"bpm": None, "key": None}) == {}


@pytest.mark.parametrize(
    ("tempo", "off", "told"),
    [
        ({"in": "mix", "error": 0.0004}, None, "On the grid of its plan, read from the mix"),
        ({"in": "drums", "error": -0.0001}, None, "On the grid of its plan, read from its drums"),
        ({"in": "mix", "error": -0.002}, "0.20% slower than asked", ""),
        ({"unclear": "faint"}, None, "Its onsets do not tell to .05%; read freely"),
        (None, None, ""),
    ],
)
def test_a_tempo_held_against_its_plan_is_told_as_finely_as_it_was_read(
    tempo: dict[str, Any] | None, off: str | None, told: str
) -> None:
    found = {"bpm": 139.9, "tempo": tempo}
    assert apart({"bpm": 140.0}, found).get("bpm") == off
    assert tempo_held(found) == told


def test_adding_to_the_library_closes_the_loop_once(me: Person) -> None:
    take = take_of(me.artist)
    address = reverse("generation:to_library", args=[take.generation_id, take.number])
    for _ in range(2):
        me.page.post(address)
    added = Track.objects.of(me.artist).filter(origin=Track.Origin.GENERATED)
    assert added.count() == 1
    assert "In Your Library" in me.page.get(take.generation.get_absolute_url()).content.decode()


def test_two_presses_of_regenerate_on_one_page_make_one_variation(me: Person) -> None:
    made = take_of(me.artist).generation
    address = reverse("generation:vary", args=[made.pk])

    def press() -> str:
        page = me.page.get(made.get_absolute_url()).content.decode()
        found = re.search(r'value="([^"]+:regenerate:\d+)"', page)
        assert found
        return found[1]

    first = press()
    for _ in range(2):
        me.page.post(address, {"change": "regenerate", "request_key": first})
    assert made.variations.count() == 1
    me.page.post(address, {"change": "regenerate", "request_key": press()})
    assert made.variations.count() == 2


def test_regenerating_makes_a_variation_of_this_one(me: Person) -> None:
    made = take_of(me.artist).generation
    me.page.post(reverse("generation:vary", args=[made.pk]), {"change": "calmer"})
    child = Generation.objects.get(parent=made)
    assert child.brief["energy"] < made.brief["energy"]
    assert "a variation of" in me.page.get(child.get_absolute_url()).content.decode()


@pytest.mark.parametrize("name", ["generation", "cancel", "retry", "vary", "to_library"])
def test_a_generation_of_somebody_else_is_not_there(me: Person, name: str) -> None:
    take = take_of(me.artist)
    arguments: list[Any] = [take.generation_id] + ([take.number] if name == "to_library" else [])
    address = reverse(f"generation:{name}", args=arguments)
    other = collaborator().page
    assert (other.get if name == "generation" else other.post)(address).status_code == 404
    assert stranger().get(address).status_code == 302


# --- history ---


def test_requests_are_searched_and_filtered(me: Person) -> None:
    generation_of(me.artist, title="Untitled 01", prompt="dark and heavy", status=Generation.READY)
    generation_of(me.artist, title="Untitled 02", prompt="warm pads", status=Generation.FAILED)

    def found(**query: str) -> list[str]:
        return [one.title for one in me.page.get("/history/requests/", query).context["page"]]

    assert found() == ["Untitled 02", "Untitled 01"]
    assert found(q="warm") == ["Untitled 02"]
    assert found(state="ready") == ["Untitled 01"]
    assert found(q="nothing") == []


def test_an_empty_history_says_what_will_be_here() -> None:
    client = owner().page
    for address in ("/history/", "/history/requests/"):
        assert "Nothing made yet" in client.get(address).content.decode()


def test_pages_ask_the_database_as_often_for_many_takes_as_for_few(me: Person) -> None:
    client = me.page

    def queries(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as caught:
            assert client.get(address).status_code == 200
        return len(caught)

    def take(number: int, **fields: Any) -> GeneratedTrack:
        return take_of(
            me.artist, number=number, library_track=ready_track(me.artist, f"Take {number}"), **fields
        )

    first = take(1).generation
    few = {address: queries(address) for address in ("/history/requests/", first.get_absolute_url())}
    for number in range(2, 5):
        take(number, generation=first)
    for _ in range(6):
        take_of(me.artist)
    assert {address: queries(address) for address in few} == few
