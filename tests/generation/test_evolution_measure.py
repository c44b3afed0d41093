"""How far takes lie from a catalog: on vectors of the background, with no database."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from defusedxml import ElementTree

from catalog.similarity import Background
from generation.evolution.drawing import Series, as_png, as_svg, for_page, label_of
from generation.evolution.measure import FEATURES, WINDOW, Drift, drift

BACKGROUND = Background.load()


def artist(seed: int, count: int, *, at: np.ndarray | None = None, width: float = 0.4) -> np.ndarray:
    """Tracks around one sound of the background, as far apart as `width` of its spread."""
    chance = np.random.default_rng(seed)
    centre = BACKGROUND.vectors[seed % len(BACKGROUND)] if at is None else at
    return centre + width * BACKGROUND.vectors.std(axis=0) * chance.standard_normal((count, 242))


def test_takes_like_the_catalog_have_not_drifted() -> None:
    tracks = artist(3, 60)
    kept = [drift(tracks[:40], tracks[start : start + 8], BACKGROUND) for start in range(40, 52)]
    assert sum(one.verdict == "within" for one in kept) >= 10  # chance shows as much in one case of twenty
    assert all(0.8 < one.diversity < 1.25 for one in kept if one.diversity)
    assert "have not drifted" in kept[0].sentence


def test_takes_of_another_sound_have() -> None:
    tracks = artist(3, 40)
    far = drift(tracks, artist(90, 12), BACKGROUND)
    assert far.verdict == "moved" and far.windows[-1] > 2 * (far.null95 or 9)
    assert np.median(far.distances) > 1.5
    assert "have drifted" in far.sentence and f"{far.windows[-1]:.2f}" in far.sentence


def test_drift_is_seen_where_it_begins() -> None:
    tracks = artist(3, 40)
    away = artist(90, 1)[0] - tracks.mean(axis=0)
    takes = np.vstack([artist(3, 16, at=tracks.mean(axis=0)), artist(5, 12, at=tracks.mean(axis=0) + away)])
    found = drift(tracks, takes, BACKGROUND)
    assert len(found.distances) == 28 and len(found.windows) == 28 - WINDOW + 1
    null95 = found.null95
    assert null95 is not None
    assert max(found.windows[: 16 - WINDOW + 1]) < null95 * 1.5 < min(found.windows[16:])


def test_one_take_again_and_again_is_told_by_its_lack_of_variety() -> None:
    tracks = artist(3, 40)
    found = drift(tracks, np.repeat(tracks[:1], 10, axis=0), BACKGROUND)
    assert found.verdict == "narrowed" and found.diversity == pytest.approx(0, abs=1e-6)
    assert "resemble one another" in found.sentence


def test_what_differs_is_named_with_its_direction() -> None:
    tracks = artist(3, 40)
    takes = artist(3, 8, at=tracks.mean(axis=0), width=0.2)
    takes[:, list(FEATURES["sub-bass, 30 to 60 Hz"])] += 5 * tracks[:, 80].std()
    takes[:, list(FEATURES["brightness"])] -= 3 * tracks[:, 57].std()
    first, second = drift(tracks, takes, BACKGROUND).differences[:2]
    assert (first.words, second.words) == ("more sub-bass, 30 to 60 Hz", "less brightness")
    assert first.by == pytest.approx(5, abs=0.5) and second.by == pytest.approx(-3, abs=0.5)


@pytest.mark.parametrize(
    ("tracks", "takes", "verdict", "words"),
    [
        (4, 20, "few-tracks", "10 analyzed tracks of yours or more; 4 are ready"),
        (0, 0, "few-tracks", "0 are ready"),
        (12, 3, "few-takes", "from 8 takes on; 3 are measured yet"),
        (12, 0, "few-takes", "none is measured yet"),
    ],
)
def test_with_too_little_nothing_is_claimed(tracks: int, takes: int, verdict: str, words: str) -> None:
    found = drift(artist(3, tracks), artist(4, takes), BACKGROUND)
    assert found.verdict == verdict and words in found.sentence
    assert found.differences == () and found.windows == ()


def test_identical_tracks_give_no_spread_to_measure_by() -> None:
    found = drift(np.repeat(artist(3, 1), 12, axis=0), artist(4, 9), BACKGROUND)
    assert found.null95 is None and "no spread" in found.sentence


def test_the_same_takes_give_the_same_figures() -> None:
    tracks, takes = artist(3, 30), artist(6, 20)
    assert drift(tracks, takes, BACKGROUND) == drift(tracks, takes, BACKGROUND)


# --- the picture ---


def series(takes: int = 20, moments: int = 3) -> Series:
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    times = [begin + timedelta(days=day) for day in range(takes)]
    found = drift(artist(3, 30), artist(90, takes), BACKGROUND)
    return Series(found, times, [begin + timedelta(days=6 * n, hours=1) for n in range(moments)])


def test_the_picture_is_the_same_thing_as_svg_and_as_png() -> None:
    one = series()
    root = ElementTree.fromstring(as_svg(one, "Drift <&> takes"))
    name = "{http://www.w3.org/2000/svg}"
    words = [text.text for text in root.iter(f"{name}text")]
    assert {"Drift <&> takes", one.drift.sentence, "what chance shows", "1", "2", "3"} <= set(words)
    dots = [box for box in root.iter(f"{name}rect") if box.get("width") == "4.0"]
    assert len(dots) == 20
    assert "class" not in dots[0].attrib
    png = as_png(one, "Drift <&> takes")
    assert png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24]) == (2400, 960)
    assert as_png(one, "Drift <&> takes") == png
    assert as_png(series(moments=0), "Drift <&> takes") != png


def test_the_page_has_a_wide_and_a_narrow_drawing_with_words_for_those_who_do_not_see_it() -> None:
    one = series(takes=3)
    drawn = for_page(one)
    assert drawn.count("<svg") == 2 and drawn.count(label_of(one)) == 2
    assert "#0A0A0A" not in drawn and 'class="fill-track"' in drawn


def test_without_takes_or_tracks_nothing_is_drawn() -> None:
    assert for_page(Series(Drift(3, 4), [])) == ""
    assert for_page(Series(drift(artist(3, 12), artist(4, 0), BACKGROUND), [])) == ""
