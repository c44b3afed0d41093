"""Other people's pages cannot act for an artist, and nothing here sends anybody on to another site."""

from __future__ import annotations

import itertools
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client, TransactionTestCase

from generation.routing import sockets
from starforge_site.asgi import application
from tests.belongings import SECRET, Belongings, belongings
from tests.people import PASSWORD, collaborator, owner
from tests.security.routes import UNSAFE, of_admin, routes
from tests.security.state import changed, state

ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:///evil.example",
    "http://localhost@evil.example/",
    "/%09/evil.example",
    "\t//evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
)
# These take no session into account: whoever calls them has to say who they are, or need not say it.
WITHOUT_SESSION = {"api/token/"}


def test_no_address_changes_anything_for_a_session_without_its_csrf_token(theirs: Belongings) -> None:
    browser = Client(enforce_csrf_checks=True, headers={"origin": "https://evil.example"})
    browser.force_login(theirs.person.artist.user)
    before, wrong, tried = state(), [], 0
    for route in routes():
        if route.is_admin or route.path in WITHOUT_SESSION:
            continue
        address = route.address(theirs.of(route.path) if route.placeholders else {})
        for method in UNSAFE:
            options: dict[str, Any] = (
                {"content_type": "application/json", "data": "{}"} if route.is_api else {}
            )
            status = getattr(browser, method)(address, **options).status_code
            tried += 1
            if status not in (403, 405):
                wrong.append(f"{method} {address} answers {status}")
    assert tried > 400
    assert wrong + changed(before, state()) == []


def test_the_admin_too(theirs: Belongings) -> None:
    user = theirs.person.artist.user
    user.is_staff = user.is_superuser = True
    user.save()
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    before, wrong = state(), []
    for route, model in of_admin():
        first = model._base_manager.first() if model else None
        address = route.address(dict.fromkeys(route.placeholders, str(first.pk) if first else "1"))
        status = browser.post(address, {"post": "yes"}).status_code
        # Sound and the page of dates only answer; what needs a form needs its token.
        if status not in (403, 405) and changed(before, state()):
            wrong.append(f"{address} answers {status}")
    assert wrong + changed(before, state()) == []


def leaves(answer: Any) -> str:
    """Where an answer leads outside this site; "" where it does not."""
    for name in ("Location", "X-Location", "Refresh"):
        place = answer.headers.get(name, "")
        parts = urlsplit(re.sub(r"[\t\r\n]", "", place).replace("\\", "/"))
        if parts.netloc not in ("", "testserver", "localhost") or parts.scheme not in ("", "http", "https"):
            return f"{name}: {place}"
        if place.startswith(("//", "/\\")):
            return f"{name}: {place}"
    return ""


def test_nobody_is_sent_to_another_site(theirs: Belongings) -> None:
    """Every address is asked to, in a form and in a question, by its owner and by nobody; each with another place."""
    mine, places, wrong = theirs.person.page, itertools.cycle(ELSEWHERE), []
    for route in routes():
        if route.is_api or route.is_admin or route.path in ("account/delete/", "account/logout/"):
            continue
        address = route.address(theirs.of(route.path) if route.placeholders else {})
        for client, method in itertools.product((mine, Client()), ("get", "post")):
            place = next(places)
            said = dict.fromkeys(("next", "url", "return", "back"), place)
            headers = {"referer": place, "x-forwarded-host": "evil.example"}
            if client is mine:
                headers["x-shell"] = "1"
            options: dict[str, Any] = {"query_params": said} if method == "post" else {}
            answer = getattr(client, method)(address, said, headers=headers, **options)
            if found := leaves(answer):
                wrong.append(f"{method} {address} leads to {found}")
    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("place", ELSEWHERE)
def test_signing_in_does_not_lead_away(place: str) -> None:
    owner()
    form = {"username": "owner", "password": PASSWORD, "next": place}
    for path in ("/account/login/", "/admin/login/"):
        answer = Client().post(path, form, query_params={"next": place})
        assert answer.status_code == 302
        assert leaves(answer) == ""


class SocketTests(TransactionTestCase):
    """Every socket of the routing, tried by everybody it is not for."""

    def setUp(self) -> None:
        self.theirs = belongings(owner())
        self.cookies = {
            "nobody": "",
            "another artist": collaborator().page.cookies["sessionid"].value,
            "the owner": self.theirs.person.page.cookies["sessionid"].value,
        }

    def path(self, pattern: Any) -> str:
        route = str(pattern.pattern)
        values = self.theirs.of(route) if "<" in route else {}
        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values[found[1]], route)

    async def opened(self, path: str, who: str, origin: bytes = b"http://localhost") -> list[str]:
        """What a socket says in the first moment; raises ConnectionRefusedError where it does not open."""
        headers = [(b"origin", origin), (b"host", b"localhost")]
        headers.append((b"cookie", f"sessionid={self.cookies[who]}".encode()))
        socket = WebsocketCommunicator(application, path, headers=headers)
        accepted, _ = await socket.connect(timeout=10)
        if not accepted:
            raise ConnectionRefusedError
        said = []
        while not await socket.receive_nothing(timeout=0.1):
            said.append(str(await socket.receive_from()))
        await socket.disconnect()
        return said

    async def test_a_socket_opens_for_its_owner_on_this_site_and_tells_nobody_else(self) -> None:
        assert len(sockets) >= 3
        for pattern in sockets:
            path = self.path(pattern)
            await self.opened(path, "the owner")
            refused = [("nobody", b"http://localhost"), ("the owner", b"https://evil.example")]
            if "<" in str(pattern.pattern):
                refused.append(("another artist", b"http://localhost"))
            else:
                said = await self.opened(path, "another artist")
                assert SECRET not in "".join(said)
                assert not any(one in "".join(said) for one in self.theirs.ids if len(one) > 8)
            for who, origin in refused:
                with pytest.raises(ConnectionRefusedError):
                    await self.opened(path, who, origin)
