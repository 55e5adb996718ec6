"""Whom we can call: vendor accounts, their secrets and their models."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Provider(models.Model):
    """A vendor account that we can call: which adapter, which address."""

    name = models.SlugField(
        "name", max_length=80, unique=True, help_text="Names it in rules and in the books."
    )
    adapter = models.CharField(
        "adapter",
        max_length=40,
        help_text="What is peculiar to the vendor: formats, paths, authentication.",
    )
    base_url = models.CharField(
        "base URL",
        max_length=400,
        blank=True,
        default="",
        help_text="Leave empty for the vendor's own address. Compatible servers need theirs, "
        "for example http://127.0.0.1:11434/v1.",
    )
    allow_private_network = models.BooleanField(
        "allow private network",
        default=False,
        help_text="Permit loopback and private addresses, for servers of your own.",
    )
    enabled = models.BooleanField("enabled", default=True, help_text="Off: no rule reaches it.")
    from_file = models.BooleanField("from a file", default=False, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = "provider"

    def __str__(self) -> str:
        return self.name


class Credential(models.Model):
    """A secret of a Provider; several share the load.

    `secret` holds `env:NAME`, `file:PATH` or ciphertext, never plain text.
    """

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="credentials")
    label = models.CharField(
        "label", max_length=80, default="main", help_text="Tells several secrets apart."
    )
    secret = models.TextField("secret", blank=True, default="")
    last4 = models.CharField("ends in", max_length=4, blank=True, default="", editable=False)
    enabled = models.BooleanField("enabled", default=True)
    from_file = models.BooleanField("from a file", default=False, editable=False)

    class Meta:
        ordering: ClassVar = ["provider", "label"]
        verbose_name = "credential"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "label"], name="credential_label_once_per_provider"
            )
        ]

    def __str__(self) -> str:
        return f"{self.label} of {self.provider.name}"


class Deployment(models.Model):
    """One upstream model of a Provider, or `*` for any."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="deployments")
    model = models.CharField(
        "model", max_length=200, help_text="The vendor's name for the model, or * for any name."
    )
    enabled = models.BooleanField("enabled", default=True)
    from_file = models.BooleanField("from a file", default=False, editable=False)

    class Meta:
        ordering: ClassVar = ["provider__name", "model"]
        verbose_name = "deployment"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["provider", "model"], name="deployment_model_once_per_provider"
            )
        ]

    def __str__(self) -> str:
        model = "any model" if self.model == "*" else self.model
        return f"{model} at {self.provider.name}"


class ModelPrice(models.Model):
    """The operator's own price of a Deployment, in US dollars per million tokens.

    Where a kind of token has no price here, it costs what its base kind costs
    (cached and cache-write: input; reasoning: output). No row: the price library decides.
    """

    deployment = models.OneToOneField(Deployment, models.CASCADE, related_name="price")
    input_per_mtok = models.DecimalField("input", max_digits=14, decimal_places=6)
    output_per_mtok = models.DecimalField("output", max_digits=14, decimal_places=6)
    cached_input_per_mtok = models.DecimalField(
        "cached input", max_digits=14, decimal_places=6, null=True, blank=True
    )
    cache_write_5m_per_mtok = models.DecimalField(
        "cache write, 5 min", max_digits=14, decimal_places=6, null=True, blank=True
    )
    cache_write_1h_per_mtok = models.DecimalField(
        "cache write, 1 h", max_digits=14, decimal_places=6, null=True, blank=True
    )

    class Meta:
        verbose_name = "price"

    def __str__(self) -> str:
        return f"${self.input_per_mtok:f} in, ${self.output_per_mtok:f} out per million tokens"
