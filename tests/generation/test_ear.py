"""Sounds heard against each other are as loud as the quietest of them, and know where their bars are."""

from __future__ import annotations

import re

import pytest

from generation import ear
from generation.ear import Heard, matched
from tests.people import Person, collaborator, owner
from tests.rows import ready_track, take_of


def test_all_are_turned_down_to_the_quietest_and_what_is_not_known_is_left() -> None:
    found = matched([Heard(-9.1), Heard(-14.0), Heard(None), Heard(-14.0)])
    assert [one.gain_db for one in found] == [-4.9, 0.0, 0.0, 0.0]
    assert [one.words for one in found[:3]] == [
        "−9.1 LUFS, 4.9 dB lower",
        "−14.0 LUFS, as it is",
        "loudness not known",
    ]
    assert matched([]) == []


@pytest.fixture
def me(db: None) -> Person:
    return owner()


def test_the_grid_of_a_recording_is_the_measured_one_unless_it_was_corrected(me: Person) -> None:
    track = ready_track(me.artist)
    foreign = ready_track(collaborator().artist, "Foreign")
    found = ear.with_grid(me.artist, [track.pk, foreign.pk])
    assert list(found) == [track.pk]
    heard, document = ear.of_track(found[track.pk]), track.analysis.document
    assert heard.bar == pytest.approx(4 * document["beat_period"]) == pytest.approx(2.0, abs=0.02)
    assert heard.first == pytest.approx(document["first_downbeat"])
    track.bpm_override = 60.0
    track.save()
    assert ear.of_track(ear.with_grid(me.artist, [track.pk])[track.pk]).bar is None


def test_a_takes_grid_is_its_engines_where_that_keeps_one(me: Person) -> None:
    assert (heard := ear.of_take(take_of(me.artist))).bar == pytest.approx(
        4 * 60 / 140
    ) and heard.first == 0.0
    assert ear.of_take(take_of(me.artist, engine="musicgen")).bar is None
    assert ear.of_take(take_of(me.artist, measured={})).lufs is None


def test_a_takes_page_says_what_each_is_turned_down_by(me: Person) -> None:
    track = ready_track(me.artist)
    near = [
        {"id": track.pk, "title": track.title, "similarity": 0.9},
        {"id": "trk_gone", "title": "Gone", "similarity": 0.8},
    ]
    take = take_of(me.artist, closest_tracks=near, measured={"lufs": track.analysis.lufs + 3})
    page = me.page.get(take.generation.get_absolute_url()).content.decode()
    assert "LUFS, 3.0 dB lower" in page and "LUFS, as it is" in page
    (section,) = re.findall(r"<section data-ear.*?</section>", page, re.S)
    assert re.findall(r'data-gain="([^"]+)"', section) == ["-3.00", "0.00"]
    assert section.count("data-play=") == 2


def test_compared_takes_are_matched_with_the_recordings_closest_to_them(me: Person) -> None:
    track = ready_track(me.artist)
    near = [{"id": track.pk, "title": track.title, "similarity": 0.9}]
    quiet = float(track.analysis.lufs)
    first = take_of(me.artist, closest_tracks=near, measured={"lufs": quiet + 1})
    second = take_of(
        me.artist, generation=first.generation, number=2, closest_tracks=[], measured={"lufs": quiet + 6}
    )
    page = me.page.get("/history/compare/", {"take": [first.pk, second.pk]}).content.decode()
    assert re.findall(r'data-gain="([^"]+)"', page) == ["-1.00", "-6.00", "0.00"]
    assert "Closest recording" in page and "6.0 dB lower" in page
