import django.db.models.deletion
from django.db import migrations, models

# Whoever deletes a transcript deletes what is noted of its passages as well. SQLite forgets the trigger
# when Django makes the table of transcripts anew to change it: make it again then.
SQLITE = (
    "DROP TRIGGER IF EXISTS patchbay_usage_passage_goes",
    """
    CREATE TRIGGER patchbay_usage_passage_goes AFTER DELETE ON patchbay_usage_transcript BEGIN
        DELETE FROM patchbay_usage_passage WHERE transcript_id = old.number;
        DELETE FROM patchbay_usage_embedding WHERE transcript_id = old.number;
    END
    """,
)
POSTGRESQL = (
    """
    ALTER TABLE patchbay_usage_embedding ADD CONSTRAINT patchbay_usage_embedding_goes
        FOREIGN KEY (transcript_id) REFERENCES patchbay_usage_transcript (number) ON DELETE CASCADE
    """,
)
WAIT = """
    INSERT INTO patchbay_usage_embedding (transcript_id)
        SELECT number FROM patchbay_usage_transcript WHERE sealed_with IS NULL
"""


def tie(apps, editor):
    for statement in POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE:
        editor.execute(statement)
    editor.execute(WAIT)


def untie(apps, editor):
    """Elsewhere it goes with its table."""
    if editor.connection.vendor != "postgresql":
        editor.execute("DROP TRIGGER patchbay_usage_passage_goes")
        editor.execute(
            "CREATE TRIGGER patchbay_usage_passage_goes AFTER DELETE ON patchbay_usage_transcript BEGIN "
            "DELETE FROM patchbay_usage_passage WHERE transcript_id = old.number; END"
        )


class Migration(migrations.Migration):

    dependencies = [
        ('patchbay_usage', '0007_passages'),
    ]

    operations = [
        migrations.CreateModel(
            name='Embedding',
            fields=[
                ('transcript', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, serialize=False, to='patchbay_usage.transcript')),
                ('made_with', models.CharField(help_text='The model and the length of its vectors; null: not yet.', max_length=300, null=True)),
            ],
            options={
                'verbose_name': 'embedding',
                'default_permissions': (),
                'indexes': [models.Index(fields=['made_with', 'transcript'], name='patchbay_embedding_made_with')],
            },
        ),
        migrations.RemoveIndex(
            model_name='transcript',
            name='patchbay_transcript_embedded',
        ),
        migrations.RemoveField(
            model_name='transcript',
            name='embedded_with',
        ),
        migrations.RunPython(tie, untie),
    ]
