"""How far the analysis of a catalog is, and how long the rest will take at the pace seen here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q, Sum
from django.utils import timezone

from catalog.models import Artist, Track

LATEST = 20  # analyses the pace is taken from
ENOUGH = 5
# No track in work for so long, and what came before says nothing about the pace of now.
IDLE = timedelta(seconds=30)


@dataclass(frozen=True)
class Progress:
    """Tracks with audio: analysed, waiting (running ones too), running, failed.

    seconds_left: None when nothing waits, and while too few were analysed in this stretch to tell.
    """

    analysed: int
    waiting: int
    running: int
    failed: int
    seconds_left: float | None

    @property
    def over(self) -> int:
        return self.analysed + self.failed

    @property
    def total(self) -> int:
        return self.over + self.waiting

    @property
    def done(self) -> str:
        """The count in words."""
        failed = f" {self.failed:,} failed." if self.failed else ""
        return f"{self.analysed:,} of {self.total:,} analyzed.{failed}"

    @property
    def left(self) -> str:
        """The time left in words; "" when nothing waits."""
        if not self.waiting:
            return ""
        if self.seconds_left is None:
            return "How long the rest takes shows after the first few."
        return f"About {spoken(self.seconds_left)} left on this machine."


def spoken(seconds: float) -> str:
    """A duration no more exact than an estimate is: "40 seconds", "38 minutes", "3.5 hours"."""
    if seconds < 90:
        return f"{max(10, round(seconds / 10) * 10)} seconds"
    if seconds < 90 * 60:
        return f"{max(2, round(seconds / 60))} minutes"
    hours = round(seconds / 1800) / 2
    return f"{hours:g} hours"


def of(artist: Artist, *, now: datetime | None = None) -> Progress:
    counts = Track.objects.of(artist).aggregate(
        analysed=Count("pk", filter=Q(status=Track.READY)),
        waiting=Count("pk", filter=Q(status__in=[Track.QUEUED, Track.RUNNING])),
        running=Count("pk", filter=Q(status=Track.RUNNING)),
        failed=Count("pk", filter=Q(status=Track.FAILED)),
        under_way=Sum("progress", filter=Q(status=Track.RUNNING)),
    )
    under_way = counts.pop("under_way") or 0.0
    left = None
    if counts["waiting"] and (pace := _pace(artist, under_way, now or timezone.now())):
        left = max(1.0, (counts["waiting"] - under_way) / pace)
    return Progress(**counts, seconds_left=left)


def _pace(artist: Artist, under_way: float, now: datetime) -> float | None:
    """Tracks per second over the present stretch of work, by the clock on the wall: however many workers."""
    ended = Track.objects.of(artist).filter(
        status__in=[Track.READY, Track.FAILED], started_at__isnull=False, finished_at__isnull=False
    )
    latest = list(ended.order_by("-finished_at").values_list("started_at", "finished_at")[:LATEST])
    began, count, newest = now, 0, None
    for started, finished in latest:
        if started is None or finished is None:
            continue
        newest = newest or finished
        # The newest counts from now: a long silence after it slows the pace, as it should, until it ends it.
        if count and finished < began - IDLE:
            break
        began, count = min(began, started), count + 1
    seconds = (now - began).total_seconds()
    if newest is None or count < ENOUGH or seconds <= 0 or newest < now - 10 * IDLE:
        return None
    return (count + under_way) / seconds
