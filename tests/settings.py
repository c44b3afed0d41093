"""The product's settings with a data folder of its own, so that no test touches anyone's music."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

# Of its own for each of the processes that share the suite; what a test starts works on its test's.
if os.environ.get("STARFORGE_TEST_DATA_OF") != os.environ.get("PYTEST_XDIST_WORKER", ""):
    os.environ["STARFORGE_TEST_DATA_OF"] = os.environ.get("PYTEST_XDIST_WORKER", "")
    os.environ["STARFORGE_TEST_DATA"] = tempfile.mkdtemp(prefix="starforge-test-")
    atexit.register(shutil.rmtree, os.environ["STARFORGE_TEST_DATA"], ignore_errors=True)
os.environ["STARFORGE_DATA"] = os.environ["STARFORGE_TEST_DATA"]
# Hundreds of tests share one address within a minute. What a rate does is tested with a rate of its own.
os.environ.setdefault("STARFORGE_RATE_ANON", "100000/min")
os.environ.setdefault("STARFORGE_RATE_USER", "100000/min")
os.environ.setdefault("STARFORGE_RATE_SHARED", "100000/min")
os.environ.setdefault("STARFORGE_RATE_TOKEN", "100000/min")

from starforge_site.settings import *  # noqa: F403
from starforge_site.settings import DATABASES, STATIC_ROOT

STATIC_ROOT.mkdir(exist_ok=True)

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, not memory: WAL, locks and other threads behave as they will for the artist.
    DATABASES["default"]["TEST"] = {"NAME": str(Path(os.environ["STARFORGE_DATA"]) / "test.sqlite3")}

# Hashing a password well takes a third of a second; the suite signs up hundreds of people.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
