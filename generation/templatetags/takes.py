"""What only the page of a take draws."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString

from catalog.svg.draw import safe
from generation.evolution.drawing import Series, for_page
from generation.models import GeneratedTrack

register = template.Library()


@register.filter
def stretched(value: Any) -> str:
    """Source seconds for each second of the take, as a change of tempo: 1.031 -> "3.1% faster"."""
    if value is None:
        return ""
    change = (float(value) - 1.0) * 100
    return "as it is" if abs(change) < 0.05 else f"{abs(change):.1f}% {'faster' if change > 0 else 'slower'}"


@register.filter
def shifted(semitones: Any) -> str:
    """2 -> "2 semitones up"."""
    moved = int(semitones or 0)
    if not moved:
        return "as it is"
    return f"{abs(moved)} semitone{'' if abs(moved) == 1 else 's'} {'up' if moved > 0 else 'down'}"


@register.filter
def moment(seconds: Any) -> str:
    """A place in a recording: 63.24 -> "1:03.2"."""
    if seconds is None:
        return ""
    tenths = round(float(seconds) * 10)
    return f"{tenths // 600}:{tenths % 600 // 10:02d}.{tenths % 10}"


@register.simple_tag
def drift_of_takes(series: Series) -> SafeString:
    return safe([for_page(series)])


@register.simple_tag
def stem_sound(take: GeneratedTrack, name: str) -> str:
    """Where the player hears a stem."""
    return reverse("api-generated-track-stem", args=[take.pk, name])
