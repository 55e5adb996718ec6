"""The lines with which a client begins: for curl, the Python SDKs and Claude Code. Text alone."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

QUESTION = "Say hello in five words."
README = "README.txt"
_address = re.compile(r"the gateway at (\S+) with,")


class Snippet(NamedTuple):
    """Lines to copy. `file` is their name in var/first-run/; `note` says what they need."""

    file: str
    title: str
    text: str
    note: str = ""


def snippets(
    url: str, key: str, model: str = "demo-model", small: str = "demo-small"
) -> list[Snippet]:
    """For one gateway and one client key. `small` is what Claude Code uses beside `model`."""
    return [
        Snippet("curl-openai.sh", "curl, OpenAI", _curl_openai(url, key, model)),
        Snippet("curl-anthropic.sh", "curl, Anthropic", _curl_anthropic(url, key, model)),
        Snippet(
            "openai_sdk.py",
            "Python, OpenAI SDK",
            _openai_sdk(url, key, model),
            "Needs: pip install openai",
        ),
        Snippet(
            "anthropic_sdk.py",
            "Python, Anthropic SDK",
            _anthropic_sdk(url, key, model),
            "Needs: pip install anthropic",
        ),
        Snippet(
            "claude-code.env",
            "Claude Code",
            _claude_code(url, key, model, small),
            "Paste into the shell that starts claude.",
        ),
    ]


def directory(var: Path) -> Path:
    """Where they are kept."""
    return Path(var) / "first-run"


def readme_start(url: str) -> str:
    """How the README begins, from which `readdress` knows what the other files name."""
    return f"Lines to try the gateway at {url} with"


def keep(directory: Path, lines: list[Snippet], readme: str) -> None:
    """Write the lines where only their owner can read them: they hold a key."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for snippet in lines:
        _write(directory / snippet.file, snippet.text)
    _write(directory / README, readme)


def readdress(directory: Path, url: str) -> None:
    """Have the kept lines name this address; else they stay as they are. What cannot be read or written
    stays whole."""
    with suppress(OSError, UnicodeDecodeError):
        found = _address.search((directory / README).read_text())
        if found is None or found[1] == url:
            return
        old = re.compile(re.escape(found[1]) + r"(?![\w.:-])")
        names = [snippet.file for snippet in snippets(url, "", "", "")]
        for name in (*names, README):  # that one last: it says what is left to do
            if (directory / name).exists():
                text = (directory / name).read_text()
                _write(directory / name, old.sub(lambda _: url, text).removesuffix("\n"))


def _write(path: Path, text: str) -> None:
    """All of it or nothing: the key in it is shown once."""
    new = path.with_name(f".{path.name}.new")
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(descriptor, 0o600)
            file.write(text + "\n")
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _curl_openai(url: str, key: str, model: str) -> str:
    return f"""curl -sSN {url}/v1/chat/completions \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "stream": true,
       "messages": [{{"role": "user", "content": "{QUESTION}"}}]}}'"""


def _curl_anthropic(url: str, key: str, model: str) -> str:
    return f"""curl -sSN {url}/v1/messages \\
  -H "x-api-key: {key}" \\
  -H "anthropic-version: 2023-06-01" \\
  -H "Content-Type: application/json" \\
  -d '{{"model": "{model}", "stream": true, "max_tokens": 200,
       "messages": [{{"role": "user", "content": "{QUESTION}"}}]}}'"""


def _openai_sdk(url: str, key: str, model: str) -> str:
    return f"""# pip install openai
from openai import OpenAI

client = OpenAI(base_url="{url}/v1", api_key="{key}")
stream = client.chat.completions.create(
    model="{model}",
    messages=[{{"role": "user", "content": "{QUESTION}"}}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()"""


def _anthropic_sdk(url: str, key: str, model: str) -> str:
    return f"""# pip install anthropic
from anthropic import Anthropic

client = Anthropic(base_url="{url}", api_key="{key}")
with client.messages.stream(
    model="{model}",
    max_tokens=200,
    messages=[{{"role": "user", "content": "{QUESTION}"}}],
) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
print()"""


def _claude_code(url: str, key: str, model: str, small: str) -> str:
    """Newer versions read the last but one name for the small model, older ones the last."""
    return f"""export ANTHROPIC_BASE_URL={url}
export ANTHROPIC_AUTH_TOKEN={key}
export ANTHROPIC_MODEL={model}
export ANTHROPIC_DEFAULT_OPUS_MODEL={model}
export ANTHROPIC_DEFAULT_SONNET_MODEL={model}
export ANTHROPIC_DEFAULT_HAIKU_MODEL={small}
export ANTHROPIC_SMALL_FAST_MODEL={small}"""
