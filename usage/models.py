"""Who calls us, how much they may, and what they used."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from usage.transcript_fields import TranscriptFields
from usage.transcript_models import Embedding as Embedding
from usage.transcript_models import Passage as Passage
from usage.transcript_models import Transcript as Transcript


class LiveChange(models.Model):
    """One row that numbers the changes of keys, teams and quotas, so that workers load only what is new."""

    number = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"Change {self.number}"

    @classmethod
    def next(cls) -> int:
        """The next number. Must run in the transaction of the change: the row lock orders commits."""
        row, _ = cls.objects.select_for_update().get_or_create(pk=1)
        row.number += 1
        row.save(update_fields=["number"])
        return row.number


class Team(TranscriptFields):
    """Owns client keys and shares quotas; people belong to it by Membership."""

    name = models.CharField("name", max_length=80, unique=True)
    description = models.CharField("description", max_length=200, blank=True, default="")
    from_file = models.BooleanField("from a file", default=False, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keys carry what their team says on every worker, so a changed team renumbers its keys."""
        with transaction.atomic():
            super().save(*args, **kwargs)
            self.client_keys.update(change=LiveChange.next())


class Membership(models.Model):
    """A person's place in a Team."""

    class Role(models.TextChoices):
        MEMBER = "member", "Member"
        MANAGER = "manager", "Manager"

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField("role", max_length=20, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["team", "user"], name="membership_once_per_team")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


def every_model() -> list[str]:
    return ["*"]


class ClientKey(TranscriptFields):
    """What a client presents. Only a digest is kept; the key itself is shown once."""

    name = models.CharField("name", max_length=80, unique=True, help_text="Names it in the books.")
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="client_keys"
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="client_keys"
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    pepper_id = models.CharField(max_length=20, editable=False)
    prefix = models.CharField("begins with", max_length=12, editable=False)
    last4 = models.CharField("ends in", max_length=4, editable=False)
    models_allowed = models.JSONField(
        "models", default=every_model, help_text="Names or patterns the key may ask for; * is any."
    )
    strict = models.BooleanField(
        "strict",
        default=False,
        help_text="Refuse a request that could not be translated without loss.",
    )
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    revoked_at = models.DateTimeField("revoked", null=True, blank=True, editable=False)
    created_at = models.DateTimeField("issued", auto_now_add=True)
    change = models.BigIntegerField(default=0, editable=False, db_index=True)
    from_file = models.BooleanField("from a file", default=False, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = "client key"

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            self.change = LiveChange.next()
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            LiveChange.next()
            return super().delete(*args, **kwargs)


class Quota(models.Model):
    """A limit on a ClientKey, a Team, or (with neither) everyone."""

    class Metric(models.TextChoices):
        REQUESTS = "requests", "Requests"
        COST = "cost", "Cost in US dollars"

    class Window(models.TextChoices):
        MINUTE = "minute", "a minute"
        HOUR = "hour", "an hour"
        DAY = "day", "a day"
        MONTH = "month", "a month"

    client_key = models.ForeignKey(
        ClientKey, models.CASCADE, null=True, blank=True, related_name="quotas"
    )
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="quotas")
    metric = models.CharField("what", max_length=20, choices=Metric.choices)
    window = models.CharField(
        "per", max_length=20, choices=Window.choices, help_text="Windows begin in UTC."
    )
    amount = models.DecimalField("amount", max_digits=18, decimal_places=6)
    from_file = models.BooleanField("from a file", default=False, editable=False)

    class Meta:
        ordering: ClassVar = ["pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(client_key=None) | models.Q(team=None), name="quota_on_one_thing"
            ),
            models.CheckConstraint(
                condition=models.Q(amount__gte=0), name="quota_amount_not_negative"
            ),
            models.UniqueConstraint(
                fields=["client_key", "metric", "window"],
                condition=models.Q(client_key__isnull=False),
                name="quota_once_per_key",
            ),
            models.UniqueConstraint(
                fields=["team", "metric", "window"],
                condition=models.Q(team__isnull=False),
                name="quota_once_per_team",
            ),
            models.UniqueConstraint(
                fields=["metric", "window"],
                condition=models.Q(client_key=None, team=None),
                name="quota_once_for_everyone",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.limit} for {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        with transaction.atomic():
            LiveChange.next()
            super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with transaction.atomic():
            LiveChange.next()
            return super().delete(*args, **kwargs)

    @property
    def subject(self) -> str:
        """Whom it limits, in words. Reads the relation and may query."""
        if self.client_key is not None:
            return f"key {self.client_key.name}"
        return f"team {self.team.name}" if self.team is not None else "everyone"

    @property
    def limit(self) -> str:
        """How much it allows, in words."""
        amount = f"{Decimal(self.amount).normalize():,f}"
        what = f"${amount}" if self.metric == self.Metric.COST else f"{amount} {self.metric}"
        return f"{what} {self.Window(self.window).label}"


class RedactionPattern(models.Model):
    """An operator's own regular expression for what transcripts must not hold.

    Its name is used like a built-in kind's. It is published with the rules, so that every worker has it.
    """

    name = models.CharField(
        "name",
        max_length=30,
        unique=True,
        help_text="Capitals, digits and _: what EMPLOYEE_ID finds is kept as &lt;EMPLOYEE_ID_1&gt;. Rules, "
        "teams and client keys choose it by this name, and all includes it.",
    )
    pattern = models.CharField(
        "pattern",
        max_length=500,
        help_text=r"A regular expression of Python, such as \bEMP-\d{4,8}\b. Every repeat needs an end: "
        "{1,20} in place of + or *.",
    )
    note = models.CharField(
        "note", max_length=200, blank=True, default="", help_text="What it is for, for people."
    )
    from_file = models.BooleanField("from a file", default=False, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = "redaction pattern"

    def __str__(self) -> str:
        return self.name


class UsageRecord(models.Model):
    """One append-only row per Exchange; names and ids as data, no foreign keys."""

    exchange_id = models.UUIDField(primary_key=True)
    started_at = models.DateTimeField()
    first_content_ms = models.FloatField(null=True)
    total_ms = models.FloatField()
    client_request_id = models.CharField(max_length=200, default="")
    session = models.CharField(max_length=200, default="")
    end_user = models.CharField(max_length=200, default="")
    tags = models.JSONField(default=dict)
    kind = models.CharField(max_length=20)
    client_key_name = models.CharField(max_length=80)
    client_key_id = models.BigIntegerField()
    team_name = models.CharField(max_length=80, default="")
    owner = models.CharField(max_length=150, default="")
    provider_name = models.CharField(max_length=80, default="")
    deployment = models.CharField(max_length=200, default="")
    credential_label = models.CharField(max_length=80, default="")
    rule_name = models.CharField(max_length=80, default="")
    client_format = models.CharField(max_length=40)
    upstream_format = models.CharField(max_length=40, default="")
    original_model = models.CharField(max_length=200, default="")
    request_model = models.CharField(max_length=200, default="")
    response_model = models.CharField(max_length=200, default="")
    outcome = models.CharField(max_length=20)
    reason = models.CharField(max_length=30)
    status = models.IntegerField()
    stream = models.BooleanField(default=False)
    input_tokens = models.BigIntegerField(default=0)
    cached_input_tokens = models.BigIntegerField(default=0)
    cache_write_5m_tokens = models.BigIntegerField(default=0)
    cache_write_1h_tokens = models.BigIntegerField(default=0)
    input_audio_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    output_audio_tokens = models.BigIntegerField(default=0)
    other_units = models.JSONField(default=dict)
    cost_nano = models.BigIntegerField(null=True)
    price_id = models.CharField(max_length=200, default="")
    usage_source = models.CharField(max_length=20, default="")
    attempts = models.JSONField(default=list)
    losses = models.JSONField(default=list)
    edits = models.JSONField(default=list)
    request_bytes = models.BigIntegerField(default=0)
    response_bytes = models.BigIntegerField(default=0)
    config_version = models.BigIntegerField(default=0)

    class Meta:
        verbose_name = "record"
        permissions: ClassVar = [("view_transcript", "Can view transcript")]
        ordering: ClassVar = ["-started_at", "-exchange_id"]
        indexes: ClassVar = [
            models.Index(fields=["-started_at", "-exchange_id"], name="record_time"),
            models.Index(fields=["client_key_name", "-started_at"], name="record_key_time"),
            models.Index(fields=["team_name", "-started_at"], name="record_team_time"),
        ]

    def __str__(self) -> str:
        moment = timezone.localtime(self.started_at)
        return f"{self.original_model or self.kind}, {moment.day} {moment:%b %H:%M:%S}"


class UsageRollup(models.Model):
    """Sums over the records of one bucket of time; percentiles come from its histograms.

    `total_ms_counts` and `first_content_ms_counts` count requests per bound of
    usage.rollup.BOUNDS_MS, so that they add up over time and keys.
    """

    class Grain(models.TextChoices):
        MINUTE = "minute"
        HOUR = "hour"

    grain = models.CharField(max_length=8, choices=Grain.choices)
    bucket = models.DateTimeField()
    client_key_name = models.CharField(max_length=80)
    team_name = models.CharField(max_length=80, default="")
    provider_name = models.CharField(max_length=80, default="")
    request_model = models.CharField(max_length=200, default="")
    rule_name = models.CharField(max_length=80, default="")
    outcome = models.CharField(max_length=20)
    reason = models.CharField(max_length=30)
    requests = models.BigIntegerField(default=0)
    input_tokens = models.BigIntegerField(default=0)
    cached_input_tokens = models.BigIntegerField(default=0)
    output_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    cost_nano = models.BigIntegerField(default=0)
    unpriced = models.BigIntegerField(default=0, help_text="Requests whose cost is unknown.")
    total_ms_counts = models.JSONField(default=list)
    first_content_ms_counts = models.JSONField(default=list)

    class Meta:
        verbose_name = "rollup"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=[
                    "grain",
                    "bucket",
                    "client_key_name",
                    "team_name",
                    "provider_name",
                    "request_model",
                    "rule_name",
                    "outcome",
                    "reason",
                ],
                name="rollup_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.grain} {self.bucket:%Y-%m-%d %H:%M} {self.request_model}"
