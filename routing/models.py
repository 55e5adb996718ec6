"""Where requests go: working rows that people edit, and what was published of them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from providers.models import Deployment
from usage.models import ClientKey, Team
from usage.transcript_fields import TranscriptFields


class Rule(TranscriptFields):
    """“Requests that match this go there.”

    Rules are read in order of priority, then name; the first match decides.
    """

    name = models.CharField("name", max_length=80, unique=True)
    priority = models.IntegerField(
        "priority", default=100, help_text="Lower is read first; ties by name."
    )
    enabled = models.BooleanField("enabled", default=True)
    match_model = models.CharField(
        "model",
        max_length=200,
        blank=True,
        default="",
        help_text="A name or a pattern such as gpt-*; * also crosses slashes. Empty matches any model.",
    )
    match_headers = models.JSONField(
        "headers",
        default=dict,
        blank=True,
        help_text='Headers and the values they must have, as JSON: {"x-tier": "gold"}.',
    )
    match_teams = models.ManyToManyField(Team, verbose_name="teams", blank=True, related_name="+")
    match_keys = models.ManyToManyField(
        ClientKey, verbose_name="client keys", blank=True, related_name="+"
    )
    strict = models.BooleanField(
        "strict",
        default=False,
        help_text="Refuse a request that could not be translated without loss.",
    )
    from_file = models.BooleanField("from a file", default=False, editable=False)

    class Meta:
        ordering: ClassVar = ["priority", "name"]
        verbose_name = "rule"

    def __str__(self) -> str:
        return self.name


class Target(models.Model):
    """A Deployment inside a Rule.

    Its tier is its place in the fallback order, its weight its share of the tier.
    """

    rule = models.ForeignKey(Rule, models.CASCADE, related_name="targets")
    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="targets")
    upstream_model = models.CharField(
        "model",
        max_length=200,
        blank=True,
        default="",
        help_text="For an any-model deployment: the model to ask for. "
        "Empty passes the client's name through.",
    )
    tier = models.PositiveSmallIntegerField("tier", default=1, help_text="1 is tried first.")
    weight = models.PositiveIntegerField(
        "weight", default=100, help_text="Share of the tier's requests."
    )

    class Meta:
        ordering: ClassVar = ["rule", "tier", "pk"]
        verbose_name = "target"

    def __str__(self) -> str:
        return f"{self.deployment} in tier {self.tier}"


class ConfigVersion(models.Model):
    """One published configuration: an immutable document with number, author, time and note."""

    number = models.BigAutoField(primary_key=True)
    document = models.JSONField()
    created_at = models.DateTimeField("published", auto_now_add=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    note = models.CharField("note", max_length=200, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-number"]
        verbose_name = "configuration version"

    def __str__(self) -> str:
        return f"Version {self.number}"


class Worker(models.Model):
    """One start of a gateway process."""

    id = models.UUIDField(primary_key=True)
    host = models.CharField("host", max_length=200)
    pid = models.IntegerField("process")
    started_at = models.DateTimeField("started", auto_now_add=True)
    heartbeat_at = models.DateTimeField("last seen")
    config_version = models.BigIntegerField("configuration", default=0)
    health = models.JSONField("health", default=dict)

    class Meta:
        ordering: ClassVar = ["-heartbeat_at"]
        verbose_name = "worker"

    def __str__(self) -> str:
        return f"Worker {self.pid} on {self.host}"
