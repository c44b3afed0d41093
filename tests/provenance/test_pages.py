"""The certificate and verify pages work for strangers, without JavaScript, and escape what others wrote."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from rest_framework.throttling import AnonRateThrottle

from provenance.models import SigningKey

pytestmark = pytest.mark.django_db


def drop(path, client=None, **headers):
    client = client or Client()
    return client.post(
        "/verify/", {"file": SimpleUploadedFile(path.name, path.read_bytes())}, headers=headers
    )


def test_a_certificate_opens_for_anyone(certify, files):
    made = certify({"mp3": files["mp3"]})
    answer = Client().get(made.get_absolute_url())
    page = answer.content.decode()
    assert answer.status_code == 200
    assert made.pk in page
    assert "from 127 recordings of Ossa Owner" in page
    for word in (
        "Audio sealed",
        "Signed by Starforge for Ossa Owner",
        "Publicly logged",
        "What this does not prove",
    ):
        assert word in page
    assert " style=" not in page
    assert "<script>" not in page


def test_an_unknown_certificate_is_not_found(db):
    for bad in ("cert_0000000000000000", "x", "cert_<b>"):
        assert Client().get(f"/certificates/{bad}/").status_code == 404


def test_what_others_wrote_is_escaped(certify, files):
    made = certify(
        {"wav": files["wav"]},
        title="<img src=x onerror=alert(1)>",
        declared=True,
        provenance={"type": "<b>", "generation_params": {"prompt": "<script>alert(1)</script>"}},
    )
    for path in (made.get_absolute_url(), f"/verify/?id={made.pk}"):
        page = Client().get(path).content.decode()
        assert "<img src=x" not in page
        assert "<script>alert" not in page


def test_a_declared_stamp_says_whose_word_it_is(certify, files):
    made = certify({"wav": files["wav"]}, declared=True, provenance={})
    page = Client().get(made.get_absolute_url()).content.decode()
    assert "declared by Ossa Owner" in page
    assert "without measuring it" in page


def test_the_verify_page_answers_a_plain_form_post(certify, files):
    made = certify({"mp3": files["mp3"]})
    answer = drop(files["mp3"])
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.startswith("<!doctype html>")
    assert "Intact" in page
    assert made.get_absolute_url() in page


def test_a_tampered_copy_is_refused_on_the_page(certify, files):
    certify({"wav": files["wav"]})
    data = bytearray(files["wav"].read_bytes())
    data[50_000] ^= 1
    files["wav"].write_bytes(data)
    page = drop(files["wav"]).content.decode()
    assert "Altered" in page
    assert "This is not the recording that was certified." in page


def test_the_script_gets_only_the_verdict(certify, files):
    certify({"flac": files["flac"]})
    page = drop(files["flac"], **{"X-Requested-With": "verify.js"}).content.decode()
    assert "<html" not in page
    assert "outcome" in page


def test_an_id_or_a_whole_address_is_looked_up(certify, files):
    made = certify({"mp3": files["mp3"]})
    for asked in (made.pk, f"https://example.org{made.get_absolute_url()}?x=1"):
        assert "Valid" in Client().get("/verify/", {"id": asked}).content.decode()
    assert "no certificate with this id" in Client().get("/verify/", {"id": "cert_nope00"}).content.decode()


def test_what_cannot_be_checked_is_said_calmly(db, tmp_path, settings):
    (tmp_path / "notes.txt").write_text("words " * 100)
    answer = drop(tmp_path / "notes.txt")
    assert answer.status_code == 415
    assert "Not checked" in answer.content.decode()
    assert Client().post("/verify/", {}).status_code == 400
    settings.STARFORGE_UPLOAD_BYTES = 10
    (tmp_path / "big.wav").write_bytes(b"x" * 200_000)
    assert drop(tmp_path / "big.wav").status_code == 413


def test_posting_a_file_needs_the_pages_own_token(files, db):
    assert drop(files["wav"], Client(enforce_csrf_checks=True)).status_code == 403


def test_a_forged_mark_in_a_file_name_is_escaped(certify, files, tmp_path):
    certify({"wav": files["wav"]})
    odd = tmp_path / "<b>x<b>.wav"
    odd.write_bytes(files["wav"].read_bytes())
    assert "<b>x" not in drop(odd).content.decode()


def test_the_admin_shows_certificates_and_lets_nobody_change_them(certify, files, admin_client):
    made = certify({"mp3": files["mp3"]})
    assert admin_client.get("/admin/provenance/certificate/").status_code == 200
    page = admin_client.get(f"/admin/provenance/certificate/{made.pk}/change/")
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert (
        admin_client.post(f"/admin/provenance/certificate/{made.pk}/change/", {"title": "x"}).status_code
        == 403
    )
    assert admin_client.get(f"/admin/provenance/certificate/{made.pk}/delete/").status_code == 403
    assert admin_client.get("/admin/provenance/certificate/add/").status_code == 403
    for model in ("signingkey", "checkpoint", "logentry", "logevent", "revocation"):
        assert admin_client.get(f"/admin/provenance/{model}/").status_code == 200


def test_the_list_of_certificates_asks_the_database_a_fixed_number_of_questions(
    certify, files, admin_client, django_assert_max_num_queries
):
    for i in range(4):
        certify({"mp3": files["mp3"]}, idempotency_key=str(i))
    with django_assert_max_num_queries(12):
        admin_client.get("/admin/provenance/certificate/")


def test_a_revoked_certificate_says_so_first(certify, files):
    made = certify({"mp3": files["mp3"]})
    SigningKey.objects.filter(purpose="stamp").update(revoked_at=timezone.now())
    page = Client().get(made.get_absolute_url()).content.decode()
    assert "has been revoked" in page
    assert "Audio sealed" not in page
    assert "Revoked" in Client().get("/verify/", {"id": made.pk}).content.decode()


def test_checking_many_files_in_a_minute_is_slowed_down(files, db, monkeypatch):
    monkeypatch.setattr(AnonRateThrottle, "THROTTLE_RATES", {"anon": "2/min"})
    cache.clear()
    try:
        assert [Client().post("/verify/", {}).status_code for _ in range(3)] == [400, 400, 429]
    finally:
        cache.clear()
