"""Which names of JSON members say that what they hold is secret, whatever it looks like. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

TOKEN = "token"  # noqa: S105
"""Alone it also names a piece of a word, as in `logprobs`; a secret of that name is longer."""
SHORTEST_TOKEN = 16
LONGEST = 100
"""Characters of a name. What is longer was said, and is not held for the next time."""

_name = re.compile(
    r"(?:passw(?:or)?d|passphrase|passcode|secret|authorization|cookie|bearer|credential"
    r"|(?:api|access|account|auth|encryption|master|private|secret|service|signing|subscription)[\-_.]?key"
    r")s?[0-9]{0,2}\Z"
    r"|[\-_.](?:pass|pwd)[0-9]{0,2}\Z"
    # Not what a tokenizer or a list in pages calls so.
    r"|(?<=.)(?<!(?:bos|eos|pad|unk|sep|cls)_)(?<!(?:mask|next|page|stop)_)token[0-9]{0,2}\Z",
    re.ASCII | re.IGNORECASE,
)
_token = re.compile(TOKEN, re.ASCII | re.IGNORECASE)
_LAST = "passwd password passphrase passcode secret authorization cookie bearer credential key pass pwd token"
_ENDS = frozenset(
    f"{word}{number}"[-3:]
    for name in _LAST.split()
    for word in (name, f"{name}s")
    for number in ("", *range(10), *(f"{of_two:02}" for of_two in range(100)))
)
"""The last three letters of all such names, in small letters."""


def names_a_secret(name: str) -> bool:
    """Whether a name says so, such as `db_password`, `GITHUB_TOKEN` or `x-api-key`."""
    return len(name) <= LONGEST and _says_so(name)


@lru_cache(maxsize=4096)
def _says_so(name: str) -> bool:
    return _name.search(name) is not None


def is_secret(name: str, value: str | float) -> bool:
    """Whether a member holds a secret, by its name. Of numbers those count alone that stand for passwords."""
    if isinstance(value, str):
        if _token.fullmatch(name):
            return len(value) >= SHORTEST_TOKEN and not any(map(str.isspace, value))
        return bool(value) and names_a_secret(name)
    return not isinstance(value, bool) and names_a_secret(name) and not _token.search(name)


def secret_names(texts: Iterable[str]) -> set[str]:
    """Those of these texts, names or not, that could be such a name. Soon done for many."""
    likely = [text for text in texts if text[-3:].lower() in _ENDS]
    return {text for text in likely if text.lower() == TOKEN or names_a_secret(text)}
