"""The reference names everything that exists, and nothing else."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from prometheus_client import CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

from proxyproject.api import api
from routing.gauges import Gauges
from routing.metrics import EmbeddingMetrics, Metrics
from tests.docs.pages import ROOT, first_names, page, rows, section
from usage.outcomes import OUTCOMES
from usage.record import AttemptRecord, Record

READERS = (
    "text",
    "choice",
    "flag",
    "whole",
    "whole_or_none",
    "number",
    "directory",
    "file_name",
    "names",
    "some",
    "networks",
    "origins",
    "ring",
    "secret",
    "database",
)
NUMBERS = ("whole", "whole_or_none", "number")
DJANGO_OPTIONS = {action.dest for action in BaseCommand().create_parser("", "")._actions}
ROOMS = ("proxyproject", "providers", "routing", "usage")


def _settings() -> Iterator[tuple[str, ast.Call]]:
    """(name, call) of everything that proxyproject/settings.py reads from the environment."""
    tree = ast.parse((ROOT / "proxyproject/settings.py").read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in READERS
            and ast.unparse(node.func.value) in ("_env", "_env.env")
        ):
            yield ast.literal_eval(node.args[0]), node


def _documented_settings() -> dict[str, list[str]]:
    return {row[0]: row[1:] for row in rows(page("reference/settings.md"))}


def test_every_setting_is_documented_and_every_documented_setting_exists():
    assert sorted(_documented_settings()) == sorted({name for name, _ in _settings()})


def _bounded() -> list[tuple[str, ast.Call]]:
    """The settings that are numbers between bounds."""
    return [
        (name, call)
        for name, call in _settings()
        if isinstance(call.func, ast.Attribute) and call.func.attr in NUMBERS
    ]


@pytest.mark.parametrize(("name", "call"), _bounded(), ids=[name for name, _ in _bounded()])
def test_default_and_bounds_of_a_setting_are_those_of_the_code(name: str, call: ast.Call):
    default, bounds = _documented_settings()[name][:2]
    least, most = (float(part) for part in bounds.removeprefix("0, or ").split("–"))
    assert bounds.startswith("0, or ") == (ast.unparse(call.func) == "_env.whole_or_none")
    assert (least, most) == (_number(call.args[2]), _number(call.args[3]))
    if not isinstance(call.args[1], ast.IfExp):
        assert float(default) == _number(call.args[1])


def _number(node: ast.expr) -> Any:
    """A constant, or an expression of constants such as 32 * 2**20."""
    return eval(compile(ast.Expression(node), "settings", "eval"), {})  # noqa: S307


def _metrics(kept: object) -> set[str]:
    collectors: tuple[MetricWrapperBase, ...] = kept.all  # type: ignore[attr-defined]
    return {
        metric.name + ("_total" if metric.type == "counter" else "")
        for collector in collectors
        for metric in collector.describe()
    }


def test_every_metric_is_documented_and_every_documented_metric_exists():
    registry = CollectorRegistry()
    kept = (Metrics(registry), EmbeddingMetrics(registry), Gauges(registry))
    named = set().union(*map(_metrics, kept))
    assert set(first_names(page("reference/metrics.md"))) == named


@pytest.mark.parametrize(
    ("title", "kept"), [("Requests", Metrics), ("Search by meaning", EmbeddingMetrics)]
)
def test_the_labels_of_each_metric_are_those_of_the_code(title: str, kept: Any):
    text = section(page("reference/metrics.md"), title)
    documented = {row[0]: tuple(re.findall(r"`(\w+)`", row[2])) for row in rows(text)}
    labels = {
        metric._name + ("_total" if metric._type == "counter" else ""): metric._labelnames
        for metric in kept(CollectorRegistry()).all
    }
    assert documented == labels


def test_the_queries_ask_for_metrics_that_exist():
    text = page("reference/metrics.md") + page("how-to/watch.md")
    asked = set(re.findall(r"patchbay_\w+", text))
    named = set(first_names(page("reference/metrics.md")))
    histograms = {f"{name}_bucket" for name in named if name.endswith("_seconds")}
    assert asked - named - histograms == set()


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_reason_of_an_outcome_is_documented_under_it(outcome: str):
    text = section(page("reference/outcomes.md"), outcome)
    assert first_names(text) == list(OUTCOMES[outcome])


def test_every_field_of_a_record_is_documented_in_its_order():
    fields = page("reference/records.md").partition("\n## ")[0]
    assert first_names(fields) == [field.name for field in msgspec.structs.fields(Record)]


def test_every_field_of_an_attempt_is_documented():
    row = next(row for row in rows(page("reference/records.md")) if row[0] == "attempts")
    named = re.findall(r"`(\w+)`", row[2].replace("(`ok`", ""))
    assert named == [field.name for field in msgspec.structs.fields(AttemptRecord)]


def _commands() -> dict[str, str]:
    """Our own commands, and the app of each."""
    return {name: app for name, app in get_commands().items() if app in ROOMS}


def test_every_command_is_documented_and_every_documented_command_exists():
    text = section(page("reference/commands.md"), "manage.py").partition("\n### ")[0]
    assert set(first_names(text)) == set(_commands())


@pytest.mark.parametrize("name", sorted(_commands()))
def test_every_option_of_a_command_is_documented_and_every_documented_option_exists(name: str):
    parser = load_command_class(_commands()[name], name).create_parser("manage.py", name)
    options = _options(parser)
    text = page("reference/commands.md").partition(f"\n### {name}\n")[2].partition("\n### ")[0]
    assert set(first_names(text)) == options


def _options(parser: argparse.ArgumentParser) -> set[str]:
    """Of a parser and of those below it: what `list` or `show` takes is the command's as well."""
    options = set()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            options |= set().union(*map(_options, action.choices.values()))
        elif action.dest not in DJANGO_OPTIONS:
            options.add(next(iter(action.option_strings), action.dest))
    return options


def test_every_make_target_is_documented_and_every_documented_target_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)
    documented = first_names(section(page("reference/commands.md"), "make"))
    assert sorted(documented) == sorted(f"make {target}" for target in targets)


def test_every_client_path_is_documented_and_every_documented_path_exists():
    declared = {
        f"{method.upper()} {path}"
        for path, methods in api.get_openapi_schema()["paths"].items()
        for method in methods
    }
    text = page("reference/client-paths.md").partition("\n## ")[0]
    documented = {name.replace("{id}", "{model}") for name in first_names(text)}
    assert documented == declared
