"""A newer certificate of the same sound by the same artist: who supersedes whom, and what readers are told."""

from __future__ import annotations

import pytest
from django.test import Client

from provenance import events, succession
from provenance.verification import State, verify_certificate, verify_file
from tests import people

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_newest_that_holds_is_named_and_the_older_one_stays_valid(certify, files):
    first = certify({"mp3": files["mp3"]})
    second = certify({"mp3": files["mp3"]})
    third = certify({"mp3": files["mp3"]})
    assert succession.newer(first) == third
    assert succession.newer(second) == third
    assert succession.newer(third) is None
    verdict = verify_certificate(first.pk)
    assert verdict.state is State.INTACT
    named = verdict.check("succession")
    assert named is not None and named.detail == {"certificate_id": third.pk}
    events.revoke_certificate(third, "A mistake")
    assert succession.newer(first) == second


def test_other_sound_and_other_people_supersede_nothing(certify, files):
    first = certify({"mp3": files["mp3"]})
    certify({"wav": files["wav"]})  # decoded samples, another kind of hash
    certify({"mp3": files["mp3"]}, artist=people.person("stranger").artist)
    certify({"mp3": files["mp3"]}, artist=None, artist_name="Nobody")
    assert succession.newer(first) is None
    nobodys = certify({"flac": files["flac"]}, artist=None, artist_name="Nobody")
    certify({"flac": files["flac"]}, artist=None, artist_name="Nobody")
    assert succession.newer(nobodys) is None


def test_a_declaration_takes_the_place_of_a_measurement_only_once_that_was_revoked(certify, files):
    measured = certify({"flac": files["flac"]})
    declared = certify({"flac": files["flac"]}, declared=True, provenance={})
    assert succession.newer(measured) is None
    events.revoke_certificate(measured, "Wrong title")
    measured.refresh_from_db()
    assert succession.newer(measured) == declared
    page = Client().get(measured.get_absolute_url()).content.decode()
    assert "There is a newer one." in page
    assert "Ask the artist" not in page
    assert f'href="{declared.get_absolute_url()}"' in page


def test_every_reader_of_the_older_one_is_told(certify, files):
    first = certify({"wav": files["wav"]})
    page = Client().get(first.get_absolute_url()).content.decode()
    assert "Superseded" not in page
    second = certify({"wav": files["wav"], "mp3": files["mp3"]})
    page = Client().get(first.get_absolute_url()).content.decode()
    assert "Superseded" in page
    assert "This one still holds." in page
    assert f'href="{second.get_absolute_url()}"' in page
    assert "Newer certificate" in page  # in the picture
    assert "Newer certificate" in Client().get("/verify/", {"id": first.pk}).content.decode()
    answer = Client().get(f"/api/verify/{first.pk}").json()
    assert answer["valid"] is True
    assert [one["detail"] for one in answer["checks"] if one["name"] == "succession"] == [
        {"certificate_id": second.pk}
    ]
    assert verify_file(files["wav"]).check("succession") is None  # this file carries the newer one


def test_a_revoked_certificate_keeps_its_lineage(certify, files):
    parent = certify({"mp3": files["mp3"]}, title="The take before")
    child = certify(
        {"wav": files["wav"]},
        provenance={"parents": [{"certificate_id": parent.pk, "relation": "variation of"}],
                    "source": {"track_count": 127, "recordings_used": 6}},
    )  # fmt: skip
    events.revoke_certificate(child, "A sample was not mine")
    page = Client().get(child.get_absolute_url()).content.decode()
    assert "A sample was not mine" in page
    assert '<svg class="lineage wide"' in page
    assert f'href="{parent.get_absolute_url()}"' in page
    assert f"revoked; entry {child.entry_id + 1}" in page
    answer = Client().get(f"/api/verify/{child.pk}").json()
    assert answer["state"] == "revoked"
    assert [link["kind"] for link in answer["chain"]] == ["certificate", "certificate", "catalog"]
