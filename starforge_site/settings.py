"""Every setting, from the environment only. `docs/settings.md` lists them."""

from __future__ import annotations

import os
from pathlib import Path

from starforge_site import env

BASE_DIR = Path(__file__).resolve().parent.parent
STARFORGE_DATA = Path(env.text("STARFORGE_DATA", str(BASE_DIR / "var"))).resolve()
STARFORGE_DATA.mkdir(parents=True, exist_ok=True)

# --- who may talk to us ---------------------------------------------------------------------------
DEBUG = env.flag("STARFORGE_DEBUG")
SECRET_KEY = env.secret("STARFORGE_SECRET_KEY", STARFORGE_DATA / "secrets")
# Which cells of a recording its watermark raises and lowers: see docs/watermark.md.
WATERMARK_SECRET = env.secret("STARFORGE_WATERMARK_SECRET", STARFORGE_DATA / "secrets")
ALLOWED_HOSTS = env.words("STARFORGE_HOSTS", "localhost,127.0.0.1,[::1]")
STARFORGE_PUBLIC_URL = env.text("STARFORGE_PUBLIC_URL").rstrip("/")
CSRF_TRUSTED_ORIGINS = [STARFORGE_PUBLIC_URL] if STARFORGE_PUBLIC_URL else []
BEHIND_TLS = STARFORGE_PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "drf_spectacular",
    "django_q",
    "starforge_site",
    "catalog",
    "provenance",
    "generation",
]

MIDDLEWARE = [
    "starforge_site.observing.Observed",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "starforge_site.middleware.ContentSecurityPolicy",
    "starforge_site.middleware.TurnedPages",
    "starforge_site.middleware.NoNul",
    "starforge_site.middleware.Asking",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "starforge_site.urls"
ASGI_APPLICATION = "starforge_site.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "starforge_site.context.product",
                "starforge_site.context.shell",
            ],
        },
    }
]

# --- where things are kept --------------------------------------------------------------------------
DATABASES = {"default": env.database(env.text("DATABASE_URL"), STARFORGE_DATA / "starforge.sqlite3")}
if DATABASES["default"]["ENGINE"].endswith("postgresql"):
    # A connection costs 45 ms; workers keep theirs. Web threads under ASGI come and go: they do not.
    DATABASES["default"]["CONN_MAX_AGE"] = 60 if os.environ.get("Q_CLUSTER_NAME") else 0
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Drawn once, named by what they say. A third of them, whichever, makes room when there are more.
    "pictures": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": STARFORGE_DATA / "cache" / "pictures",
        "TIMEOUT": 30 * 86400,
        "OPTIONS": {"MAX_ENTRIES": 1000},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = Path(env.text("STARFORGE_MEDIA", str(STARFORGE_DATA / "media")))
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = STARFORGE_DATA / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0  # revalidated by ETag: an upgrade is seen at once
FILE_UPLOAD_TEMP_DIR = STARFORGE_DATA / "incoming"
FILE_UPLOAD_TEMP_DIR.mkdir(exist_ok=True)
# Decoded audio lies here while it is looked at (catalog/audio/decode.py): /tmp is memory on many machines.
SCRATCH = Path(env.text("STARFORGE_SCRATCH", str(STARFORGE_DATA / "scratch"))).resolve()
SCRATCH.mkdir(parents=True, exist_ok=True)
os.environ["STARFORGE_SCRATCH"] = str(SCRATCH)
# Weights of neural engines. Their modules know no Django and read it from the environment.
STARFORGE_MODELS = Path(env.text("STARFORGE_MODELS", str(STARFORGE_DATA / "models"))).resolve()
os.environ["STARFORGE_MODELS"] = str(STARFORGE_MODELS)
# Where weights are fetched from, by the names that the hub's own tools use.
STARFORGE_HUB = env.address("HF_ENDPOINT") or "https://huggingface.co"
STARFORGE_HUB_TOKEN = env.given_secret("HF_TOKEN")
# The hosted Stable Audio, which its engine reads from the environment too.
os.environ["STARFORGE_STABILITY_KEY"] = env.given_secret("STARFORGE_STABILITY_KEY")
os.environ["STARFORGE_STABILITY_URL"] = env.address("STARFORGE_STABILITY_URL") or "https://api.stability.ai"
os.environ["STARFORGE_PAID"] = env.text("STARFORGE_PAID", str(STARFORGE_DATA / "paid"))
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20

# --- people -----------------------------------------------------------------------------------------
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# The plan that artists start with; what each includes: generation/allowance.py.
STARFORGE_PLAN = env.choice("STARFORGE_PLAN", ("SELF-HOSTED", "FREE", "PRO", "ELITE"), "SELF-HOSTED").lower()
# Days for which a self-hosted installation keeps the full audio of takes. 0: for ever.
STARFORGE_KEEP_DAYS = env.integer("STARFORGE_KEEP_DAYS", 0)
# Wrong passwords at one account, from all addresses together, and how long security events are kept.
STARFORGE_RATE_ACCOUNT = env.rate("STARFORGE_RATE_ACCOUNT", "20/hour")
STARFORGE_SECURITY_DAYS = env.integer("STARFORGE_SECURITY_DAYS", 365, least=1)
LOGIN_URL = "/account/login/"
LOGIN_REDIRECT_URL = "/generate/"
LOGOUT_REDIRECT_URL = "/"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

# --- API --------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "catalog.tokens.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["catalog.api.parsers.BoundedJSON"],
    "DEFAULT_METADATA_CLASS": None,  # the schema describes; OPTIONS is not answered
    "DEFAULT_PAGINATION_CLASS": "starforge_site.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.AnonRateThrottle",
        "generation.plan_rates.PlanThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "anon": env.rate("STARFORGE_RATE_ANON", "60/min"),
        "user": env.rate("STARFORGE_RATE_USER", "1200/min"),
        "report": env.rate("STARFORGE_RATE_REPORT", "10/hour"),
        "shared": env.rate("STARFORGE_RATE_SHARED", "120/min"),
        "token": env.rate("STARFORGE_RATE_TOKEN", "10/min"),
    },
    # X-Forwarded-For is believed only where a proxy of ours writes it: else anybody could write a new address.
    "NUM_PROXIES": 1 if BEHIND_TLS else 0,
    "EXCEPTION_HANDLER": "starforge_site.problems.handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Starforge",
    "DESCRIPTION": "Your catalog, your DNA, new music in your style, and proof of where it came from.",
    "VERSION": "1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "TrackStatus": "catalog.api.track_json.STATES",
        "ImportStatus": "catalog.api.import_json.STATES",
        "GenerationStatus": "generation.api.take_json.STATES",
    },
}

# --- work -------------------------------------------------------------------------------------------
# The rows are the jobs (catalog/jobs.py); the queue only carries wake-ups, so it never retries by itself.
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
Q_CLUSTER = {
    "name": "cpu",
    "orm": "default",
    "broker_class": "catalog.queue.OneInHand",
    "workers": 1,
    "queue_limit": 1,
    "bulk": 1,
    "timeout": 1800,
    "retry": 1860,
    "max_attempts": 1,
    "ack_failures": True,
    "save_limit": 100,
    "recycle": 10_000,
    "poll": 0.2,
    "catch_up": False,
    "label": "Queue",
    "ALT_CLUSTERS": {
        # A network on a processor may well take hours for a long take.
        "gpu": {"workers": 1, "timeout": 6 * 3600, "retry": 6 * 3600 + 60},
        # Its jobs come in slices far shorter than this.
        "train": {"workers": 1, "timeout": 3600, "retry": 3660},
    },
}
STARFORGE_RECOVER = [
    "catalog.security.recover",
    "catalog.intake.recover",
    "catalog.importing.recover",
    "generation.lifecycle.recover",
    "provenance.outbox.recover",
    "provenance.anchoring.recover",
    "provenance.timestamps.recover",
    "provenance.late_fingerprints.recover",
]
STARFORGE_WORKERS = env.integer("STARFORGE_WORKERS", max(1, os.cpu_count() or 1), least=1)
STARFORGE_TRAIN_SLICE_SECONDS = env.integer("STARFORGE_TRAIN_SLICE_SECONDS", 120, least=1)
STARFORGE_TOKEN_CACHE_BYTES = env.integer("STARFORGE_TOKEN_CACHE_MB", 1024, least=1) * 2**20
# Workers of `manage.py up` for neural engines alone. Not said: its other workers do that work too. 0: other hosts do.
STARFORGE_GPU_WORKERS = env.integer("STARFORGE_GPU_WORKERS", 0) if env.text("STARFORGE_GPU_WORKERS") else None
STARFORGE_ENGINES = env.words(
    "STARFORGE_ENGINES",
    "generation.engines.mosaic.engine.Mosaic,generation.engines.musicgen.engine.MusicGen,"
    "generation.engines.audiogen.engine.AudioGen,"
    "generation.engines.stable_audio.engine.StableAudio,generation.engines.stability.engine.StabilityAPI",
)
STARFORGE_SIGNER = env.text("STARFORGE_SIGNER", "provenance.keys.file_signer")
STARFORGE_C2PA = env.flag("STARFORGE_C2PA", default=True)
# Where stamps are declared besides here; nowhere without an address.
STARFORGE_O8_URL = env.address("STARFORGE_O8_URL")
STARFORGE_O8_KIND = env.choice("STARFORGE_O8_KIND", ("DECLARATIONS", "PLAN", "V2"), "DECLARATIONS").lower()
STARFORGE_O8_DECLARE = env.choice("STARFORGE_O8_DECLARE", ("ALL", "ASKED"), "ALL").lower()
STARFORGE_O8_TOKEN = env.given_secret("STARFORGE_O8_TOKEN")
STARFORGE_O8_WALLET = env.text("STARFORGE_O8_WALLET")
STARFORGE_O8_IDENTITY = env.text("STARFORGE_O8_IDENTITY")
STARFORGE_O8_SECONDS = env.integer("STARFORGE_O8_SECONDS", 10, least=1)
# Where states of the log are written down besides here; on no chain without all three.
STARFORGE_EVM_URL = env.address("STARFORGE_EVM_URL")
STARFORGE_EVM_CHAIN = env.integer("STARFORGE_EVM_CHAIN", 0)
STARFORGE_EVM_CONTRACT = env.matching(
    "STARFORGE_EVM_CONTRACT", r"0x[0-9a-fA-F]{40}", "0x and 40 hexadecimal digits"
).lower()
STARFORGE_EVM_KEY = env.given_secret("STARFORGE_EVM_KEY")
STARFORGE_EVM_TOKEN = env.given_secret("STARFORGE_EVM_TOKEN")
STARFORGE_EVM_HOURS = env.integer("STARFORGE_EVM_HOURS", 24, least=1)
STARFORGE_EVM_CONFIRMATIONS = env.integer("STARFORGE_EVM_CONFIRMATIONS", 12)
STARFORGE_EVM_GWEI = env.integer("STARFORGE_EVM_GWEI", 100, least=1)
STARFORGE_EVM_SECONDS = env.integer("STARFORGE_EVM_SECONDS", 10, least=1)
# Who else signs the time of a stamp; nobody without an address.
STARFORGE_TSA_URL = env.address("STARFORGE_TSA_URL")
STARFORGE_TSA_ROOTS = env.text("STARFORGE_TSA_ROOTS")
STARFORGE_TSA_SECONDS = env.integer("STARFORGE_TSA_SECONDS", 10, least=1)
STARFORGE_MIN_TRACKS = 10
STARFORGE_CORPUS_CACHE_BYTES = env.integer("STARFORGE_CORPUS_CACHE_MB", 2048) * 2**20
STARFORGE_UPLOAD_BYTES = env.integer("STARFORGE_UPLOAD_MB", 400, least=1) * 2**20
STARFORGE_UPLOAD_SECONDS = env.integer("STARFORGE_UPLOAD_MINUTES", 30, least=1) * 60

# Who may read /metrics besides this machine itself; with a token, whoever sends it.
STARFORGE_METRICS_TOKEN = env.given_secret("STARFORGE_METRICS_TOKEN")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "starforge_site.logs.Line"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.choice("STARFORGE_LOG_LEVEL", LOG_LEVELS, "INFO")},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.server": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "django-q": {"level": "WARNING"},
    },
}
