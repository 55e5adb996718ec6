"""Transcripts in the database, and what they are found by. Imported from `usage.models`."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from usage.transcript_fields import VectorField, WordsField


class Transcript(models.Model):
    """What is kept of an exchange, for search: the line that a file would have, and its words.

    Rows are numbered as they are written, because an index of SQLite knows rows by whole numbers.
    Written by usage.transcripts.database, once: it is large, and to change it would write all of it again.
    """

    number = models.BigAutoField(primary_key=True)
    exchange_id = models.UUIDField(unique=True)
    started_at = models.DateTimeField(db_index=True)
    client_key = models.CharField(max_length=80, default="")
    team = models.CharField(max_length=80, default="")
    session = models.CharField(max_length=200, default="")
    end_user = models.CharField(max_length=200, default="")
    model = models.CharField(max_length=200, default="")
    request_model = models.CharField(max_length=200, default="")
    provider = models.CharField(max_length=80, default="")
    outcome = models.CharField(max_length=20, default="")
    status = models.IntegerField(default=0)
    line = models.BinaryField(help_text="The line, compressed by zlib.")
    words = WordsField(default="")
    sealed_with = models.CharField(
        max_length=80, null=True, help_text="The encryption key's id; null where nothing is sealed."
    )

    class Meta:
        verbose_name = "transcript"
        default_permissions = ()  # one says it for transcripts wherever they lie
        ordering: ClassVar = ["-number"]
        indexes: ClassVar = [
            models.Index(
                fields=["sealed_with"],
                name="patchbay_transcript_sealed",
                condition=models.Q(sealed_with__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return str(self.exchange_id)


class Embedding(models.Model):
    """Whether the passages of a transcript that is not sealed are made, and by what.

    Written by usage.transcripts.database with its transcript, then by usage.transcripts.passages. The
    database itself removes it with its transcript.
    """

    transcript = models.OneToOneField(
        Transcript, models.DO_NOTHING, primary_key=True, db_constraint=False
    )
    made_with = models.CharField(
        max_length=300,
        null=True,
        help_text="The model and the length of its vectors; null: not yet.",
    )

    class Meta:
        verbose_name = "embedding"
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(fields=["made_with", "transcript"], name="patchbay_embedding_made_with")
        ]

    def __str__(self) -> str:
        return f"{self.transcript_id}: {self.made_with or 'not yet'}"


class Passage(models.Model):
    """A piece of what was said in a transcript, as a vector; `position` finds it in the transcript.

    The database itself removes it with its transcript. Written by usage.transcripts.passages alone.
    """

    number = models.BigAutoField(primary_key=True)
    transcript = models.ForeignKey(
        Transcript, models.DO_NOTHING, db_constraint=False, related_name="passages"
    )
    position = models.IntegerField()
    embedding = VectorField()

    class Meta:
        verbose_name = "passage"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.transcript_id}.{self.position}"
