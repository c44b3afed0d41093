"""Analysis of a recording that is there already, in another file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog import intake
from catalog.audio import fingerprint
from catalog.audio.encode import write_flac, write_wav
from catalog.listening import listen
from catalog.models import Analysis, Track
from tests import sounds
from tests.people import owner

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def twins(tmp_path: Path) -> tuple[Track, Track]:
    """One recording, sent as WAV and as FLAC."""
    artist, sound = owner().artist, sounds.kick_loop(120.0, 8.0)
    write_wav(tmp_path / "loop.wav", sound, sounds.RATE, bits=24)
    write_flac(tmp_path / "loop.flac", sound, sounds.RATE, bits=24)
    first, second = (intake.accept_file(artist, tmp_path / f"loop.{kind}").track for kind in ("wav", "flac"))
    return first, second


def states() -> list[str]:
    return sorted(Track.objects.values_list("status", flat=True))


def test_the_second_file_of_a_recording_is_refused_and_names_the_first(twins: tuple[Track, Track]) -> None:
    first, second = twins
    assert (listen(first.pk), listen(second.pk)) == ("ready", "known already")
    second.refresh_from_db()
    assert second.duplicate_of == first and first.title in second.error
    assert states() == ["failed", "ready"]


def test_two_workers_with_the_same_recording_let_one_of_them_in(
    twins: tuple[Track, Track], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = twins
    take, meanwhile = fingerprint.fingerprint, []

    def while_the_other_finishes(*args: Any) -> Any:
        if not meanwhile:
            meanwhile.append("")
            meanwhile[0] = listen(first.pk)
        return take(*args)

    monkeypatch.setattr(fingerprint, "fingerprint", while_the_other_finishes)
    assert listen(second.pk) == "known already"
    assert meanwhile == ["ready"]
    assert states() == ["failed", "ready"]
    assert Analysis.objects.count() == 1
