"""Edits from the words to the certified child: one take, its parent named, and what was not named as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import soundfile

from catalog import intake
from catalog.models import Artist, Track
from generation import lifecycle, pipeline
from generation.brief import Brief, Edit
from generation.engines import engines
from generation.models import GeneratedTrack, Generation
from generation.prompting import BadWishes, Wishes
from provenance.lineage import parents
from tests.generation.finished import finished
from tests.people import owner
from tests.rows import catalog_of, take_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sound]
WISHES = Wishes(prompt="techno, 180 BPM", duration_seconds=18, seed=5)


@pytest.fixture
def artist(stand_in: str) -> Artist:
    made = owner().artist
    catalog_of(made, 12)
    return made


def run(generation: Generation) -> GeneratedTrack:
    assert pipeline.run(generation.pk) == "ready", Generation.objects.get(pk=generation.pk).error
    generation.refresh_from_db()
    return generation.takes.order_by("number")[0]


def made(artist: Artist, wishes: Wishes = WISHES) -> GeneratedTrack:
    return run(lifecycle.submit(artist, wishes=wishes, engine="stand-in")[0])


def edited(take: GeneratedTrack, change: str = "", **more: Any) -> GeneratedTrack:
    return run(lifecycle.vary(take.generation, change, **more)[0])


def sound(take: GeneratedTrack) -> np.ndarray:
    return soundfile.read(take.file("wav"), dtype="int32")[0]


def test_one_section_is_composed_anew_and_the_rest_stays_to_the_sample(artist: Artist) -> None:
    # Before the watermark, which is another for each take.
    parent = made(artist, replace(WISHES, watermark=False))
    child = edited(parent, "regenerate the second drop")
    assert not parent.watermark and not child.watermark
    section = parent.sections[3]
    first, last = (round(section[name] * 44_100) for name in ("start", "end"))
    before, after = sound(parent), sound(child)
    assert before.shape == after.shape
    assert np.array_equal(before[:first], after[:first]) and np.array_equal(before[last:], after[last:])
    assert not np.array_equal(before[first:last], after[first:last])
    assert child.plan["changes"] == ["The drop at bar 9 is composed anew."]
    assert child.title == child.generation.title == f"{parent.generation.title}, new second drop"
    assert child.filename.startswith("Untitled_01_new_second_drop_")
    assert child.generation.parent == parent.generation


def test_twice_the_same_section_anew_is_not_twice_the_same(artist: Artist) -> None:
    parent = finished(artist)
    one, two = (lifecycle.vary(parent.generation, "another break")[0].brief for _ in range(2))
    assert len({parent.seed, one["seed"], two["seed"]}) == 3
    asked, _ = lifecycle.vary(parent.generation, "another break", seed=77)
    assert asked.brief["seed"] == "77" and asked.params["seed"] == "77"
    first, second = (edited(parent, "another break", seed=77) for _ in range(2))
    assert first.render_sha256 == second.render_sha256


def test_the_certificate_says_what_was_edited_and_keeps_its_sentences_private(artist: Artist) -> None:
    parent = made(artist)
    child = edited(parent, "different bass")
    assert child.certificate is not None and parent.certificate is not None
    said = child.certificate.provenance
    assert parents(said) == [(parent.certificate_id, "edit of")]
    assert said["generation_params"]["edit"] == {"kind": "replace", "layer": "bass"}
    (sentence,) = child.plan["changes"]
    assert "Loop" in sentence and sentence not in str(child.certificate.statement)
    assert child.certificate.private_parts.get(name="changes").value == sentence
    assert not parent.certificate.private_parts.filter(name="changes").exists()


def test_an_edit_of_an_edit_goes_on_from_the_edit(artist: Artist) -> None:
    parent = finished(artist)
    child = edited(parent, "longer break")
    grandchild = edited(child, "without drums")
    assert child.sections[2]["bars"] == 6 == grandchild.sections[2]["bars"]
    assert child.generation.brief["duration_seconds"] == pytest.approx(18 * 4 * 60 / 180, abs=0.01)
    assert grandchild.title == f"{parent.generation.title}, without drums"
    assert "drums" not in {one["name"] for one in grandchild.stems}
    assert parents(grandchild.certificate.provenance)[0][0] == child.certificate_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "bars", "brief"),
    [
        ("more energetic", 14, {"energy": 0.8}),
        ("keep the vibe but 190 BPM", 14, {"bpm": 190.0}),
        ("extend by 8 bars", 22, {}),
        ("crop to bars 2-13", 12, {}),
        ("shorter drop by 2 bars", 12, {}),
    ],
)
def test_each_edit_changes_the_brief_by_itself_alone(
    artist: Artist, change: str, bars: int, brief: dict[str, float]
) -> None:
    parent = finished(artist)
    generation, _ = lifecycle.vary(parent.generation, change)
    before, after = Brief.from_json(parent.generation_params), Brief.from_json(generation.brief)
    assert {name: getattr(after, name) for name in brief} == pytest.approx(brief)
    for name in {"prompt", "key", "genre", "energy", "bpm", "references", "density"} - set(brief):
        assert getattr(after, name) == getattr(before, name), name
    assert after.takes == 1 and after.edit is not None
    # what is composed anew has a seed of its own
    assert (after.seed == before.seed) == (after.edit.kind != "extend")
    assert after.duration_seconds == pytest.approx(bars * 4 * 60 / after.bpm, abs=0.01)
    assert sum(one["bars"] for one in run(generation).sections) == bars


def test_an_edit_is_of_the_take_it_was_said_of(artist: Artist) -> None:
    best = finished(artist, similarity_score=0.9)
    second = take_of(artist, generation=best.generation, number=2, **shared(best))
    for named in (2, "2", second.pk):
        child, _ = lifecycle.vary(best.generation, "without lead", take=named)
        assert (child.brief["edit"]["take_id"], child.brief["takes"]) == (second.pk, 1)
    unsaid, _ = lifecycle.vary(best.generation, "without lead")
    assert unsaid.brief["edit"]["take_id"] == best.pk
    with pytest.raises(BadWishes, match="has no take 7"):
        lifecycle.vary(best.generation, "without lead", take=7)


def shared(take: GeneratedTrack) -> dict[str, Any]:
    names = ("engine", "plan", "sections", "stems", "built_from", "generation_params")
    return {name: getattr(take, name) for name in names}


def test_an_explicit_edit_is_the_same_as_its_words(artist: Artist) -> None:
    parent = finished(artist)
    by_words, _ = lifecycle.vary(parent.generation, "without lead")
    by_fields, _ = lifecycle.vary(parent.generation, edit=Edit("", "mute", layers=("lead",)))
    assert by_words.brief == by_fields.brief and by_words.params == by_fields.params
    louder, _ = lifecycle.vary(parent.generation, edit=Edit("", "energy"), energy=0.95)
    assert louder.brief["energy"] == 0.95
    with pytest.raises(BadWishes, match="leaves this as it is"):
        lifecycle.vary(parent.generation, edit=Edit("", "mute", layers=("lead",)), bpm=150.0)
    with pytest.raises(BadWishes, match="not both"):
        lifecycle.vary(parent.generation, "calmer", edit=Edit("", "extend"))


def test_the_same_key_makes_one_edit(artist: Artist) -> None:
    parent = finished(artist)
    first, created = lifecycle.vary(parent.generation, "longer break", request_key="once")
    second, again = lifecycle.vary(parent.generation, "longer break", request_key="once")
    assert created and not again and first == second


# --- what cannot be edited ------------------------------------------------------------------------------


def test_a_source_that_is_gone_is_said_by_name(artist: Artist) -> None:
    parent = finished(artist)
    used = Track.objects.get(pk=parent.plan["layers"]["bass"])
    intake.withdraw(used)
    with pytest.raises(lifecycle.CannotEdit, match=f"“{used.title}” is no longer among your recordings"):
        lifecycle.vary(parent.generation, "longer break")


def test_a_source_that_goes_while_it_waits_fails_with_the_sentence_of_the_engine(artist: Artist) -> None:
    parent = finished(artist)
    generation, _ = lifecycle.vary(parent.generation, "longer break")
    intake.withdraw(Track.objects.get(pk=parent.plan["layers"]["bass"]))
    assert pipeline.run(generation.pk) == "failed"
    generation.refresh_from_db()
    assert "is gone" in generation.error


def test_a_take_that_goes_while_its_edit_waits_ends_in_a_sentence(artist: Artist) -> None:
    parent = finished(artist)
    generation, _ = lifecycle.vary(parent.generation, "longer break")
    lifecycle.delete(parent.generation)
    assert pipeline.run(generation.pk) == "failed"
    generation.refresh_from_db()
    assert "was deleted meanwhile" in generation.error


def test_a_plan_of_an_earlier_version_is_not_edited(artist: Artist) -> None:
    parent = finished(artist)
    GeneratedTrack.objects.filter(pk=parent.pk).update(plan=parent.plan | {"version": 0})
    with pytest.raises(lifecycle.CannotEdit, match="An earlier version of Stand-in"):
        lifecycle.vary(parent.generation, "longer break")
    GeneratedTrack.objects.filter(pk=parent.pk).update(plan={})
    with pytest.raises(lifecycle.CannotEdit, match="has no plan"):
        lifecycle.vary(parent.generation, "longer break")


class WithoutEdits:
    """The stand-in as an engine that cannot edit."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def capabilities(self) -> frozenset[str]:
        return self.engine.capabilities() - {"edit"}


def test_an_engine_that_cannot_edit_says_so_and_still_varies_the_request(
    artist: Artist, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = finished(artist)
    monkeypatch.setitem(engines(), "stand-in", WithoutEdits(engines()["stand-in"]))
    for change, edit in (("longer break", None), ("", Edit("", "extend"))):
        with pytest.raises(lifecycle.CannotEdit, match="Stand-in makes each take from the start"):
            lifecycle.vary(parent.generation, change, edit=edit)
    child, _ = lifecycle.vary(parent.generation, "calmer")
    brief = Brief.from_json(child.brief)
    assert brief.edit is None and brief.seed == int(parent.seed)
    assert brief.energy == pytest.approx(parent.generation.brief["energy"] - 0.2, abs=0.001)


# --- a new take that is new -----------------------------------------------------------------------------


def test_a_request_without_a_seed_avoids_what_earlier_takes_were_built_from(artist: Artist) -> None:
    free = Wishes(prompt="techno, 180 BPM", duration_seconds=18)
    before, _ = lifecycle.submit(artist, wishes=free, engine="stand-in")
    assert before.brief["avoid"] == []
    first = finished(artist)
    second = made(artist, free)
    assert {tuple(pair) for pair in second.generation.brief["avoid"]} == bars_of(first)
    assert not set(first.plan["layers"].values()) & set(second.plan["layers"].values())
    again, _ = lifecycle.submit(artist, wishes=WISHES, engine="stand-in")
    assert again.brief["avoid"] == []


def bars_of(take: GeneratedTrack) -> set[tuple[str, int]]:
    return {(one["track_id"], one["source_bar"]) for one in take.built_from}


def test_regenerate_avoids_the_parent_first_and_no_more_than_can_be_kept(artist: Artist) -> None:
    parent = finished(artist)
    others = [finished(artist, seed=seed) for seed in range(6, 14)]
    child, _ = lifecycle.vary(parent.generation, "regenerate")
    assert child.brief["edit"] is None and child.brief["seed"] != parent.seed
    avoid = [tuple(pair) for pair in child.brief["avoid"]]
    assert len(set(avoid)) == len(avoid)
    own = bars_of(parent)
    assert set(avoid[: len(own)]) == own
    assert set(avoid) == own.union(*(bars_of(one) for one in others[-6:]))
    long = [{"track_id": "trk_long", "source_bar": n, "layer": "drums", "bar": n} for n in range(500)]
    finished(artist, built_from=long)
    full, _ = lifecycle.vary(parent.generation, "regenerate")
    assert (
        len(full.brief["avoid"]) == 400 and {tuple(pair) for pair in full.brief["avoid"][: len(own)]} == own
    )


def test_a_brief_with_what_it_avoids_makes_the_same_take_again(artist: Artist) -> None:
    finished(artist)
    child = made(artist, Wishes(prompt="techno, 180 BPM", duration_seconds=18))
    finished(artist, seed=99)  # what came later changes nothing
    engine, brief = engines()["stand-in"], Brief.from_json(child.generation.brief)
    making = pipeline.Making(child.generation, None)  # type: ignore[arg-type]
    again = engine.render(brief, making.material, take=1, on_progress=lambda *_: None)
    assert brief.avoid and again.plan["layers"] == child.plan["layers"]
