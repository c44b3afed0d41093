"""The chain as the artist lives it: an upload is stamped, a take is made from it, edited, and kept in the library."""

from __future__ import annotations

import pytest

from catalog.models import Artist, Track
from generation import library, lifecycle, pipeline
from generation.models import GeneratedTrack, Generation
from generation.prompting import Wishes
from provenance import origins
from provenance.models import Certificate
from provenance.stamping import StampRefused
from provenance.verification import verify_certificate, verify_file
from tests.people import Person, collaborator, owner, stranger
from tests.rows import catalog_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def person(stand_in: str) -> Person:
    made = owner()
    catalog_of(made.artist, 12)
    return made


def run(generation: Generation) -> GeneratedTrack:
    assert pipeline.run(generation.pk) == "ready", Generation.objects.get(pk=generation.pk).error
    return GeneratedTrack.objects.select_related("generation__artist", "certificate").get(
        generation=generation
    )


def test_the_chain_runs_from_the_uploads_over_the_take_to_its_edit_and_the_library(person: Person) -> None:
    artist: Artist = person.artist
    unstamped, *stamped = Track.objects.of(artist).order_by("id")
    for track in stamped:
        assert person.api.post(f"/api/tracks/{track.pk}/origin/").status_code == 201
    assert person.page.post("/account/consent/", {"allow": ["remix", "nonsense"]}).status_code == 302
    assert "checked" in person.page.get("/account/").content.decode().partition('value="remix"')[2][:60]
    again = person.api.post(f"/api/tracks/{stamped[0].pk}/origin/")
    assert again.status_code == 200 and Certificate.objects.count() == len(stamped)
    take = run(
        lifecycle.submit(artist, wishes=Wishes(prompt="techno, 180 BPM", seed=5), engine="stand-in")[0]
    )
    edit = run(lifecycle.vary(take.generation, "different bass")[0])
    heard = {one["track_id"] for one in edit.built_from if one.get("track_id")} - {unstamped.pk}

    body = stranger().get(f"/api/verify/{edit.certificate_id}").json()
    assert body["valid"]
    links = {link["certificate_id"]: link for link in body["chain"] if link["kind"] == "certificate"}
    assert links[edit.certificate_id]["relation"] == "this"
    parent = links[take.certificate_id]
    assert (parent["relation"], parent["of"], parent["state"]) == ("edit of", edit.certificate_id, "held")
    assert parent["attested"] == "measured" and parent["log_index"] == take.certificate.entry_id
    assert parent["title"] == ""  # private, and stays so
    said = body["metadata"]
    assert set(said["credits"]) >= {"composition", "arrangement", "production", "mixing", "mastering"}
    assert said["rights"] == {"training": "not granted", "derivative": "not granted", "remix": "granted"}
    assert said["generator"]["fine_tuned"] is False and said["generator"]["version"]
    assert said["source"]["catalog_hash"] and said["source"]["aesthetic_dna_snapshot"]["sha256"]
    assert said["recipe"]["plan_sha256"] and said["recipe"]["source_map_sha256"]
    named = {pk for pk, link in links.items() if link["relation"] == "made from" and link["depth"] == 1}
    assert named == {Track.objects.get(pk=pk).origin_certificate.pk for pk in heard} != set()
    assert [link["kind"] for link in body["chain"][-3:]] == ["model", "dna_snapshot", "catalog"]
    assert "Loop" not in str(body)

    track, _ = library.add(edit)
    sound = edit.certificate.renditions.get(name="flac").audio_sha256
    Track.objects.filter(pk=track.pk).update(audio_sha256=sound)  # as its analysis will say
    address = f"/certificates/{edit.certificate_id}/"
    assert "In your library" in person.page.get(address).content.decode()
    for nobody in (stranger(), collaborator().page):
        page = nobody.get(address).content.decode()
        assert "In your library" not in page and "Every Certificate Behind It" in page
        assert f"/certificates/{take.certificate_id}/" in page and " style=" not in page
    with pytest.raises(StampRefused, match="Starforge made this recording"):
        origins.stamp(track)


def test_an_origin_stamp_is_the_owners_to_give_and_their_word(person: Person) -> None:
    track = Track.objects.of(person.artist).earliest("id")
    before = track.file.read_bytes()
    path = f"/catalog/tracks/{track.pk}/origin/"
    assert stranger().post(path).status_code == 403
    other = collaborator()
    assert other.page.post(path).status_code == 404
    assert other.api.post(f"/api/tracks/{track.pk}/origin/").status_code == 404
    assert not Certificate.objects.exists()
    assert "Stamp as Origin" in person.page.get(f"/catalog/tracks/{track.pk}/").content.decode()
    answer = person.page.post(path)
    made = Certificate.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/certificates/{made.pk}/")
    assert f"/certificates/{made.pk}/" in person.page.get(f"/catalog/tracks/{track.pk}/").content.decode()
    assert (made.declared, made.public_title, made.provenance["type"]) == (True, "", "origin")
    assert made.private_parts.get().value == track.title not in str(made.statement)
    assert track.file.read_bytes() == before
    found = verify_file(track.file)
    assert found.valid and found.certificate == made
    track.delete()  # the certificate outlives the recording
    assert verify_certificate(made.pk).valid


def test_a_take_sent_in_as_an_upload_is_no_origin(person: Person) -> None:
    """The file itself; `test_marked_takes` sends in one that was coded anew."""
    wishes = Wishes(prompt="techno", seed=5)
    take = run(lifecycle.submit(person.artist, wishes=wishes, engine="stand-in")[0])
    track = Track.objects.of(person.artist).earliest("id")
    track.file.write_bytes(take.file("wav").read_bytes())
    answer = person.api.post(f"/api/tracks/{track.pk}/origin/")
    assert answer.status_code == 400 and str(take.certificate_id) in answer.json()["detail"]
    message = person.page.post(f"/catalog/tracks/{track.pk}/origin/", follow=True).content.decode()
    assert "a recording that Starforge made" in message
