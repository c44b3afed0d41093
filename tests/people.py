"""Three people for tests about who may see what: the owner, a second artist, a stranger without account.

Owner and collaborator both have catalogs of their own; nothing of one may be seen by the other.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.test import Client

from catalog.accounts import create_artist, issue_token
from catalog.models import Artist

PASSWORD = "a-long-enough-phrase-42"


@dataclass(frozen=True)
class Person:
    """An artist with a token, and clients that are signed in as them."""

    artist: Artist
    key: str

    @property
    def page(self) -> Client:
        """A browser with their session cookie."""
        client = Client()
        client.force_login(self.artist.user)
        return client

    @property
    def api(self) -> Client:
        """A script with their token. Sends and enforces what a real one does: no cookie, CSRF checked."""
        return Client(enforce_csrf_checks=True, headers={"authorization": f"Token {self.key}"})


def person(username: str, *, name: str = "") -> Person:
    artist = create_artist(username=username, password=PASSWORD, name=name)
    _, key = issue_token(artist, name="tests")
    return Person(artist, key)


def owner() -> Person:
    return person("owner", name="Ossa Owner")


def collaborator() -> Person:
    return person("collaborator", name="Cleo Collaborator")


def stranger() -> Client:
    """Nobody: no session, no token."""
    return Client(enforce_csrf_checks=True)
