"""The entries of a configuration: every member of the file and of the published document.

Knows one entry at a time; what entries say of each other is checked in routing.references.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from providers.adapters.registry import ADAPTERS
from providers.checks import adapter_problem, base_url_problem
from usage.patterns import name_problem, pattern_problem
from usage.transcripts import safe_pattern
from usage.transcripts.policy import redaction_text

HEADER_MARKS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
MOST_DECIMALS = 6
NO_TITLE = "A name must not be empty, hold a line break, or begin or end with a blank."
NO_TARGETS = "A rule needs at least one target, or its requests have nowhere to go."


def _checked(problem: str | None) -> None:
    if problem is not None:
        raise ValueError(problem)


def _title(text: str) -> str:
    if not text or text != text.strip() or not text.isprintable():
        raise ValueError(NO_TITLE)
    return text


def _model(text: str) -> str:
    _checked(name_problem(text))
    return text


def _pattern(text: str) -> str:
    _checked(pattern_problem(text))
    return text


def _optional_pattern(text: str) -> str:
    return _pattern(text) if text else ""


def _amount(value: object) -> Decimal:
    """Text, a whole number or a float: YAML reads 0.15 as a float, whose shortest text is meant."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError('This must be a number, best as text: "0.15".')
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"{value!r} is not a number.") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError("This must be a number that is not negative.")
    if -int(amount.normalize().as_tuple().exponent) > MOST_DECIMALS:
        raise ValueError(f"At most {MOST_DECIMALS} decimals are kept.")
    return amount + 0  # -0 is 0


def _moment(value: object) -> datetime:
    """A date or a time; without a zone it is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise ValueError("This must be a time such as 2027-01-31T12:00:00Z.") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise ValueError("This must be a time such as 2027-01-31T12:00:00Z.")
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _headers(headers: dict[str, str]) -> dict[str, str]:
    """Header names do not tell upper from lower case."""
    lowered: dict[str, str] = {}
    for name, value in headers.items():
        low = name.lower()
        if not low or not set(low) <= HEADER_MARKS:
            raise ValueError(f"{name!r} is not the name of a header.")
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise ValueError(f"The value of {name} cannot stand in a header.")
        if low in lowered:
            raise ValueError(f"The header {low} is named twice.")
        lowered[low] = value
    return lowered


def _level(value: object) -> object:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


def _listed(value: object) -> object:
    """A list is the same as its words by commas."""
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return ",".join(value)
    return value


Slug = Annotated[str, Field(pattern=r"^[-a-zA-Z0-9_]+$", max_length=80)]
Title = Annotated[str, Field(max_length=80), AfterValidator(_title)]
ModelName = Annotated[str, AfterValidator(_model)]
Pattern = Annotated[str, AfterValidator(_pattern)]
PerMtok = Annotated[Decimal, BeforeValidator(_amount), Field(lt=10**8)]
Amount = Annotated[Decimal, BeforeValidator(_amount), Field(lt=10**12)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Level = Annotated[Literal["off", "metadata", "full"], BeforeValidator(_level)]
Percent = Annotated[Decimal, BeforeValidator(_amount), Field(le=100)]
Redaction = Annotated[str, BeforeValidator(_listed), AfterValidator(redaction_text)]


class Entry(BaseModel):
    """One thing that a configuration names. An unknown member is a mistake, an empty one absent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        empty = {name for name in cls.model_fields if name in data and data[name] is None}
        return {name: value for name, value in data.items() if name not in empty}


class PriceEntry(Entry):
    """US dollars per million tokens."""

    input_per_mtok: PerMtok
    output_per_mtok: PerMtok
    cached_input_per_mtok: PerMtok | None = None
    cache_write_5m_per_mtok: PerMtok | None = None
    cache_write_1h_per_mtok: PerMtok | None = None


class CredentialEntry(Entry):
    label: Title = "main"
    secret: str | None = None
    enabled: bool = True


class DeploymentEntry(Entry):
    model: ModelName
    price: PriceEntry | None = None
    enabled: bool = True


class ProviderEntry(Entry):
    """The order of members matters: an address is judged by the adapter and by what is allowed."""

    name: Slug
    adapter: str
    allow_private_network: bool = False
    base_url: Annotated[str, Field(max_length=400)] = Field(default="", validate_default=True)
    enabled: bool = True
    credentials: list[CredentialEntry] = []
    deployments: list[DeploymentEntry] = []

    @field_validator("adapter")
    @classmethod
    def _known_adapter(cls, adapter: str) -> str:
        _checked(adapter_problem(adapter))
        return adapter

    @field_validator("base_url")
    @classmethod
    def _callable_address(cls, base_url: str, info: ValidationInfo) -> str:
        adapter = info.data.get("adapter", "")
        if adapter in ADAPTERS and "allow_private_network" in info.data:
            allowed = info.data["allow_private_network"]
            _checked(base_url_problem(adapter, base_url, allowed))
        return base_url


class TeamEntry(Entry):
    name: Title
    description: Annotated[str, Field(max_length=200)] = ""
    transcripts: Level | None = None
    transcript_share: Percent | None = None
    redaction: Redaction = ""


class RedactionPatternEntry(Entry):
    """The order of members matters: what is said of a pattern says its name."""

    name: str
    pattern: str
    note: Annotated[str, Field(max_length=200)] = ""

    @field_validator("name")
    @classmethod
    def _own_name(cls, name: str) -> str:
        safe_pattern.check_name(name)
        return name

    @field_validator("pattern")
    @classmethod
    def _safe(cls, pattern: str, info: ValidationInfo) -> str:
        safe_pattern.check(info.data.get("name", ""), pattern)
        return pattern


class MatchEntry(Entry):
    """What a request must be for a Rule to take it; what is absent matches any."""

    model: Annotated[str, AfterValidator(_optional_pattern)] = ""
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = {}
    teams: list[str] = []
    client_keys: list[str] = []


class TargetEntry(Entry):
    provider: str
    model: ModelName = "*"
    tier: Annotated[int, Field(ge=1, le=100)] = 1
    weight: Annotated[int, Field(ge=0, le=1_000_000)] = 100


class RuleEntry(Entry):
    name: Title
    priority: Annotated[int, Field(ge=-(2**31), lt=2**31)] = 100
    enabled: bool = True
    strict: bool = False
    transcripts: Level | None = None
    transcript_share: Percent | None = None
    redaction: Redaction = ""
    match: MatchEntry = Field(default_factory=MatchEntry)
    targets: list[TargetEntry] = Field(default=[], validate_default=True)

    @field_validator("targets")
    @classmethod
    def _somewhere(cls, targets: list[TargetEntry]) -> list[TargetEntry]:
        _checked(None if targets else NO_TARGETS)
        return targets


class ClientKeyEntry(Entry):
    name: Title
    team: str | None = None
    owner: str | None = None
    secret: str | None = None
    models: Annotated[list[Pattern], Field(min_length=1)] = ["*"]
    strict: bool = False
    transcripts: Level | None = None
    transcript_share: Percent | None = None
    redaction: Redaction = ""
    expires_at: Moment | None = None
    revoked: bool = False


class QuotaEntry(Entry):
    """On a ClientKey, on a Team, or with neither on everyone."""

    client_key: str | None = None
    team: str | None = None
    metric: Literal["requests", "cost"]
    window: Literal["minute", "hour", "day", "month"]
    amount: Amount

    @field_validator("amount")
    @classmethod
    def _whole_requests(cls, amount: Decimal, info: ValidationInfo) -> Decimal:
        if info.data.get("metric") == "requests" and amount != amount.to_integral_value():
            raise ValueError("Requests are counted in whole numbers.")
        return amount
