"""The page of the DNA, from nothing to a collection without audio."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse

from catalog.models import Artist, Track
from tests.people import Person, owner
from tests.rows import catalog_of

pytestmark = pytest.mark.django_db


def read(person: Person) -> str:
    response = person.page.get(reverse("catalog:dna"))
    assert response.status_code == 200
    return response.content.decode()


def listed(artist: Artist, count: int) -> None:
    """A collection that moved from 124 to 140 BPM in 2025."""
    genres = ("dnb", "UKG", "Amapiano / Gqom", "2019", "")
    Track.objects.bulk_create(
        Track(
            artist=artist,
            title=f"Record {n}",
            status=Track.METADATA,
            origin=Track.Origin.REKORDBOX,
            imported_id=str(n),
            imported_bpm=(124.0 if n < count / 2 else 140.0) + n % 3,
            imported_key="Ab minor" if n % 2 else "E minor",
            imported={"genre": genres[n % len(genres)]},
            added_on=date(2024, 1, 1) + timedelta(days=730 * n // count),
        )
        for n in range(count)
    )


def pictures(page: str) -> list[str]:
    return re.findall(r"<svg[^>]*role=\"img\".*?</svg>", page, re.DOTALL)


def test_nothing_teaches_what_will_stand_here() -> None:
    page = read(owner())
    assert "Nothing to read yet" in page and "Your catalog is empty." in page
    assert not pictures(page)


@pytest.mark.parametrize("count", [1, 5])
def test_few_tracks_draw_what_they_can_and_say_how_little_it_is(count: int) -> None:
    person = owner()
    catalog_of(person.artist, count)
    page = read(person)
    assert f"Drawn from {count} track" in page
    assert ("Coherence needs at least two analyzed tracks." in page) == (count == 1)
    assert "Confidence" in page
    assert "Made and collected" not in page


def test_a_collection_without_audio_shows_what_tags_can_and_names_what_they_cannot() -> None:
    person = owner()
    listed(person.artist, 40)
    page = read(person)
    assert "0 of 40 tracks" in page and "Drawn from the tags of 40 tracks." in page
    assert "40 tracks as tagged. Confidence 100.0%." in page
    assert "Still to be heard" in page
    assert not any(f"<h2>{heading}</h2>" in page for heading in ("Sonic palette", "Energy", "Coherence"))
    assert "From the first quarter of 2025 on, your tempo moved from 125 to 141 BPM" in page
    assert "2019" not in re.findall(r"<div class=\"bar long\"><span>(.*?)</span>", page)
    assert "Drum and Bass" in page and "Townships of Pretoria and Johannesburg" in page
    assert "Simon Reynolds, Energy Flash (1998)" in page


def test_tags_and_measurements_stand_under_headings_of_their_own() -> None:
    person = owner()
    catalog_of(person.artist, 6)
    listed(person.artist, 10)
    page = read(person)
    measured = page[page.index("Measured patterns") : page.index("<h2>Genres</h2>")]
    assert "UK Bass" not in measured and "A pattern is not a genre" in measured
    assert "Made and collected" in page
    assert "6 of 16 tracks measured." in page


def test_every_picture_speaks_and_has_its_figures_in_words() -> None:
    person = owner()
    catalog_of(person.artist, 6)
    listed(person.artist, 40)
    page = read(person)
    drawn = pictures(page)
    assert len(drawn) >= 12
    assert all(re.search(r"<title>[^<]{8,}</title>", picture) for picture in drawn)
    figures = re.findall(r"<figure.*?</figure>", page, re.DOTALL)
    assert all("<table" in figure or "<figcaption" in figure for figure in figures)
    assert "style=" not in page and "<script>" not in page
