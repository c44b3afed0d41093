"""Settings kept under a name, and what a catalog itself suggests to start from."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from catalog.models import Artist
from generation import archive_parts, presets, starting
from generation.models import Preset
from generation.prompting import BadWishes, Wishes
from tests.catalog.test_api_problems import problem
from tests.people import Person, collaborator, owner, stranger
from tests.rows import catalog_of, ready_track

STUDIO, ALL, API = "/generate/", "/generate/presets/", "/api/presets/"
ASKED = {
    "prompt": "dark and slow",
    "bpm": "88",
    "key": "F minor",
    "takes": "2",
    "seed": "night",
    "temperature": "0.7",
}


@pytest.fixture
def me(db: None) -> Person:
    person = owner()
    catalog_of(person.artist, 2)
    return person


def kept(person: Person, name: str = "Night drive", **asked: Any) -> Preset:
    return presets.save(person.artist, name, replace(Wishes(prompt="dark"), **asked), "mosaic")


# --- on pages ---


def test_the_form_is_kept_under_a_name_and_filled_from_it(me: Person) -> None:
    track = ready_track(me.artist, "Pad")
    sent = {**ASKED, "reference_1": track.pk, "role_1": "harmony", "from_1": "2", "to_1": "3"}
    answer = me.page.post(ALL, {**sent, "preset_name": " Night   drive ", "save": "new"})
    made = Preset.objects.get(artist=me.artist)
    assert made.name == "Night drive" and answer.headers["Location"] == f"{STUDIO}?preset={made.pk}"
    page = me.page.get(STUDIO, {"preset": made.pk})
    form = page.context["form"]
    for name, value in {**sent, "bpm": 88.0, "takes": 2, "temperature": 0.7, "from_1": 2, "to_1": 3}.items():
        if name != "seed":
            assert form[name].value() == value, name
    again = me.page.post(ALL, {**sent, "seed": form["seed"].value(), "preset_name": "Twice"})
    assert again.status_code == 302
    assert Preset.objects.get(name="Twice").wishes == made.wishes
    listed = me.page.get(ALL).content.decode()
    assert "88 BPM · F minor · 2 takes · 1 reference · seed locked · Mosaic" in listed
    assert f'href="{STUDIO}?preset={made.pk}"' in me.page.get(STUDIO).content.decode()


def test_a_name_that_is_taken_is_said_and_can_be_replaced(me: Person) -> None:
    before = kept(me, bpm=120.0)
    sent = {**ASKED, "preset_name": before.name}
    refused = me.page.post(ALL, {**sent, "save": "new"})
    assert refused.status_code == 422 and "Replace it, or choose another name." in refused.content.decode()
    assert 'value="88"' in refused.content.decode()
    as_json = me.page.post(ALL, {**sent, "save": "new"}, headers={"accept": "application/json"})
    assert as_json.status_code == 409 and as_json.json()["taken"]
    assert me.page.post(ALL, {**sent, "save": "replace"}).status_code == 302
    assert Preset.objects.get().wishes["bpm"] == 88.0


def test_what_cannot_be_asked_is_not_kept(me: Person) -> None:
    foreign = ready_track(collaborator().artist, "Foreign")
    for wrong in ({"bpm": "900"}, {"reference_1": foreign.pk}, {"preset_name": "  "}, {"engine": "organ"}):
        assert me.page.post(ALL, {**ASKED, "preset_name": "Wrong", **wrong}).status_code == 422
    with pytest.raises(BadWishes):
        kept(me, key="Q minor")
    assert not Preset.objects.exists()


def test_one_is_renamed_and_deleted_by_its_owner_alone(me: Person) -> None:
    row, other = kept(me), collaborator()
    kept(me, "Second")
    address = f"{ALL}{row.pk}/"
    assert other.page.post(address, {"do": "delete"}).status_code == 404
    assert other.page.get(STUDIO, {"preset": row.pk}).status_code == 404
    assert stranger().get(ALL).status_code == 302
    assert "Night drive" not in other.page.get(ALL).content.decode()
    me.page.post(address, {"name": "Dawn"})
    assert "“Second” already" in me.page.post(address, {"name": "Second"}, follow=True).content.decode()
    row.refresh_from_db()
    assert row.name == "Dawn"
    me.page.post(address, {"do": "delete"})
    assert [one.name for one in presets.of(me.artist)] == ["Second"]


# --- by the API ---


def test_the_api_keeps_lists_renames_and_deletes(me: Person) -> None:
    sent = {"name": "Night", "prompt": "dark", "bpm": 88, "seed": 7, "reference_tracks": [], "genre": None}
    made = me.api.post(API, sent, content_type="application/json")
    assert made.status_code == 201, made.content
    row = made.json()
    assert row["settings"] == {
        "prompt": "dark",
        "bpm": 88.0,
        "seed": "7",
        "takes": 1,
        "temperature": 1.0,
        "strength": 1.0,
        "engine": "mosaic",
    }
    assert [one["id"] for one in me.api.get(API).json()] == [row["id"]]
    taken = me.api.post(API, sent, content_type="application/json")
    assert problem(taken, 409)["type"].endswith(":preset-name-taken")
    address = made.headers["Location"]
    assert me.api.patch(address, {"name": "Dusk"}, content_type="application/json").json()["name"] == "Dusk"
    assert me.api.get(address).json()["name"] == "Dusk"
    assert collaborator().api.get(API).json() == []
    assert me.api.delete(address).status_code == 204
    assert problem(me.api.get(address), 404)


def test_there_are_only_so_many(me: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets, "MOST", 1)
    kept(me)
    answer = me.api.post(API, {"name": "More"}, content_type="application/json")
    assert problem(answer, 409)["type"].endswith(":too-many-presets")


def test_they_are_in_the_export_and_go_with_the_account(me: Person) -> None:
    row, files = kept(me, bpm=90.0), {}

    class Packing:
        def text(self, name: str, data: bytes) -> None:
            files[name] = data

        def file(self, name: str, path: Any) -> None: ...

    kept(collaborator_with_tracks(), "Theirs")
    archive_parts.write(me.artist, Packing())
    (told,) = json.loads(files["presets.json"])
    assert (told["id"], told["name"], told["wishes"]["bpm"]) == (row.pk, "Night drive", 90.0)
    Artist.objects.get(pk=me.artist.pk).user.delete()
    assert [one.name for one in Preset.objects.all()] == ["Theirs"]


def collaborator_with_tracks() -> Person:
    person = collaborator()
    ready_track(person.artist)
    return person


# --- what the catalog suggests ---


def dna(**fields: Any) -> dict[str, Any]:
    return {
        "bpm_profile": {
            "median": 140.2,
            "p10": 120.0,
            "p90": 174.4,
            "n": 20,
            "centres": [{"bpm": 140, "count": 12, "half_time": 0}, {"bpm": 174, "count": 5, "half_time": 0}],
        },
        "energy_profile": {"p10": 0.31, "p50": 0.5, "p90": 0.822},
        "key_profile": {
            "n": 20,
            "leading": {"name": "F minor", "count": 9},
            "counts": [
                {"name": "Ab major", "count": 3},
                {"name": "C minor", "count": 2},
                {"name": "Bb minor", "count": 1},
            ],
        },
        "dominant_genres": ["Dubstep"],
    } | fields


def test_starting_points_are_the_catalogs_own_figures() -> None:
    found = {one.slug: one for one in starting.starting_points(dna())}
    asked = {slug: (one.wishes.bpm, one.wishes.energy, one.wishes.key) for slug, one in found.items()}
    assert asked == {
        "middle": (140.0, 0.5, "F minor"),
        "high": (174.0, 0.82, None),
        "low": (120.0, 0.31, None),
        "tempo": (174.0, None, None),
        "seldom": (140.0, 0.5, "Bb minor"),
    }
    assert found["middle"].wishes.genre == "Dubstep"
    assert found["tempo"].why == "5 of your 20 tracks gather around 174 BPM."
    assert found["seldom"].why == "Bb minor mixes with F minor, and 1 of your 20 tracks is in it."


def test_a_catalog_of_one_tempo_or_of_nothing_suggests_no_more_than_it_holds() -> None:
    even = dna(
        bpm_profile={
            "median": 140.0,
            "p10": 140.0,
            "p90": 140.0,
            "n": 3,
            "centres": [{"bpm": 140, "count": 3}],
        },
        energy_profile={"p10": 0.5, "p50": 0.5, "p90": 0.5},
        key_profile={},
    )
    assert [one.slug for one in starting.starting_points(even)] == ["middle"]
    assert starting.starting_points({}) == []
    assert starting.named("high", even) == Wishes()


def test_a_starting_point_fills_the_form_and_leaves_the_prompt(me: Person) -> None:
    form = me.page.get(STUDIO, {"start": "middle", "prompt": "with rain"}).context["form"]
    assert form["prompt"].value() == "with rain"
    assert form["bpm"].value() == pytest.approx(120.0, abs=1)
    assert me.page.get(STUDIO, {"start": "nonsense"}).status_code == 200
