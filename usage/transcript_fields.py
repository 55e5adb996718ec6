"""The fields by which a rule, a team and a client key say which transcripts are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from usage.transcripts.policy import KINDS, redaction_text

if TYPE_CHECKING:
    TextField = models.CharField[str, str]
    BytesField = models.BinaryField[bytes, bytes]
else:
    TextField = models.CharField
    BytesField = models.BinaryField

TRANSCRIPT_FIELDS = ("transcripts", "transcript_share", "redaction")
TRANSCRIPT_FIELDSET: Any = (
    "What is kept of what was said",
    {"fields": (TRANSCRIPT_FIELDS,)},
)


class RedactionField(TextField):
    """What is hidden, in the one spelling that a configuration file has, so that it compares equal.

    A form takes the names of patterns that are there, and no others.
    """

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if not text:
            return text
        try:
            return redaction_text(text)
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if value:
            patterns = apps.get_model("patchbay_usage", "RedactionPattern")._default_manager
            try:
                redaction_text(value, frozenset(patterns.values_list("name", flat=True)))
            except ValueError as error:
                raise ValidationError(str(error)) from None


class WordsField(TextField):
    """The words of a transcript, each once: as PostgreSQL has them, elsewhere with blanks between."""

    def db_type(self, connection: Any) -> str:
        return "tsvector" if connection.vendor == "postgresql" else "text"


class VectorField(BytesField):
    """A vector of length 1: on PostgreSQL an array of numbers, elsewhere float16, little-endian."""

    def db_type(self, connection: Any) -> str:
        return "real[]" if connection.vendor == "postgresql" else "blob"


class TranscriptFields(models.Model):
    """What is empty is as set above it: a key's team, then the rule, then the gateway's settings."""

    class Level(models.TextChoices):
        INHERITED = "", "As set above it"
        OFF = "off", "Nothing"
        METADATA = "metadata", "Who, when and how much, no texts"
        FULL = "full", "The whole conversation"

    transcripts = models.CharField(
        "transcripts",
        max_length=10,
        choices=Level.choices,
        blank=True,
        default="",
        help_text="A key's choice counts before its team's, that before the rule's, "
        "and that before the gateway's settings.",
    )
    transcript_share = models.DecimalField(
        "share kept",
        max_digits=9,
        decimal_places=6,
        null=True,
        blank=True,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
        help_text="Percent of the requests, drawn by chance. Empty is as set above it, "
        "or 100 where nothing is.",
    )
    redaction = RedactionField(
        "personal data hidden",
        max_length=400,
        blank=True,
        default="",
        help_text=f"all, none, or some of {', '.join(KINDS)} and of the redaction patterns, by commas. "
        "Empty is as set above it. Secrets are always hidden.",
    )

    class Meta:
        abstract = True
