"""How much the tracks of a catalog agree, on the scale from chance to identity."""

from __future__ import annotations

from django.utils.safestring import SafeString

from catalog.svg.draw import number, picture, safe, text


def agreement(value: float, spread: float | None) -> SafeString:
    """Coherence as a mark between 0 (tracks drawn at random) and 1 (one track again and again).

    The grey bar is two standard deviations to either side, over random draws of the tracks.
    """
    label = (
        f"Coherence {value * 100:.1f}% on a scale from 0, tracks drawn at random, to 100, identical tracks"
    )
    drawings = []
    for width, kind in ((720.0, "wide"), (342.0, "slim")):
        body = [f'<path class="hair" d="M0 20.5H{number(width)}"/>']
        if spread is not None:
            low, high = max(0.0, value - 2 * spread) * width, min(1.0, value + 2 * spread) * width
            body.append(f'<path class="past" d="M{number(low)} 16H{number(high)}v9H{number(low)}z"/>')
        body.append(f'<path class="mark thick" d="M{number(value * width)} 8v25"/>')
        body.append(text(0, 52, "0 drawn at random", 12, "soft"))
        body.append(text(width, 52, "identical 100", 12, "soft", "end"))
        drawings.append(picture(width, 58, label, body, f'class="picture {kind}"'))
    return safe(drawings)
