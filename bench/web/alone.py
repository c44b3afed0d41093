"""What one page costs by itself: in this process, without a server, with nothing else asked of it."""

from __future__ import annotations

import re
import statistics
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

TIMES = 5


@dataclass(frozen=True)
class Cost:
    route: str
    milliseconds: float  # the median
    queries: int


def cost(client: Any, route: str, path: str) -> Cost:
    """The median of a few times, once it is warm; queries are counted on the last."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    took = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        answer = client.get(path)
        for _ in answer.streaming_content if answer.streaming else ():
            pass
        took.append(1000 * (time.perf_counter() - began))
        assert answer.status_code in {200, 302}, f"{path} answered {answer.status_code}"
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    return Cost(route, statistics.median(took[1:]), len(asked))


def slowest_queries(client: Any, path: str, count: int = 5) -> list[tuple[float, str]]:
    """(milliseconds, SQL without its values) of what a page asks the database, the slowest first."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    spent: Counter[str] = Counter()
    for one in asked.captured_queries:
        spent[re.sub(r"\s+", " ", one["sql"])[:600]] += round(1000 * float(one["time"]))
    return [(taken, sql) for sql, taken in spent.most_common(count)]


def similarity(vectors: int = 100_000, times: int = 20) -> tuple[float, float]:
    """(median, worst) milliseconds of a match against a catalog of so many vectors, once that is calibrated."""
    from catalog.similarity import Background, CatalogModel

    random = np.random.default_rng(1)
    known = Background.load()
    middle = np.asarray(known.vectors[0], dtype=np.float32)
    stacked = (middle + 0.3 * random.standard_normal((vectors, middle.size))).astype(np.float32)
    model = CatalogModel(list(range(vectors)), stacked, known)
    model.match(stacked[0])
    took = []
    for number in range(times):
        began = time.perf_counter()
        model.match(stacked[number] + np.float32(0.01))
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took), max(took)
