"""What the catalog tells the apps above it, which it does not know."""

from __future__ import annotations

from django.dispatch import Signal

# sender: Track; track: as it will be when the transaction that sends this is committed. Its analysis is there.
track_analysed = Signal()

# sender: Track; track_ids: of recordings that were withdrawn. Their files are gone; their rows may be there by name.
sound_gone = Signal()
