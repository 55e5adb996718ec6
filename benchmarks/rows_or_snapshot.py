"""Plan a request from database rows and from a Snapshot, and time both.

Run inside Django: `manage.py shell -c "from benchmarks.rows_or_snapshot import main; main()"`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable

from benchmarks import answers
from providers.secrets import binding, open_secret
from routing.compile import compile_document
from routing.models import Rule
from routing.publish import newest
from routing.snapshot import Snapshot
from routing.strategy import plan
from usage.models import ClientKey

KEY, TEAM = "bench", "bench"


def from_rows() -> None:
    """What a view does that asks the ORM: the key, the rules in order, the first that matches."""
    key = ClientKey.objects.select_related("team").get(name=KEY)
    rules = Rule.objects.filter(enabled=True).prefetch_related(
        "match_teams", "match_keys", "targets__deployment__provider__credentials"
    )
    for rule in rules:
        if _matches(rule, key):
            target = next(iter(rule.targets.all()))
            credential = next(iter(target.deployment.provider.credentials.all()))
            name = target.deployment.provider.name
            open_secret(credential.secret, binding(name, credential.label))
            return
    raise LookupError(answers.WHOLE)


def _matches(rule: Rule, key: ClientKey) -> bool:
    """Near enough: the pattern's fixed beginning, the headers (the request has none), teams, keys."""
    if not answers.WHOLE.startswith(rule.match_model.partition("*")[0]) or rule.match_headers:
        return False
    teams, keys = list(rule.match_teams.all()), list(rule.match_keys.all())
    return (not teams or key.team in teams) and (not keys or key in keys)


def compiled() -> Snapshot:
    version = newest()
    if version is None:
        raise LookupError("nothing is published")
    return compile_document(version.document, open_secret)


def from_snapshot(snapshot: Snapshot) -> None:
    route = snapshot.table.match(answers.WHOLE, KEY, TEAM, {})
    if route is None or not plan(route, answers.WHOLE, random.random).endpoints:
        raise LookupError(answers.WHOLE)


def microseconds(work: Callable[[], object], times: int) -> float:
    """CPU per call, the best of three runs."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        for _ in range(times):
            work()
        best = min(best, time.process_time() - began)
    return best / times * 1e6


def main() -> None:
    snapshot = compiled()
    found = {
        "rows": microseconds(from_rows, 100),
        "compile": microseconds(compiled, 30),
        "snapshot": microseconds(lambda: from_snapshot(snapshot), 20_000),
    }
    print(json.dumps(found))
