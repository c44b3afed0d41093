"""A new background tells energies anew from what is stored, without a file to decode."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command

from catalog.models import Analysis
from catalog.rescoring import BACKGROUND_VERSION, outdated, rescore
from catalog.similarity import Background
from tests.people import owner
from tests.rows import ready_track

pytestmark = pytest.mark.django_db


def test_the_version_told_without_reading_is_that_of_the_file() -> None:
    assert Background.load().version == BACKGROUND_VERSION


def test_energies_are_told_anew_from_measures_with_the_file_gone() -> None:
    artist = owner().artist
    track = ready_track(artist)
    right = Analysis.objects.get(track=track).energy
    stale = {**track.analysis.document, "energy": 0.01}
    Analysis.objects.filter(track=track).update(energy=0.01, document=stale)
    track.file.unlink()
    assert [one.pk for one in outdated()] == [artist.pk]
    out = io.StringIO()
    call_command("rescore", stdout=out)
    assert "1 artists, 1 energies changed" in out.getvalue()
    analysis = Analysis.objects.get(track=track)
    assert analysis.energy == analysis.document["energy"] == pytest.approx(right, abs=1e-3)
    assert outdated() == []
    artist.refresh_from_db()
    assert rescore(artist) == 0
