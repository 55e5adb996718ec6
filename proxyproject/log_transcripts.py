"""Where transcripts go: a file beside the log, written, rotated and looked after like the log itself."""

from __future__ import annotations

from functools import partial

from django.conf import settings

from providers.wire.codec import Folded, WireFormat
from providers.wire.registry import CODECS
from proxyproject.log_file import LogFile
from proxyproject.log_formats import JsonFormat
from proxyproject.log_health import Keeper
from proxyproject.log_outputs import Options
from proxyproject.log_pipe import Output
from proxyproject.log_segments import Segments
from routing.transcribing import Transcripts
from usage.transcripts.capture import Capture
from usage.transcripts.policy import Policy, redaction_kinds
from usage.transcripts.redact import Redactor
from usage.transcripts.secrets import SecretFilter
from usage.transcripts.segments import LIVE, compress_indexed
from usage.transcripts.write import LineWriter

OWNER_ONLY = 0o600
MOST_HELD = 64 * 2**20
"""Bytes of what was said that wait to be written. What comes beyond is dropped and counted."""


class TranscriptLog:
    """One process's transcripts. `output` is for whoever flushes and counts outputs.

    Threads begin with the first transcript: most gateways keep none.
    """

    def __init__(self, options: Options, secrets: SecretFilter) -> None:
        segments = segments_of(options)
        file = LogFile(segments, options.max_bytes, OWNER_ONLY)
        self._write = LineWriter(_fold, secrets, partial(_redactor, secrets))
        self.output: Output[Capture] = Output(
            "transcripts",
            file.write,
            self._line,
            options.queue_size,
            options.flush_seconds,
            encode_gap=JsonFormat(),
        )
        self._keeper = Keeper(file, segments, options.min_free_mb, lambda: self.output.problem)
        self._came = self._went = 0  # bytes; each has one writer

    def stop(self, seconds: float) -> None:
        """Write what waits, within a bound, and look after nothing any more."""
        self.output.stop(seconds)
        self._keeper.stop()

    @property
    def transcripts(self) -> Transcripts:
        default = Policy(settings.LOG_BODIES, 1.0, redaction_kinds(settings.LOG_REDACT))
        return Transcripts(default, settings.LOG_MAX_BODY_SIZE, self.put)

    def put(self, capture: Capture) -> None:
        """Never waits and never raises."""
        size = capture.size
        if self._came - self._went + size > MOST_HELD:
            return self.output.drop(1)
        if not self._came:
            self._keeper.start()
        self._came += size
        return self.output.put(capture)

    def _line(self, capture: Capture) -> bytes:
        self._went += capture.size
        return self._write(capture)


def segments_of(options: Options) -> Segments:
    """The files of transcripts, with the limits of the log."""
    return Segments(options.directory / LIVE, options.limits, compress_indexed)


def _fold(name: str, stream: bytes) -> Folded:
    return CODECS[WireFormat(name)].fold(stream)


def _redactor(secrets: SecretFilter, kinds: frozenset[str]) -> Redactor:
    return Redactor(kinds=kinds - {"PEOPLE"}, secrets=secrets)
