"""What the queue calls. The dotted names stay: queued rows carry them."""

from __future__ import annotations


def declare(external_id: int) -> str:
    from provenance.outbox import run

    return run(external_id)


def timestamp(timestamp_id: int) -> str:
    from provenance.timestamps import run

    return run(timestamp_id)


def anchor(anchor_id: int) -> str:
    from provenance.anchor_writing import run

    return run(anchor_id)
