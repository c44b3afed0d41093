"""Numbers, times and words as the pages write them, and the pictures drawn from data."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog import svg, tracing

register = template.Library()


@register.simple_tag(takes_context=True)
def tab(context: template.Context, words: str, view: str, *family: str) -> SafeString:
    """A navigation link; the page it leads to, and the `family` of pages below it, mark it as current."""
    request: HttpRequest | None = context.get("request")
    match = getattr(request, "resolver_match", None)
    here = match.view_name if match else ""
    try:
        url = reverse(view)
    except NoReverseMatch:
        return SafeString("")
    current = SafeString(' aria-current="page"') if here in {view, *family} else ""
    return format_html('<a href="{}"{}>{}</a>', url, current, words)


@register.filter
def percent(value: Any) -> str:
    """.874 -> "87.4%"."""
    return "" if value is None else f"{float(value) * 100:.1f}%"


@register.filter
def point(value: Any) -> str:
    """.82 -> ".82", 1.0 -> "1.00": a share as a number without its idle zero."""
    if value is None or value == "":
        return ""
    text = f"{float(value):.2f}"
    return text[1:] if text.startswith("0.") else text


@register.filter
def clock(seconds: Any) -> str:
    """91.4 -> "1:31"."""
    if seconds is None or seconds == "":
        return ""
    whole = round(float(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


@register.filter
def tenth(value: Any) -> str:
    """A measured value beside a request: one decimal, a real minus sign."""
    return "" if value is None else f"{float(value):.1f}".replace("-", "\u2212")


@register.filter
def whole(value: Any) -> str:
    return "" if value is None else f"{round(float(value)):,}"


@register.filter
def middle(text: Any, keep: int = 6) -> str:
    """A long hash with its middle left out."""
    text = str(text or "")
    return text if len(text) <= 2 * keep + 1 else f"{text[:keep]}…{text[-keep:]}"


# --- pictures: catalog.svg for templates ---------------------------------------------------------------------


@register.simple_tag
def request_number() -> str:
    """The number by which the log knows this request."""
    return tracing.current()


@register.simple_tag
def waves(peaks: Any, height: int = 120, wide: int = 288, slim: int = 96) -> SafeString:
    return svg.waves(peaks or [], wide=wide, slim=slim, height=height)


@register.simple_tag
def wave(peaks: Any, count: int = 60, height: int = 28) -> SafeString:
    return svg.wave(peaks or [], count, height)


@register.simple_tag
def parts(sections: Any, duration: Any) -> SafeString:
    return svg.sections(sections or [], float(duration or 0))


@register.simple_tag
def curve(read: Any, duration: Any) -> SafeString:
    """The energy curve of a `TrackAnalysis` under its waveform."""
    if read is None:
        return SafeString("")
    return svg.energy_curve(read.energy_curve, read.bars.start, read.bars.end, float(duration or 0))


@register.filter
def levels(peaks: Any, count: int = 180) -> str:
    """Heights of the player's bars in percent: "3,40,…"."""
    return ",".join(str(round(level * 100)) for level in svg.levels(peaks or [], int(count)))


@register.simple_tag
def share(value: Any) -> SafeString:
    return svg.share(float(value or 0))


@register.simple_tag
def palette_picture(dna: dict[str, Any]) -> SafeString:
    return svg.palette(dna.get("sonic_palette") or {}, dna.get("sonic_palette_reference"))


@register.simple_tag
def tempo_picture(profile: dict[str, Any]) -> SafeString:
    return svg.tempo(profile.get("histogram") or [], profile.get("p10"), profile.get("p90"))


@register.simple_tag
def key_picture(profile: dict[str, Any]) -> SafeString:
    return svg.key_wheel(profile.get("counts") or [], (profile.get("leading") or {}).get("name", ""))


@register.simple_tag
def key_control(profile: dict[str, Any], asked: str, now: str) -> SafeString:
    """The wheel to choose a key on. asked: the artist's own choice, or nothing; now: the key that would be taken."""
    return svg.key_control((profile or {}).get("counts") or [], asked or now or "", own=bool(asked))


@register.simple_tag
def energy_picture(profile: dict[str, Any]) -> SafeString:
    return svg.energy(
        profile.get("histogram") or [], profile.get("p10"), profile.get("p50"), profile.get("p90")
    )


@register.simple_tag
def genealogy_picture(dna: dict[str, Any]) -> SafeString:
    return svg.genealogy(dna.get("influence_genealogy") or {}, int(dna.get("track_count") or 0))


@register.simple_tag
def drift_picture(profile: dict[str, Any]) -> SafeString:
    return svg.drift(profile or {})


@register.simple_tag
def beside_picture(profile: dict[str, Any]) -> SafeString:
    return svg.beside(profile)


@register.simple_tag
def agreement_picture(dna: dict[str, Any]) -> SafeString:
    return svg.agreement(float(dna["taste_coherence"]), (dna.get("taste_coherence_detail") or {}).get("sd"))


@register.simple_tag
def built_picture(take: Any) -> SafeString:
    sources = [str(one["id"]) for one in (take.novelty or {}).get("bars_by_source", [])]
    bars = max((int(one["first_bar"]) + int(one["bars"]) for one in take.sections or []), default=0)
    return svg.built_from(take.built_from or [], bars, sources)


@register.simple_tag
def loss_picture(adapter: Any) -> SafeString:
    curves = adapter.curves or {}
    return svg.losses(curves.get("train") or [], curves.get("validation") or [], adapter.steps)


@register.simple_tag
def turned(query: dict[str, str], **changes: Any) -> str:
    """The query string of this list with something changed: `{% turned query page=2 %}`."""
    merged = {name: str(value) for name, value in {**query, **changes}.items() if value not in ("", None)}
    return "?" + urlencode(merged)


@register.simple_tag(takes_context=True)
def order(context: template.Context, words: str, name: str) -> SafeString:
    """The head of a sortable column: a link that sorts by it, and turns the order when it already does."""
    query: dict[str, str] = context.get("query") or {}
    now = query.get("sort", "")
    state = {name: "ascending", f"-{name}": "descending"}.get(now)
    after = f"-{name}" if now == name else name
    arrow = {"ascending": " ↑", "descending": " ↓", None: ""}[state]
    return format_html(
        '<a href="{}#tracks"{}>{}{}</a>',
        turned(query, sort=after),
        format_html(' aria-label="{}, {}"', words, state) if state else "",
        words,
        arrow,
    )


@register.filter
def span(seconds: Any) -> str:
    """25.3 -> "25 seconds", 130 -> "2 minutes". Never more precise than an estimate is."""
    if seconds is None or seconds == "":
        return ""
    value = float(seconds)
    if value < 90:
        whole = max(1, round(value))
        return f"{whole} second{'' if whole == 1 else 's'}"
    minutes = round(value / 60)
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


@register.filter
def wholepercent(value: Any) -> str:
    return f"{round(float(value or 0) * 100)}%"


@register.filter
def sound(take: Any) -> str:
    """Where the player hears a take."""
    return f"{reverse('api-generated-track-audio', args=[take.pk])}?format=preview"


@register.filter
def words(name: Any) -> str:
    """A name of the API as people write it: "sonic_palette" -> "Sonic palette"."""
    return str(name).replace("_", " ").capitalize()


@register.filter
def commands(text: Any) -> SafeString:
    """What stands between backticks, as a command to type."""
    pieces = str(text).split("`")
    shown = ('<code class="mono">{}</code>' if place % 2 else "{}" for place in range(len(pieces)))
    return format_html("".join(shown), *pieces)


@register.filter
def layers(names: Any) -> str:
    """["bass", "drums"] -> "Drums, bass": in the order of a score."""
    ordered = sorted(
        names, key=lambda one: (svg.LAYERS.index(one) if one in svg.LAYERS else len(svg.LAYERS), one)
    )
    return ", ".join(ordered).capitalize()
