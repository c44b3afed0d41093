from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from catalog.analysis import analyse
from catalog.audio.decode import decode
from catalog.audio.errors import AudioError
from generation.models import GeneratedTrack
from generation.pipeline import SAMPLE_RATE


class Command(BaseCommand):
    help = "Measures the sound of takes made before that was kept, so that the evolution counts them."

    def handle(self, **_: Any) -> None:
        done = gone = 0
        takes = GeneratedTrack.objects.filter(vector=b"").only("audio_path", "filename")
        for take in takes.order_by("created_at"):
            try:
                sound = decode(take.file("wav"), sample_rate=SAMPLE_RATE).samples
            except (OSError, AudioError):
                gone += 1
                continue
            take.vector = analyse(sound, SAMPLE_RATE).vector.astype("<f4").tobytes()
            take.save(update_fields=["vector"])
            done += 1
        self.stdout.write(f"{done} takes measured; of {gone} the sound is gone.")
