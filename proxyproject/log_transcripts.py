"""One process's transcripts: made once, and brought to each sink that is set."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings

from providers.wire.codec import Folded, WireFormat
from providers.wire.registry import CODECS
from proxyproject.log_file import LogFile
from proxyproject.log_health import Keeper, Place
from proxyproject.log_outputs import OFF, Options
from proxyproject.log_pipe import Output, last_first
from proxyproject.log_segments import Segments
from proxyproject.redactors import Redactors
from proxyproject.transcript_sinks import LineMaker, Sink, Told, into_database
from routing.transcribing import Transcripts
from usage.transcripts.capture import Capture
from usage.transcripts.database_writer import TranscriptWriter
from usage.transcripts.policy import Policy, redaction_kinds
from usage.transcripts.secrets import SecretFilter
from usage.transcripts.segments import LIVE, compress_indexed
from usage.transcripts.stored import Head
from usage.transcripts.write import LineWriter

OWNER_ONLY = 0o600


class TranscriptLog:
    """`outputs` and `keeper` are for whoever flushes, counts and looks after those of the log.

    Threads begin with the first transcript, for most gateways keep none; but what was kept is looked after.
    """

    def __init__(self, options: Options, secrets: SecretFilter) -> None:
        self._options = options
        redactors = Redactors(secrets, settings.LOG_REDACT_MODEL)
        seal = Head.seal if settings.TRANSCRIPT_ENCRYPTION else None
        self._make = LineMaker(LineWriter(_fold, redactors, seal).lines)
        self._sinks: list[Sink] = []
        self._database = TranscriptWriter()
        segments = segments_of(options)
        file = LogFile(segments, options.max_bytes, OWNER_ONLY)
        self._files: Output[Any] | None = None
        if "file" in settings.TRANSCRIPT_SINKS:
            self._files = self._add("transcripts", file.write).output
        places = places_in_use(options)
        self.keeper = Keeper(place_of(options), file, segments, self._files, bool(places))
        if "database" in settings.TRANSCRIPT_SINKS:
            self._add("transcripts-database", into_database(self._database))

    @property
    def outputs(self) -> list[Output[Any]]:
        return [sink.output for sink in self._sinks]

    @property
    def transcripts(self) -> Transcripts:
        default = Policy(settings.LOG_BODIES, 1.0, redaction_kinds(settings.LOG_REDACT))
        put = self.put if self._sinks else None
        return Transcripts(default, settings.LOG_MAX_BODY_SIZE, put)

    def put(self, capture: Capture) -> None:
        """Never waits and never raises."""
        told = Told(capture, capture.size)
        for sink in self._sinks:
            sink.put(told)
        if self._files is not None:
            self.keeper.start()

    def stop(self, seconds: float) -> None:
        """Write what waits, within a bound, and look after nothing any more."""
        until = time.monotonic() + seconds
        for output in last_first(self.outputs):
            output.stop(until - time.monotonic())
        self._database.close()
        self.keeper.stop()

    def _add(self, name: str, write: Callable[[bytes], None]) -> Sink:
        sink = Sink(name, write, self._make, self._options.queue_size, self._options.flush_seconds)
        self._sinks.append(sink)
        return sink


def segments_of(options: Options) -> Segments:
    """The files of transcripts, with the limits of the log."""
    return Segments(options.directory / LIVE, options.limits, compress_indexed)


def place_of(options: Options) -> Place:
    return Place("transcripts", options.directory / LIVE, options.min_free_mb)


def places_in_use(options: Options) -> list[Place]:
    """The place of transcripts, where files of them are to be looked after from the start on.

    That is where transcripts are kept by default, and where some of an earlier run lie, whether or
    not there will be more.
    """
    kept = "file" in settings.TRANSCRIPT_SINKS and settings.LOG_BODIES != OFF
    return [place_of(options)] if kept or segments_of(options).size()[1] else []


def _fold(name: str, stream: bytes) -> Folded:
    return CODECS[WireFormat(name)].fold(stream)
