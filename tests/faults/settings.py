"""The product's settings for a run of faults: a quick engine, a short patience with a locked database."""

from __future__ import annotations

from starforge_site.settings import *  # noqa: F403
from starforge_site.settings import DATABASES, STARFORGE_ENGINES, STATIC_ROOT

STATIC_ROOT.mkdir(exist_ok=True)
STARFORGE_ENGINES = [STARFORGE_ENGINES[0], "tests.faults.quick.Quick", "tests.faults.quick.QuickNetwork"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOCK_SECONDS = 1.5
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"]["timeout"] = LOCK_SECONDS
