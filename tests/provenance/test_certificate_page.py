"""The certificate's page: its QR code, the card it is shared with, the states it can be in, and an id nobody has."""

from __future__ import annotations

import io
import re

import pytest
from django.core.cache import caches
from django.test import Client
from django.utils.html import escape
from PIL import Image

from provenance import card, certificate_views, codes, events, opening
from provenance.verification import verify_certificate

pytestmark = pytest.mark.django_db(transaction=True)

CARD = card.Card(
    heading="“Untitled 03”",
    artist="Ossa Owner",
    sentence="“Untitled 03” was composed on 7 February 2026.",
    state="Signed and publicly logged",
    mark="good",
    fingerprint=f"sha256 {'5d0a' * 16}",
    peaks=tuple(range(128)),
)


def page_of(certificate, client=None, **headers):
    answer = (client or Client()).get(certificate.get_absolute_url(), headers=headers)
    return answer.content.decode()


def shared(page, name):
    """What a page says of itself to those who show its address."""
    found = re.search(rf'<meta (?:property|name)="{name}" content="([^"]*)">', page)
    assert found is not None, name
    return found[1]


def picture(certificate):
    answer = Client().get(f"{certificate.get_absolute_url()}card.png")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"
    return answer


def test_the_code_holds_the_public_address(certify, files, settings):
    made = certify({"mp3": files["mp3"]})
    assert codes.qr(f"http://testserver{made.get_absolute_url()}") in page_of(made)
    settings.STARFORGE_PUBLIC_URL = "https://stamps.example.org"
    page = page_of(made)
    address = f"https://stamps.example.org{made.get_absolute_url()}"
    assert codes.qr(address) in page
    assert shared(page, "og:url") == address
    assert f'<link rel="canonical" href="{address}">' in page
    assert shared(page, "og:image").startswith(f"{address}card.png?")


def test_a_code_is_dark_on_light_with_a_quiet_zone_and_needs_no_style():
    drawn = codes.qr("https://stamps.example.org/certificates/cert_0000000000000000/")
    assert "style=" not in drawn
    size = int(re.search(r'viewBox="0 0 (\d+) \1"', drawn)[1])
    assert (size - 2 * codes.QUIET_ZONE - 17) % 4 == 0  # a version of the standard: 21, 25, 29 … modules
    assert drawn.index(codes.LIGHT.lower()) < drawn.index(codes.DARK.lower())
    assert "&lt;b&gt;" in codes.qr("https://x/<b>")


def test_a_shared_address_comes_with_a_picture_of_the_size_it_states(certify, files):
    made = certify({"mp3": files["mp3"]}, title="Night <bus>")
    page = page_of(made)
    assert shared(page, "og:title") == "Night &lt;bus&gt;, certificate of provenance"
    assert "from 127 recordings of Ossa Owner" in shared(page, "og:description")
    assert shared(page, "twitter:card") == "summary_large_image"
    image = Image.open(
        io.BytesIO(Client().get(shared(page, "og:image").removeprefix("http://testserver")).content)
    )
    assert image.size == (1200, 630)
    assert (int(shared(page, "og:image:width")), int(shared(page, "og:image:height"))) == image.size


def test_a_card_is_drawn_once_for_what_it_says(certify, files):
    made = certify({"mp3": files["mp3"]})
    first = picture(made)
    again = Client().get(f"{made.get_absolute_url()}card.png", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    wanted, kept = certificate_views.card_of(made, verify_certificate(made.pk)), caches["pictures"]
    assert kept.get(wanted.digest) == first.content
    kept.set(wanted.digest, b"kept")
    assert picture(made).content == b"kept"
    kept.delete(wanted.digest)
    assert picture(made).content == first.content  # drawn anew, and the same to the byte
    events.revoke_certificate(made, "A sample was not mine")
    after = picture(made)
    assert after["ETag"] != first["ETag"]
    assert after.content != first.content


def test_a_private_title_is_on_no_card_until_it_is_opened(certify, files, artist):
    hidden = certify(
        {"mp3": files["mp3"]}, title="Secret name", private={"title": "Secret name", "prompt": "x"}
    )
    before = picture(hidden)
    owner = Client()
    owner.force_login(artist.user)
    for client in (Client(), owner):
        page = page_of(hidden, client)
        assert shared(page, "og:title") == "A recording, certificate of provenance"
        assert "Secret name" not in page.partition("</head>")[0]
    assert owner.get(f"{hidden.get_absolute_url()}card.png").content == before.content
    opening.open_to_anyone(hidden, ["title"])
    assert shared(page_of(hidden), "og:title") == "Secret name, certificate of provenance"
    assert picture(hidden).content != before.content
    opening.close_again(hidden, ["title"])
    assert picture(hidden).content == before.content


def test_what_a_card_says_is_what_it_is_named_by():
    other = card.Card(**{**CARD.__dict__, "state": "Revoked"})
    assert CARD.digest == card.Card(**CARD.__dict__).digest
    assert CARD.digest != other.digest
    assert card.png(CARD) == card.png(CARD)


def test_the_waveform_on_a_card_is_this_recordings():
    def columns(peaks):
        image = Image.open(io.BytesIO(card.png(card.Card(**{**CARD.__dict__, "peaks": peaks}))))
        strip = image.crop((card.MARGIN, card.WAVE_TOP, 1200 - card.MARGIN, card.WAVE_TOP + card.WAVE_HEIGHT))
        return [sum(one > 128 for one in strip.convert("L").crop((x, 0, x + 1, strip.height)).tobytes())
                for x in range(strip.width)]  # fmt: skip

    rising = columns(tuple(range(128)))
    middle = len(rising) // 2
    assert sum(rising[:middle]) < sum(rising[middle:]) / 2
    falling = columns(tuple(reversed(range(128))))
    assert sum(falling[middle:]) < sum(falling[:middle]) / 2


@pytest.mark.parametrize(
    ("text", "can"),
    [
        ("Untitled 03", True),
        ("Łódź, “ñandú” – Þórr", True),
        ("東京", False),
        ("Ночь", False),
        ("one 🎵", False),
    ],
)
def test_a_card_knows_the_letters_it_can_draw(text, can):
    assert card.drawable(text) is can


def test_letters_the_typefaces_lack_are_left_out_of_the_picture_but_not_of_the_page(certify, files):
    made = certify({"mp3": files["mp3"]}, title="夜のバス", artist_name="東京")
    page = page_of(made)
    assert shared(page, "og:title") == "夜のバス, certificate of provenance"
    assert shared(page, "og:image:alt") == (
        "Signed and publicly logged. This recording was composed on 7 February 2026 by Mosaic 1.0 from 127"
        " recordings of the artist."
    )
    assert picture(made).content


@pytest.mark.parametrize("length", [1, 60, 400])
def test_no_heading_and_no_sentence_leaves_the_card(length):
    words = ("Wide " * length).strip()
    image = Image.open(
        io.BytesIO(card.png(card.Card(**{**CARD.__dict__, "heading": words, "sentence": words})))
    )
    edge = image.crop((1200 - card.MARGIN + 4, 0, 1200, 630))
    assert edge.getcolors() == [(edge.width * edge.height, (10, 10, 10))]


def test_an_unknown_id_is_explained_and_not_found(db):
    answer = Client().get("/certificates/cert_0000000000000000/")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "That says nothing for or against the recording." in page
    assert 'value="cert_0000000000000000"' in page
    assert Client().get("/certificates/cert_0000000000000000/card.png").status_code == 404


def test_what_is_no_id_is_said_to_be_none_and_escaped(db):
    answer = Client().get("/certificates/cert_<b>/")
    page = answer.content.decode()
    assert answer.status_code == 404
    assert "This is not the id of a certificate." in page
    assert escape("cert_<b>") in page
    assert "<b>" not in page


def test_reading_a_certificate_costs_a_bounded_number_of_questions(
    certify, files, django_assert_max_num_queries
):
    made = certify({"mp3": files["mp3"]})
    for _ in range(3):
        certify({"mp3": files["mp3"]})
    with django_assert_max_num_queries(32):
        page_of(made)
