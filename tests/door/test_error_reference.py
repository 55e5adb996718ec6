"""docs/reference/errors.md names every error that the gateway makes, as the code makes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from providers.errors import TimedOut
from providers.wire.anthropic_messages import errors as anthropic
from providers.wire.errors import ErrorKind
from providers.wire.openai_chat import errors as openai
from tests.architecture.source import modules
from tests.docs.pages import page, rows

MADE_IN = ("proxyproject", "routing", "providers")
Made = tuple[str, ErrorKind, int]


def made() -> Iterator[Made]:
    """(code, kind, status) of every ErrorInfo that the source makes with a fixed status."""
    for module in modules().values():
        if not module.name.startswith(MADE_IN) or module.name.startswith("providers.demo"):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "ErrorInfo":
                yield from _read(node)
    yield from ((f"upstream_{reason}", ErrorKind.TIMEOUT, 504) for reason in TimedOut.SENTENCES)
    for kind in (ErrorKind.QUOTA, ErrorKind.RATE_LIMIT):
        yield str(openai.TYPES[kind][1]), kind, 429


def _read(call: ast.Call) -> Iterator[Made]:
    kind, status, *rest = call.args
    code = rest[1] if len(rest) > 1 else None
    if isinstance(code, ast.BoolOp):
        code = code.values[-1]
    if isinstance(status, ast.Constant) and isinstance(code, ast.Constant) and code.value:
        name = ast.unparse(kind)
        if name.startswith("ErrorKind."):
            yield (
                str(code.value),
                ErrorKind[name.removeprefix("ErrorKind.")],
                int(str(status.value)),
            )


def test_every_error_is_documented_as_the_code_makes_it():
    expected = {
        code: (str(status), openai.TYPES[kind][0], anthropic.TYPES[kind])
        for code, kind, status in made()
    }
    documented = {
        row[0]: (row[1], row[2].strip("`"), row[3].strip("`"))
        for row in rows(page("reference/errors.md"))
    }
    assert documented == expected
