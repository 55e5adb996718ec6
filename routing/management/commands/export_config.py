"""`export_config [--without-secrets]`: the whole configuration as a file that can be applied."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from providers.secrets import is_reference
from routing.rows import live_part, published_part
from routing.yaml_text import write


class Command(BaseCommand):
    help = (
        "Write the configuration as YAML. Secrets are references or ciphertext that only this "
        "installation opens; client keys come without theirs."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--without-secrets", action="store_true", help="leave ciphertext out; keep references"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        document = published_part() | live_part()
        if options["without_secrets"]:
            for provider in document["providers"]:
                for credential in provider.get("credentials", []):
                    if not is_reference(credential.get("secret", "")):
                        credential.pop("secret", None)
        order = ("providers", "redaction_patterns", "teams", "rules", "client_keys", "quotas")
        filled = {name: document[name] for name in order if document.get(name)}
        self.stdout.write(write(filled), ending="")
