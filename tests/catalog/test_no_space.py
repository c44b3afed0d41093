"""A full disk is said in a sentence, and nothing half-written stays."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from catalog import intake
from catalog.models import Track
from tests.catalog.test_api_problems import problem
from tests.people import owner
from tests.rows import loop_bytes

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not Path("/dev/full").exists(), reason="/dev/full is what a full disk is here (Linux)"
    ),
]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """What intake writes goes where the kernel answers every write with ENOSPC."""
    there = tempfile.mkstemp

    def mkstemp(**wishes: Any) -> tuple[int, str]:
        descriptor, name = there(**wishes)
        if wishes.get("prefix") != ".incoming-":
            return descriptor, name
        os.close(descriptor)
        return os.open("/dev/full", os.O_WRONLY), name

    monkeypatch.setattr(tempfile, "mkstemp", mkstemp)


def test_a_full_disk_is_a_refusal_with_a_reason(full_disk: None) -> None:
    artist = owner().artist
    with pytest.raises(intake.Refused, match="no room left") as refused:
        intake.accept(artist, stream=SimpleUploadedFile("a.wav", loop_bytes()), filename="a.wav")
    assert refused.value.code == "no_space"
    assert Track.objects.count() == 0
    assert list((Path(settings.MEDIA_ROOT) / "tracks").glob(".incoming-*")) == []


def test_the_api_answers_507(full_disk: None) -> None:
    body = problem(owner().api.post("/api/tracks/", {"file": SimpleUploadedFile("a.wav", loop_bytes())}), 507)
    assert body["type"] == "urn:starforge:problem:no-space"


def test_another_error_of_the_disk_is_not_taken_for_a_full_one() -> None:
    class Broken:
        def read(self, size: int = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output"):
        intake.accept(owner().artist, stream=Broken(), filename="a.wav")
