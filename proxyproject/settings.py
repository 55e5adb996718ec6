"""Environment in, constants out. Every name is described in docs/reference/settings.md."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from proxyproject.address import last_address
from proxyproject.environment import (
    SECRET_NAMES,
    Environment,
    ensure_secrets,
    keep_private,
    log_directory,
)
from proxyproject.unfold import unfold_settings
from usage.patience import PATIENCE
from usage.transcripts.policy import LEVELS, redaction_form, redaction_text
from usage.transcripts.segments import NAMES

BASE_DIR = Path(__file__).resolve().parent.parent

_env = Environment()
_env.lay(BASE_DIR / ".env")

MODE = _env.choice("MODE", "development", ("development", "production"))
PRODUCTION = MODE == "production"
DEBUG = _env.flag("DEBUG", default=False)
if PRODUCTION and DEBUG:
    _env.problems.append("DEBUG is yes; in production it would show strangers tracebacks.")
VAR_DIR = Path(_env.text("VAR_DIR", str(BASE_DIR / "var"))).resolve()

SECRETS_FILE = VAR_DIR / "secrets.env"
if not PRODUCTION and not all(os.environ.get(name) for name in SECRET_NAMES):
    ensure_secrets(SECRETS_FILE)
_env.lay(SECRETS_FILE)
SECRET_KEY = _env.secret("SECRET_KEY", strict=PRODUCTION)
KEY_PEPPERS = _env.ring("KEY_PEPPER", strict=PRODUCTION)
ENCRYPTION_KEYS = _env.ring("ENCRYPTION_KEYS", strict=PRODUCTION)
SECRET_FILES_DIR = _env.directory("SECRET_FILES_DIR", "/run/secrets")

# Where people and programs reach us
PUBLIC_URL = (_env.text("PUBLIC_URL") or last_address(VAR_DIR)).rstrip("/")
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in ("http", "https") or not _public.hostname:
    _env.problems.append(f"PUBLIC_URL is {PUBLIC_URL!r}; it must be an http or https address.")
ALLOWED_HOSTS = [_public.hostname or "localhost", *_env.names("ALLOWED_HOSTS")]
if not PRODUCTION:
    ALLOWED_HOSTS += ["localhost", "127.0.0.1", "[::1]"]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if _public.scheme == "https" else []
TRUSTED_PROXIES = _env.networks("TRUSTED_PROXIES")
CORS_ORIGINS = _env.origins("CORS_ORIGINS")
METRICS_TOKEN = _env.text("METRICS_TOKEN")
METRICS_ALLOW = _env.networks("METRICS_ALLOW")

# The hot path
MAX_BODY_BYTES = _env.whole("MAX_BODY_BYTES", 32 * 2**20, 1024, 2**30)
BODY_BUDGET_BYTES = _env.whole("BODY_BUDGET_BYTES", 512 * 2**20, 2**20, 2**36)
BODY_IDLE_SECONDS = _env.number("BODY_IDLE_SECONDS", 10, 0.05, 600)
BODY_TOTAL_SECONDS = _env.number("BODY_TOTAL_SECONDS", 60, 0.05, 3600)
MAX_ANSWER_BYTES = _env.whole("MAX_ANSWER_BYTES", 64 * 2**20, 1024, 2**31)
MAX_IN_FLIGHT = _env.whole("MAX_IN_FLIGHT", 2000, 1, 100_000)
CONNECT_SECONDS = _env.number("CONNECT_SECONDS", 5, 0.05, 600)
FIRST_CONTENT_SECONDS = _env.number("FIRST_CONTENT_SECONDS", 60, 0.05, 3600)
IDLE_SECONDS = _env.number("IDLE_SECONDS", 60, 0.05, 3600)
TOTAL_SECONDS = _env.number("TOTAL_SECONDS", 600, 0.05, 86_400)
CLIENT_STALL_SECONDS = _env.number("CLIENT_STALL_SECONDS", 30, 0.05, 3600)
DRAIN_DELAY_SECONDS = _env.number("DRAIN_DELAY_SECONDS", 1, 0, 600)
DRAIN_SECONDS = _env.number("DRAIN_SECONDS", 60, 0, 3600)
SNAPSHOT_POLL_SECONDS = _env.number("SNAPSHOT_POLL_SECONDS", 0.5, 0.05, 60)
SNAPSHOT_MAX_AGE = _env.number("SNAPSHOT_MAX_AGE", 86_400, 1, 31_536_000)
DEMO = _env.flag("DEMO", default=not PRODUCTION) and not PRODUCTION

# The log
_LEVELS = ("debug", "info", "warning", "error", "off")
LOG_LEVEL = _env.choice("LOG_LEVEL", "info", _LEVELS)
LOG_FORMAT = _env.choice("LOG_FORMAT", "pretty", ("pretty", "json"))
LOG_FILE_LEVEL = _env.choice("LOG_FILE_LEVEL", "info", _LEVELS)
LOG_FILE_FORMAT = _env.choice("LOG_FILE_FORMAT", "json", ("pretty", "json"))
LOG_DIRECTORY_MODE = _env.choice("LOG_DIRECTORY_MODE", "default", ("default", "xdg", "system"))
LOG_DIR = Path(_env.directory("LOG_DIR", "") or log_directory(LOG_DIRECTORY_MODE, VAR_DIR))
LOG_FILE_NAME = _env.file_name("LOG_FILE_NAME", "patchbay.log", taken=NAMES)
LOG_MAX_BYTES = _env.whole_or_none("LOG_MAX_BYTES", 100 * 2**20, 4096, 2**40)
LOG_BACKUP_COUNT = _env.whole("LOG_BACKUP_COUNT", 20, 1, 10_000)
LOG_MAX_AGE_DAYS = _env.number("LOG_MAX_AGE_DAYS", 30, 0, 3650)
LOG_COMPRESS = _env.flag("LOG_COMPRESS", default=True)
LOG_MIN_FREE_MB = _env.whole("LOG_MIN_FREE_MB", 100, 0, 1_000_000)
LOG_ON_UNHEALTHY = _env.choice("LOG_ON_UNHEALTHY", "warn", ("warn", "stop"))
LOG_QUEUE_SIZE = _env.whole("LOG_QUEUE_SIZE", 10_000, 10, 1_000_000)
LOG_FLUSH_SECONDS = _env.number("LOG_FLUSH_SECONDS", 0.2, 0.01, 1)

# Transcripts
LOG_BODIES = _env.choice("LOG_BODIES", "off", LEVELS)
LOG_MAX_BODY_SIZE = _env.whole("LOG_MAX_BODY_SIZE", 256 * 2**10, 1024, 64 * 2**20)
LOG_REDACT = _env.text("LOG_REDACT", "all")
try:
    LOG_REDACT = redaction_text(LOG_REDACT, own=())
except ValueError:
    _env.problems.append(f"LOG_REDACT is {LOG_REDACT!r}; it must be {redaction_form()}.")
LOG_REDACT_MODEL = _env.text("LOG_REDACT_MODEL", "en_core_web_sm")
TRANSCRIPT_SINKS = _env.some("TRANSCRIPT_SINKS", "file", ("file", "database"))
TRANSCRIPT_ENCRYPTION = _env.flag("TRANSCRIPT_ENCRYPTION", default=False)
EMBEDDING_MODEL = _env.text("EMBEDDING_MODEL")
if EMBEDDING_MODEL and not re.fullmatch(r"[-\w]{1,80}/[^\s*?]{1,200}", EMBEDDING_MODEL):
    _env.problems.append(
        f"EMBEDDING_MODEL is {EMBEDDING_MODEL!r}; it must be the name of a provider, a slash and the "
        "name of one of its models, or empty."
    )
elif EMBEDDING_MODEL and "database" not in TRANSCRIPT_SINKS:
    _env.problems.append(
        "EMBEDDING_MODEL is set, but transcripts are not kept in the database, where alone they are "
        "searched by meaning; add database to TRANSCRIPT_SINKS."
    )
TRANSCRIPT_DAYS = _env.number("TRANSCRIPT_DAYS", 30, 0, 3650)

# Django
ROOT_URLCONF = "proxyproject.urls"
ASGI_APPLICATION = "proxyproject.asgi.application"
INSTALLED_APPS = [
    *([] if PRODUCTION else ["daphne"]),  # gives development its ASGI `runserver`
    "proxyproject",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "ninja",
    "django_prometheus",
    "health_check",
    "auditlog",
    "providers",
    "routing",
    "usage",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "auditlog.middleware.AuditlogMiddleware",
    "proxyproject.zone.ViewerZone",
]
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
            ]
        },
    }
]

DATABASES = {"default": _env.database("DATABASE_URL", f"sqlite:///{VAR_DIR}/patchbay.db")}
_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    keep_private(Path(_database["NAME"]))
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 5,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
        "PRAGMA temp_store=MEMORY;PRAGMA cache_size=-512;"  # KiB for each connection
        "PRAGMA secure_delete=ON",  # what is deleted is overwritten, whoever deletes it
    }
elif _database["ENGINE"].endswith("postgresql"):
    _database["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 8, "timeout": 5}, **PATIENCE}
    _database["CONN_HEALTH_CHECKS"] = True  # the pool hands out no connection that is broken
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
SERVESTATIC_USE_FINDERS = not STATIC_ROOT.is_dir()  # without collectstatic, from where they lie
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
UNFOLD = unfold_settings(MODE)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]

_https = _public.scheme == "https"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SESSION_COOKIE_HTTPONLY = True
SECURE_SSL_REDIRECT = _env.flag("SECURE_SSL_REDIRECT", default=_https)
SECURE_REDIRECT_EXEMPT = [r"^metrics$", r"^healthz$"]  # asked for inside, by plain http
SECURE_HSTS_SECONDS = _env.whole("HSTS_SECONDS", 31_536_000 if _https else 0, 0, 63_072_000)
SECURE_HSTS_INCLUDE_SUBDOMAINS = _env.flag("HSTS_SUBDOMAINS", default=_https)
SECURE_HSTS_PRELOAD = SECURE_HSTS_INCLUDE_SUBDOMAINS
SECURE_REFERRER_POLICY = "same-origin"
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 2**20

LOGGING_CONFIG = "proxyproject.logs.configure"
LOGGING = {
    "level": LOG_LEVEL,
    "format": LOG_FORMAT,
    "file_level": LOG_FILE_LEVEL,
    "file_format": LOG_FILE_FORMAT,
    "directory": LOG_DIR,
    "file_name": LOG_FILE_NAME,
    "max_bytes": LOG_MAX_BYTES,
    "backup_count": LOG_BACKUP_COUNT,
    "max_age_days": LOG_MAX_AGE_DAYS,
    "compress": LOG_COMPRESS,
    "min_free_mb": LOG_MIN_FREE_MB,
    "on_unhealthy": LOG_ON_UNHEALTHY,
    "queue_size": LOG_QUEUE_SIZE,
    "flush_seconds": LOG_FLUSH_SECONDS,
}

_env.finish()
