"""What a training learned: its losses over its steps."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.safestring import SafeString

from catalog.svg.draw import number, picture, safe, text

Points = Sequence[Sequence[float]]


def losses(train: Points, validation: Points, steps: int) -> SafeString:
    """Training as a grey line, validation in ink with a mark at its lowest. Points are [step, loss]."""
    values = [loss for _, loss in [*train, *validation]]
    if not validation or not values:
        return SafeString("")
    low, high = min(values), max(values)
    pad = max(0.02, (high - low) * 0.08)
    low, high = low - pad, high + pad
    best_step, best = min(validation, key=lambda point: point[1])
    first, last = validation[0][1], validation[-1][1]
    label = (
        f"Loss on tracks kept apart: {first:.2f} before training, {last:.2f} at step {validation[-1][0]:.0f}, "
        f"lowest {best:.2f} at step {best_step:.0f}"
    )
    drawings = []
    for width, height, kind in ((720.0, 260.0, "wide"), (342.0, 220.0, "slim")):
        left, right, floor = 44.0, width - 8, height - 30

        def at(
            step: float, loss: float, left: float = left, right: float = right, floor: float = floor
        ) -> str:
            x = left + (right - left) * min(1.0, step / max(1, steps))
            y = 12 + (floor - 12) * (high - loss) / (high - low)
            return f"{number(x)} {number(y)}"

        body = [f'<path class="hair" d="M{number(left)} {number(floor + 0.5)}H{number(right)}"/>']
        for part in (0.0, 0.5, 1.0):
            loss = low + pad + (high - low - 2 * pad) * part
            height_of = float(at(0, loss).split()[1])
            body.append(text(left - 8, height_of + 4, f"{loss:.2f}", 12, "soft", "end"))
        for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
            across = left + (right - left) * part
            body.append(text(across, height - 10, f"{round(steps * part):,}", 12, "soft", anchor))
        if len(train) > 1:
            body.append(f'<path class="learned" d="M{"L".join(at(*point) for point in train)}"/>')
        if len(validation) > 1:
            body.append(f'<path class="tested" d="M{"L".join(at(*point) for point in validation)}"/>')
        x, y = at(best_step, best).split()
        body.append(f'<circle class="ink" cx="{x}" cy="{y}" r="4"/>')
        drawings.append(picture(width, height, label, body, f'class="picture {kind}"'))
    return safe(drawings)
