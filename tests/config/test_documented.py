"""The reference page describes every member of the file, and no other."""

from __future__ import annotations

import pytest
import yaml

from routing import entries
from routing.document import SECTIONS, read
from routing.references import NOTHING_KNOWN, check
from tests.docs.pages import first_names, page

PAGE = "reference/configuration-file.md"
HEADINGS = {
    "## providers": entries.ProviderEntry,
    "### Credentials": entries.CredentialEntry,
    "### Deployments": entries.DeploymentEntry,
    "### Prices": entries.PriceEntry,
    "## teams": entries.TeamEntry,
    "## redaction_patterns": entries.RedactionPatternEntry,
    "## rules": entries.RuleEntry,
    "### What a rule matches": entries.MatchEntry,
    "### Targets": entries.TargetEntry,
    "## client_keys": entries.ClientKeyEntry,
    "## quotas": entries.QuotaEntry,
}


@pytest.mark.parametrize(("heading", "entry"), HEADINGS.items())
def test_each_table_has_the_members_of_its_entry(heading, entry):
    part = page(PAGE).partition(f"\n{heading}\n")[2].partition("\n#")[0]
    assert set(first_names(part)) == set(entry.model_fields)


def test_the_example_of_the_page_is_a_configuration_without_a_mistake():
    text = page(PAGE).partition("```yaml\n")[2].partition("```")[0]
    example = yaml.safe_load(text)
    document, problems = read(example)
    assert set(example) == set(SECTIONS)
    assert problems + check(document, NOTHING_KNOWN) == []
