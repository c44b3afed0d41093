from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from catalog.audio.decode import decode
from catalog.audio.errors import AudioError
from catalog.audio.fingerprint import fingerprint
from generation.models import GeneratedTrack
from provenance import finding, late_fingerprints


class Command(BaseCommand):
    help = (
        "Enters every certified recording into the index that recognises altered copies: stamps from before there "
        "was one. The workers do it too, except for takes that never had a fingerprint, whose sound is read here. "
        "It may be stopped and started again."
    )

    def handle(self, **_: Any) -> None:
        entered = heard = gone = 0
        while done := late_fingerprints.enter_waiting() + late_fingerprints.keep_of_uploads():
            entered += done
        lacking = GeneratedTrack.objects.filter(certificate__isnull=False, certificate__fingerprint=None)
        for take in lacking.select_related("certificate").order_by("created_at").iterator(chunk_size=100):
            try:
                sound = decode(take.file("wav"))
            except (OSError, AudioError):
                gone += 1
                continue
            assert take.certificate is not None  # noqa: S101  asked for above
            finding.keep(take.certificate, fingerprint(sound.samples, sound.sample_rate))
            heard += 1
        self.stdout.write(
            f"{entered} fingerprints entered, {heard} takes listened to; of {gone} takes the sound is gone."
        )
