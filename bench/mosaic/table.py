"""Figures of many takes as a table: one row for each figure, one column for each catalog, and what is wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.mosaic.lineage import shared_bars
from bench.mosaic.takes import ENERGIES, Report
from catalog.analysis.pulse import Pulse

MATCHED = 0.75
LARGE = 20  # tracks from which a match without the donors is asked for
Reports = Sequence[Report]
Cell = tuple[str, bool | None]
NOTHING: Cell = ("–", None)


@dataclass(frozen=True)
class Row:
    name: str
    wanted: str
    of: Callable[[Reports], Cell]


def share(flags: Iterable[bool], least: float) -> Cell:
    found = list(flags)
    if not found:
        return NOTHING
    return f"{np.mean(found):.0%}", bool(np.mean(found) >= least)


def worst(values: Iterable[float | None], most: float, form: str) -> Cell:
    found = [value for value in values if value is not None]
    if not found:
        return NOTHING
    return format(max(found), form), max(found) <= most


def _mean(values: Iterable[float | None], least: float) -> Cell:
    found = [value for value in values if value is not None]
    if not found:
        return NOTHING
    return f"{np.mean(found):.0%}", bool(np.mean(found) >= least)


def _plain(reports: Reports) -> Reports:
    """Takes of requests that name at most a key."""
    return [r for r in reports if "plain" in r.what]


def _matched(reports: Reports) -> Cell:
    return share((r.match > MATCHED for r in reports), 0.9)


def _without(reports: Reports) -> Cell:
    flags = [r.without_donors > MATCHED for r in reports if r.without_donors is not None]
    text, fine = share(flags, 0.8)
    return text, fine if all(r.catalog_size >= LARGE for r in reports) else None


def _without_large(reports: Reports) -> Cell:
    return _without([r for r in reports if r.catalog_size >= LARGE])


def _tempo(of: Callable[[Report], float | None]) -> Callable[[Reports], Cell]:
    def cell(reports: Reports) -> Cell:
        wrong = [(error := of(r)) is None or abs(error) > 5e-4 for r in reports]
        return f"{len(reports) - sum(wrong)}/{len(reports)}", not any(wrong)

    return cell


def held(of: Callable[[Report], Pulse | None]) -> Callable[[Reports], Cell]:
    """Takes whose onsets keep the tempo asked for within .05 %. Those that do not tell are no success, and are told."""

    def cell(reports: Reports) -> Cell:
        found = [of(r) for r in reports]
        kept = sum(one is not None and one.kept for one in found)
        unclear = sum(one is None or one.error is None for one in found)
        text = f"{kept}/{len(found)}" + (f" {unclear} unclear" if unclear else "")
        return text, kept == len(found)

    return cell


def _tempo_near(reports: Reports) -> Cell:
    """Largest error among those within 4 %: what the grid does where the analysis hears the same pulse."""
    near = [abs(r.bpm_error) for r in reports if r.bpm_error is not None and abs(r.bpm_error) < 0.04]
    return (f"{100 * max(near):.3f}%", max(near) <= 5e-4) if near else NOTHING


def _percussive(of: Callable[[Report], float | None]) -> Callable[[Reports], Cell]:
    def cell(reports: Reports) -> Cell:
        asked = [r for r in reports if r.percussive]
        if asked:
            return _mean((of(r) for r in asked), 0.95)
        return _mean((of(r) for r in reports), 0.95)[0], None

    return cell


def _keys(exact: bool, asked: bool | None = None) -> Callable[[Reports], Cell]:
    def cell(reports: Reports) -> Cell:
        found = [r.key_relation for r in reports if asked in (None, r.key_asked)]
        hit = ("exact",) if exact else ("exact", "relative")
        return share((relation in hit for relation in found if relation), 0.8 if exact else 0.95)

    return cell


def _pairs(same_place: bool) -> Callable[[Reports], Cell]:
    def cell(reports: Reports) -> Cell:
        pairs = defaultdict(list)
        for r in reports:
            if "pair" in r.what:
                pairs[r.catalog].append(r.built_from)
        found = [shared_bars(*pair, same_place=same_place) for pair in pairs.values() if len(pair) == 2]
        return (f"{max(found):.0%}", max(found) <= 0.3) if found else NOTHING

    return cell


def _energies(reports: Reports) -> dict[str, list[float]]:
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for r in reports:
        if "energy" in r.what:
            found[r.catalog].append((r.energy, r.measured_energy))
    return {
        name: [value for _, value in sorted(pairs)]
        for name, pairs in found.items()
        if len(pairs) == len(ENERGIES)
    }


def _spearman(reports: Reports) -> Cell:
    from scipy.stats import spearmanr

    found = [float(spearmanr(ENERGIES, values).statistic) for values in _energies(reports).values()]
    return (f"{min(found):.2f}", min(found) > 0.9 - 1e-9) if found else NOTHING


def _span(reports: Reports) -> Cell:
    found = [values[-1] - values[0] for values in _energies(reports).values()]
    return (f"{min(found):+.2f}", None) if found else NOTHING


def _repeats(reports: Reports) -> Cell:
    """Takes of one request in two processes."""
    made = defaultdict(set)
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for r in reports:
        made[(r.catalog, r.label)].add(r.digest)
        counts[(r.catalog, r.label)] += 1
    twice = [len(made[key]) == 1 for key, count in counts.items() if count > 1]
    return (f"{sum(twice)}/{len(twice)}", all(twice)) if twice else NOTHING


ROWS = (
    Row("match > .75, plain requests", "≥ 90%", lambda rs: _matched(_plain(rs))),
    Row(
        "  … where tempo or energy is asked too",
        "",
        lambda rs: _matched([r for r in rs if "plain" not in r.what]),
    ),
    Row(
        "  median match, plain requests",
        "",
        lambda rs: (f"{np.median([r.match for r in _plain(rs)]):.2f}", None),
    ),
    Row("  without donors > .75, plain, of 20 and more", "≥ 80%", lambda rs: _without_large(_plain(rs))),
    Row("  without donors > .75, plain, all sizes", "", lambda rs: _without(_plain(rs))),
    Row("BPM within .05 %, held against it", "all", held(lambda r: r.held)),
    Row("  … the mix alone", "", held(lambda r: r.pulse)),
    Row("  … its drums alone", "", held(lambda r: r.drums_pulse)),
    Row(
        "  largest error held against it",
        "≤ .05%",
        lambda rs: worst((100 * abs(e) for r in rs if (e := r.held.error) is not None), 0.05, ".3f"),
    ),
    Row("BPM read freely, octave forgiven", "", _tempo(lambda r: r.bpm_error)),
    Row("  … from the drums alone", "", _tempo(lambda r: r.drums_bpm_error)),
    Row("  largest error where the pulse is heard", "", _tempo_near),
    Row("  grid exact by construction", "all", lambda rs: share((r.exact_grid for r in rs), 1.0)),
    Row("strong onsets within 25 ms: drum stems", "≥ 95%", _percussive(lambda r: r.drums_on_grid)),
    Row("  … of the master", "≥ 95%", _percussive(lambda r: r.master_on_grid)),
    Row(
        "  … of the catalog's own tracks",
        "",
        lambda rs: (f"{np.mean([r.sources_on_grid for r in rs]):.0%}", None),
    ),
    Row("key same or relative", "≥ 95%", _keys(False)),
    Row("key exact", "≥ 80%", _keys(True)),
    Row("  same or relative, key asked", "", lambda rs: (_keys(False, True)(rs)[0], None)),
    Row("  exact, key asked", "", lambda rs: (_keys(True, True)(rs)[0], None)),
    Row(
        "loudness error, largest, LU",
        "≤ 0.5",
        lambda rs: worst((abs(e) for r in rs if (e := r.loudness_error) is not None), 0.5, ".2f"),
    ),
    Row("true peak, highest, dBTP", "≤ -1", lambda rs: worst((r.true_peak for r in rs), -1.0, ".2f")),
    Row("stems null, worst, dBFS", "≤ -90", lambda rs: worst((r.null for r in rs), -90.0, ".1f")),
    Row("verbatim run, longest, bars", "≤ 4", lambda rs: worst((r.run.bars for r in rs), 4, ".0f")),
    Row("  … in seconds", "≤ 8", lambda rs: worst((r.run.seconds for r in rs), 8.0, ".1f")),
    Row("  passage by fingerprint, longest, s", "≤ 8", lambda rs: worst((r.passage for r in rs), 8.0, ".1f")),
    Row("largest share of one source", "≤ 35%", lambda rs: worst((r.largest_share for r in rs), 0.35, ".0%")),
    Row(
        "sources, fewest",
        "≥ 4",
        lambda rs: (f"{min(r.sources for r in rs)}", min(r.sources for r in rs) >= 4),
    ),
    Row("two takes: shared bars", "≤ 30%", _pairs(False)),
    Row("  … in the same place", "", lambda rs: (_pairs(True)(rs)[0], None)),
    Row("energy .2 → .9: Spearman, least", "≥ .9", _spearman),
    Row("  span of measured energy, least", "", _span),
    Row("same request in two processes: equal", "all", _repeats),
    Row(
        "quietest second before the end, dB",
        "> -40",
        lambda rs: (f"{min(r.quietest[0] for r in rs):.0f}", min(r.quietest[0] for r in rs) > -40.0),
    ),
    Row("clipped samples", "0", lambda rs: worst((r.clipped for r in rs), 0, ".0f")),
    Row(
        "drop over break, least, LU",
        "",
        lambda rs: (
            f"{min((r.contrast for r in rs if r.contrast is not None), default=float('nan')):.1f}",
            None,
        ),
    ),
)


def table(reports: Reports) -> tuple[str, bool]:
    """The printed table, and whether every total reaches what is wanted."""
    once = list({(r.catalog, r.label): r for r in reports}.values())
    names = list(dict.fromkeys(r.catalog for r in reports))
    counts = [sum(r.catalog == name for r in once) for name in names]
    heads = [
        f"{name.removesuffix(' soundtrack')[:13]} {count}" for name, count in zip(names, counts, strict=True)
    ]
    lines = [f"{'':<44}" + "".join(f"{head:>17}" for head in heads) + f"{'all':>10}{'wanted':>10}"]
    reached = True
    for row in ROWS:
        asked = reports if row.of is _repeats else once
        cells = [row.of([r for r in asked if r.catalog == name]) for name in names]
        text, fine = row.of(asked)
        if not row.wanted:  # told, not asked for
            cells, fine = [(cell, None) for cell, _ in cells], None
        words = "".join(f"{cell + ('' if good is not False else ' *'):>17}" for cell, good in cells)
        verdict = {True: "ok", False: "MISSED", None: ""}[fine]
        lines.append(f"{row.name:<44}{words}{text:>10}{row.wanted:>10}  {verdict}")
        reached = reached and fine is not False
    lines.append("* misses what is wanted")
    for name, values in _energies(once).items():
        told = "  ".join(f"{asked:g}: {value:.3f}" for asked, value in zip(ENERGIES, values, strict=True))
        lines.append(f"energy asked: measured, {name:<20} {told}")
    return "\n".join(lines), reached


def ablation_table(found: Mapping[str, Reports]) -> str:
    """Means over the same takes, made without one choice after another."""
    columns: Sequence[tuple[str, Callable[[Report], float | None]]] = (
        ("match", lambda r: r.match),
        ("> .75", lambda r: float(r.match > MATCHED)),
        ("no donors", lambda r: r.without_donors),
        ("drums grid", lambda r: r.drums_on_grid),
        ("grid", lambda r: r.master_on_grid),
        ("attack dB", lambda r: r.attack),
        ("key s/r", lambda r: None if r.key_relation is None else float(r.key_relation != "other")),
        ("run bars", lambda r: r.run.bars),
        ("passage s", lambda r: r.passage),
        ("drop-break", lambda r: r.contrast),
        ("quietest", lambda r: r.quietest[0]),
        ("energy", lambda r: r.measured_energy),
        ("CPU s", lambda r: r.cpu),
    )
    lines = [f"{'without':<12}" + "".join(f"{name:>11}" for name, _ in columns)]
    for name, reports in found.items():
        cells = []
        for _, of in columns:
            values = [value for r in reports if (value := of(r)) is not None]
            cells.append(f"{np.mean(values):>11.2f}" if values else f"{'–':>11}")
        lines.append(f"{name:<12}{''.join(cells)}")
    return "\n".join(lines)


def one_line(r: Report) -> str:
    """A take in one line, for whoever looks for the misses."""
    shown = lambda x, form: "–" if x is None else format(x, form)  # noqa: E731
    return (
        f"{r.catalog[:14]:<14} {r.label:<13} {r.style:<4} match {r.match:.2f}/{shown(r.without_donors, '.2f')} "
        f"({' '.join(f'{name[:3]} {value:.2f}' for name, value in r.aspects.items())}) "
        f"bpm {r.bpm:g}→{shown(r.measured_bpm, '.2f')} held {shown(r.held.error, '+.3%')}{r.held.why} "
        f"grid {shown(r.drums_on_grid, '.2f')}/{shown(r.master_on_grid, '.2f')} "
        f"key {r.key}→{r.measured_key} E {r.energy:g}→{r.measured_energy:.2f} "
        f"LU {shown(r.loudness_error, '+.2f')} of {r.target_lufs:g} tp {r.true_peak:.2f} null {r.null:.0f} "
        f"run {r.run.bars} bars {r.run.seconds:.1f} s {r.run.layer} fp {r.passage:.1f} s share {r.largest_share:.2f} "
        f"of {r.sources} quiet {r.quietest[0]:.0f}@{r.quietest[1]:.0f} s contrast {shown(r.contrast, '.1f')} "
        f"CPU {r.cpu:.1f} stretch {r.stretches[0]:.2f}–{r.stretches[1]:.2f} shift {r.shifts} "
        f"[{' '.join(f'{lv.name[:2]}{lv.lufs:.0f}' for lv in r.levels)}] "
        f"{' '.join(f'{s}:{m:.2f}' for s, m in r.candidates if m is not None)}"
    )
