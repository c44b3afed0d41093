"""No list asks the database more often because there is more in it. Every route without an id is tried."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from catalog.accounts import issue_token
from catalog.models import Artist, DuplicatePair, Import, Playlist, Track
from generation import blends
from generation.models import Adapter, EvolutionNote, Exhibit, Export, Generation, Share, TakeTag
from provenance.log import store
from tests.people import owner, person
from tests.rows import generation_of, ready_track, take_of

FEW, MANY = 3, 8
# They answer with a file, leave the session behind, or are slow and list nothing that anybody has.
NOT_ASKED = (
    "/account/logout/",
    "/admin/logout/",
    "/admin/jsi18n/",
    "/api/docs/",
    "/api/schema/",
    "/metrics",
)


def addresses(patterns: Any, prefix: str = "/") -> Iterator[str]:
    """Every address of the URL conf that has no id in it, the admin's lists among them."""
    for one in patterns:
        piece = str(one.pattern)
        if "<" in piece or "(" in piece:
            continue
        if isinstance(one, URLResolver):
            yield from addresses(one.url_patterns, prefix + piece)
        elif isinstance(one, URLPattern):
            yield prefix + piece.removesuffix("$").removesuffix("\\Z").removeprefix("^")


def add_rows(artist: Artist, first: int, last: int) -> None:
    """One more of everything that is listed somewhere, for each number."""
    for number in range(first, last):
        track = ready_track(artist, f"Loop {number}", seed=number)
        other = Track.objects.create(artist=artist, title=f"Waits {number}")
        Track.objects.create(artist=artist, title=f"Failed {number}", status=Track.FAILED, error="x")
        DuplicatePair.objects.create(artist=artist, first=track, second=other, kind=DuplicatePair.Kind.NAME)
        Import.objects.create(
            artist=artist, source=Import.Source.CSV, filename="list.csv", status=Import.READY
        )
        Playlist.objects.create(artist=artist, name=f"List {number}", source=Import.Source.CSV)
        before = Generation.objects.filter(artist=artist, status=Generation.READY).first()
        made = generation_of(artist, status=Generation.READY, parent=before, request_key=str(number))
        take = take_of(artist, generation=made)
        generation_of(artist)
        generation_of(artist, status=Generation.FAILED, error="x")
        TakeTag.objects.create(take=take, name=f"tag {number}")
        Share.objects.create(take=take, expires_at="2999-01-01T00:00:00Z")
        Exhibit.objects.create(take=take, state=Exhibit.State.PROMOTED, curated_at=take.created_at)
        EvolutionNote.objects.create(artist=artist, on=date(2026, 1, 1), text=f"Note {number}")
        Adapter.objects.create(artist=artist, name=f"Adapter {number}", base="musicgen-small")
        Export.objects.create(artist=artist)
        issue_token(artist, name=f"Token {number}")
        blended(artist, number)
        store.append(f"entry {number}".encode())


def blended(artist: Artist, number: int) -> None:
    """Somebody this artist blends with, a take they made, an invitation each way and one by link."""
    other = person(f"partner{number}", name=f"Partner {number}").artist
    blend = blends.accept(blends.invite(artist, other.user.get_username()), other)
    told = {
        "partner": artist.name,
        "weight": 0.5,
        "share": 0.5,
        "match": {"own": 0.5, "partner": 0.5, "blend": 0.5},
    }
    take = take_of(other, blend=told | {"id": blend.pk})
    Generation.objects.filter(pk=take.generation_id).update(blend=blend)
    blends.invite(person(f"asks{number}", name=f"Asks {number}").artist, artist.user.get_username())
    blends.invite(artist, f"nobody{number}")
    blends.invite(artist)


def asked(client: Client, address: str, hoped: int | None = None) -> int | None:
    """How many queries the page takes once it is warm; None where a GET has no page.

    hoped: when the first try takes as many, it was warm, and there is no second.
    """
    with CaptureQueriesContext(connection) as seen:
        if client.get(address).status_code != 200:
            return None
    if len(seen) == hoped:
        return hoped
    with CaptureQueriesContext(connection) as seen:
        client.get(address)
    return len(seen)


@pytest.mark.django_db
def test_no_list_asks_more_often_for_more_rows() -> None:
    me = owner()
    user = me.artist.user
    user.is_staff = user.is_superuser = True
    user.save()
    assert get_user_model().objects.get().is_superuser
    client, everything = (
        me.page,
        [one for one in addresses(get_resolver().url_patterns) if one not in NOT_ASKED],
    )
    add_rows(me.artist, 0, FEW)
    lists = {address: count for address in everything if (count := asked(client, address)) is not None}
    add_rows(me.artist, FEW, MANY)
    grown = {
        address: (few, many) for address, few in lists.items() if (many := asked(client, address, few)) != few
    }
    assert grown == {}
    # It would be silent too if it looked nowhere.
    expected = {
        "/catalog/",
        "/history/",
        "/api/tracks/",
        "/api/generated-tracks/",
        "/log/",
        "/gallery/",
        "/collaborate/",
    }
    assert expected | {"/admin/generation/generation/", "/account/", "/admin/queues/"} <= set(lists)
