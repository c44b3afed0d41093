"""Whoever it is: what belongs to somebody else is not found, not told and not changed, at any address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpResponseBase
from django.test import Client

from tests.belongings import SECRET, Belongings
from tests.people import collaborator, stranger
from tests.security.routes import METHODS, Route, of_admin, with_ids, without_ids
from tests.security.state import changed, state

ROOT = Path(__file__).resolve().parents[2]
NOTHING = {
    "pk": "nothing_0000000000000000",
    "key": "n" * 32,
    "track": "trk_0",
    "number": "9",
    "name": "drums",
}
NUMERIC = {"pk": "987654321", "number": "9"}


def clients() -> dict[str, Client]:
    """Everybody it does not belong to. The page client is not asked for its CSRF token, to get as far as it can."""
    other = collaborator()
    other.api.get("/api/usage/")  # that a token is used for the first time is written down
    return {"another artist": other.page, "another artist's token": other.api, "nobody": stranger()}


def body(answer: HttpResponseBase) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined,arg-type]


def ask(client: Client, method: str, address: str) -> tuple[int, str, bytes]:
    """(status, where it leads, body), with the address itself taken out: it may be repeated, and differs."""
    options: dict[str, Any] = {}
    if method in ("put", "patch") or (method in ("post", "delete") and address.startswith("/api/")):
        options = {"data": "{}", "content_type": "application/json"}
    answer = getattr(client, method)(address, **options)
    leads = answer.headers.get("Location", "").replace(address, "HERE")
    # The token of a form and the number of a request are others each time.
    told = re.sub(rb'value="\w{64}"|req_[0-9a-z]{16}', b"", body(answer))
    return answer.status_code, leads, told.replace(address.encode(), b"HERE")


def refused(status: int, leads: str) -> bool:
    return status in (401, 403, 404, 405) or (status == 302 and leads.startswith("/account/login/?next=HERE"))


def nothing_at(route: Route) -> str:
    """The same address for something that does not exist."""
    number = {f"<int:{name}>": value for name, value in NUMERIC.items()}
    path = re.sub(r"<int:\w+>", lambda found: number[found[0]], route.path)
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: NOTHING[found[1]], path)


def test_something_is_tried() -> None:
    assert len(with_ids()) > 70
    assert len(without_ids()) > 50
    assert len(of_admin()) > 100


@pytest.mark.parametrize("who", ["another artist", "another artist's token", "nobody"])
def test_what_is_somebody_elses_is_as_if_it_were_not_there(theirs: Belongings, who: str) -> None:
    client, before, wrong = clients()[who], state(), []
    for route in with_ids():
        here = route.address(theirs.of(route.path))
        for method in METHODS:
            status, leads, told = ask(client, method, here)
            if SECRET.encode() in told and not route.path.startswith("shared/"):  # whoever has the link may
                wrong.append(f"{method} {here} tells what is private")
            if route.is_public and method in ("get", "head", "options"):
                continue
            if not refused(status, leads):
                wrong.append(f"{method} {here} answers {status}")
            elif not route.is_public and (status, leads, told) != ask(client, method, nothing_at(route)):
                wrong.append(f"{method} {here} differs from what is not there")
        if difference := changed(before, state()):
            wrong.append(f"{here} was asked and {'; '.join(difference)}")
            before = state()
    assert wrong[:5] == []


def parameters() -> list[str]:
    """Every name that a form or an address is read by, and every field of the pages' forms."""
    read = re.compile(r"""(?:POST|GET|query_params|data)(?:\.get|\.getlist)?[(\[]\s*["'](\w+)["']""")
    written = re.compile(r"""\sname="(\w+)\"""")
    found: set[str] = set()
    for app in ("catalog", "provenance", "generation"):
        for path in (ROOT / app).rglob("*.py"):
            found.update(read.findall(path.read_text()))
    for path in (ROOT / "templates").rglob("*.html"):
        found.update(written.findall(path.read_text()))
    return sorted(found - {"csrfmiddlewaretoken", "username", "password"})


def bodies(theirs: Belongings) -> Iterator[dict[str, Any]]:
    """Everything that may be said, with the ids of tracks, of requests, of takes; then with all of them at once."""
    names = parameters()
    assert {"next", "ids", "reference_tracks"} & set(names) and len(names) > 40
    for start in ("api/tracks/", "api/generations/", "api/generated-tracks/"):
        yield dict.fromkeys(names, theirs.values[start]["pk"])
    yield dict.fromkeys(names, theirs.ids)


@pytest.mark.parametrize("who", ["another artist", "nobody"])
def test_ids_in_forms_and_questions_lead_to_nothing_of_others(theirs: Belongings, who: str) -> None:
    before, wrong = state(), []
    client = clients()[who]
    addresses = [route.address({}) for route in without_ids() if not route.path.startswith("account/log")]
    for said in bodies(theirs):
        for address in addresses:
            for method in ("get", "post"):
                options: dict[str, Any] = {"data": said}
                if method == "post" and address.startswith("/api/"):
                    options["content_type"] = "application/json"
                answer = getattr(client, method)(address, **options)
                if SECRET.encode() in body(answer):
                    wrong.append(f"{method} {address} {said} tells what is private")
                if answer.status_code >= 500 and address != "/readyz":  # no worker is there
                    wrong.append(f"{method} {address} {said} answers {answer.status_code}")
    assert wrong + changed(before, state(), new_rows=True) == []


def test_the_admin_is_closed_to_everybody_but_staff(theirs: Belongings) -> None:
    open_to_all = {"admin/login/", "admin/logout/"}  # the latter would end what the others are asked as
    who, before, wrong = clients(), state(), []
    for route, model in of_admin():
        first = model._base_manager.first() if model else None
        values = dict.fromkeys(route.placeholders, str(first.pk) if first else "1")
        here = route.address(values)
        if route.path in open_to_all:
            continue
        for name in ("another artist", "nobody"):
            for method in ("get", "post"):
                answer = getattr(who[name], method)(here)
                leads = answer.headers.get("Location", "")
                sent_away = answer.status_code == 302 and leads.startswith("/admin/login/?next=/admin/")
                if (
                    not sent_away and answer.status_code != 403
                ):  # nobody's form is refused before it is looked at
                    wrong.append(f"{method} {here} answers {name} {answer.status_code} {leads}")
                if SECRET.encode() in body(answer):
                    wrong.append(f"{method} {here} tells {name} what is private")
    assert wrong + changed(before, state()) == []
