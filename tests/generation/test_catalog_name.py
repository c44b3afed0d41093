"""Certificates are public: they name a catalog, never a login."""

from __future__ import annotations

import re

import pytest

from catalog.accounts import catalog_id_of
from catalog.models import Artist
from tests.people import collaborator, owner

pytestmark = pytest.mark.django_db


def test_a_catalog_is_named_the_same_every_time_and_not_by_its_login() -> None:
    artist, other = owner().artist, collaborator().artist
    name = catalog_id_of(artist)
    assert re.fullmatch(r"catalog_[0-9a-f]{16}", name)
    assert catalog_id_of(Artist.objects.get(pk=artist.pk)) == name != catalog_id_of(other)
    assert artist.user.get_username() not in name
