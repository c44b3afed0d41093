"""What the queue calls. The dotted names stay: queued rows carry them."""

from __future__ import annotations


def run(generation_id: str) -> str:
    from generation.pipeline import run

    return run(generation_id)


def restore(take_id: str) -> str:
    from generation.restoring import run

    return run(take_id)


def train(adapter_id: str) -> str:
    import os

    from generation.fine_tuning import run

    os.setpriority(os.PRIO_PROCESS, 0, 10)  # whoever waits at a page comes first
    return run(adapter_id)


def pack(export_id: str) -> str:
    from generation.archives import run

    return run(export_id)


def purge_expired() -> str:
    from generation.retention import purge

    done = purge()
    return f"{done.takes} takes, {done.freed} bytes"
