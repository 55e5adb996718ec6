"""The thread that has transcripts embedded, for search by meaning, whatever goes away meanwhile.

One of a host's workers does it at a time. It asks for nothing on a request's way, and holds up none.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from usage.ledger import Ledger
from usage.log_lock import locked
from usage.record import Record
from usage.store import open_store, own_connection
from usage.transcripts.embedded import Embed, Embedded
from usage.transcripts.meaning import MOST_COUNTED, check
from usage.transcripts.passages import PassageTable, Placed, Vector, unit
from usage.transcripts.quotes import Quote, fresh_quotes
from usage.transcripts.read_database import unpacked
from usage.transcripts.spoken import Heard

ROWS_AT_ONCE = 32
MOST_TEXTS = 16
"""Of one call: reading many vectors would hold up the requests of this process."""
POLL_SECONDS = 1.0
LOCK_SECONDS = 5.0
COUNT_SECONDS = 15.0
FIRST_WAIT = 1.0
LONGEST_WAIT = 60.0
LONGEST_WAIT_FOR_MODEL = 600.0
"""Where the model gives nothing at all: each try is a call, and a record in the books."""
PROBE = "Hello"
"""What a model that works embeds."""

log = logging.getLogger("patchbay.transcripts")


Asked = dict[int, list[Quote]]
"""The pieces of transcripts, by number."""


class Trouble(Exception):
    """There are no vectors now; the text is a sentence."""


class IndexInTheWay(Exception):
    """Vectors cannot be kept now; the text is a sentence that says which index to drop."""


class Indexer:
    """`model` is noted with what it made; `lock` is the file by which a host's workers take turns.

    `tell` hears now and then how many transcripts wait.
    """

    def __init__(
        self,
        embed: Embed,
        model: str,
        lock: Path,
        connect: Callable[[], BaseDatabaseWrapper] = own_connection,
        tell: Callable[[int], object] = int,
    ) -> None:
        self._embed = embed
        self._model = model
        self._lock = lock
        self._connect = connect
        self._tell = tell
        self._count_at = 0.0
        self._thread = threading.Thread(target=self._run, name="transcripts-meaning", daemon=True)
        self._stopping = threading.Event()
        self._heard = Heard()
        self._table: PassageTable | None = None
        self._books: Ledger
        self._owed: list[Record] = []  # calls that are not in the books yet
        self._tidy = self._probed = self._has_changed = self._has_learned = False
        self._size: int | None = None
        self._failures = 0
        self._has_stored = False
        self._said = ""

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Begin nothing new."""
        self._stopping.set()

    def stop(self, seconds: float) -> None:
        """End the thread. A call that takes longer is left to itself, and its transcripts wait."""
        self.end()
        self._thread.join(max(0.0, seconds))

    def turn(self) -> bool:
        """One piece of work; returns whether there may be more at once. Raises whatever goes wrong."""
        self._has_stored = False
        table = self._open()
        self._book()
        if not self._tidy:
            self._mind_indexes()
            self._tidy = table.forget_others(self._size)
            return True
        rows = table.waiting(ROWS_AT_ONCE)
        if not rows:
            return self._learn_size()
        self._mind_indexes()
        had_changed, heard, self._probed = self._has_changed, self._heard.copy(), False
        self._enter({number: _quotes(line, heard) for number, line in rows})
        # where it failed, what is asked for again was not heard yet; nor was what is made anew
        self._heard = heard if self._has_changed == had_changed else Heard()
        return True

    def close(self) -> None:
        """For the thread that had the turns."""
        table, self._table = self._table, None
        if table is not None:
            try:
                table.close()
            except Exception as error:  # noqa: BLE001 — a broken connection may not even close
                log.debug("A connection for passages did not close: %s", error)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with locked(self._lock, wait=False) as held:
                    while held and not self._stopping.is_set():
                        self._pause(self._tried())
            except OSError as error:
                self._trouble(error)
            self._stopping.wait(LOCK_SECONDS)
        self._book_last()
        self.close()

    def _pause(self, seconds: float) -> None:
        """Also while the model is away it is told how many wait."""
        until = time.monotonic() + seconds
        self._count()
        while (left := until - time.monotonic()) > 0 and not self._stopping.is_set():
            self._stopping.wait(min(left, COUNT_SECONDS))
            self._count()

    def _count(self) -> None:
        if time.monotonic() < self._count_at:
            return
        self._count_at = time.monotonic() + COUNT_SECONDS
        try:
            self._tell(self._open().count_waiting(MOST_COUNTED + 1))
        except Exception as error:  # noqa: BLE001 — a turn says what is wrong
            self.close()
            log.debug("transcripts that wait could not be counted: %s", error)

    def _tried(self) -> float:
        """One turn; returns how long to wait for the next, in seconds."""
        try:
            more = self.turn()
        except Exception as error:  # noqa: BLE001 — whatever it is, the thread must go on
            self.close()
            self._trouble(error)
            gives_nothing = isinstance(error, Trouble) and not self._has_stored
            longest = LONGEST_WAIT_FOR_MODEL if gives_nothing else LONGEST_WAIT
            return random.uniform(0.5, 1.0) * wait_seconds(self._failures, longest)  # noqa: S311 — jitter
        if self._failures:
            log.info(
                "transcripts are embedded for search by meaning again, after %d tries that failed",
                self._failures,
            )
        self._failures, self._said = 0, ""
        return 0.0 if more else POLL_SECONDS

    def _trouble(self, error: Exception) -> None:
        """Said once, and again where it is another one."""
        self._failures += 1
        why = str(error).partition("\n")[0] or type(error).__name__  # below it stand rows
        if why != self._said:
            log.warning(
                "transcripts cannot be embedded for search by meaning, and will be: %s", why
            )
        self._said = why

    def _open(self) -> PassageTable:
        if self._table is None:
            _check()
            own = self._connect()
            store = open_store(own)
            self._books = Ledger(store)
            self._table = PassageTable(store, self._model, own.vendor == "postgresql")
        return self._table

    def _enter(self, asked: Asked) -> None:
        """Bring the passages of transcripts into the database, in halves where they are too many.

        Those that were erased meanwhile are not asked for.
        """
        if self._stopping.is_set():
            return
        there = self._open().present(asked)
        asked = {number: quotes for number, quotes in asked.items() if number in there}
        texts = [quote.text for quotes in asked.values() for quote in quotes]
        if len(texts) > MOST_TEXTS and len(asked) > 1:
            return self._enter_halves(asked)
        answer = self._ask(texts) if texts else Embedded([], None)
        if answer.problem and not (answer.texts_refused and self._works()):
            raise Trouble(answer.problem)
        if answer.problem and len(asked) > 1:
            return self._enter_halves(asked)
        if answer.problem:
            return self._enter_pieces(asked)
        self._note_size(answer.vectors)
        vectors = iter(answer.vectors)
        return self._store({number: _placed(quotes, vectors) for number, quotes in asked.items()})

    def _enter_halves(self, asked: Asked) -> None:
        rest = iter(asked.items())
        self._enter(dict(islice(rest, len(asked) // 2)))
        self._enter(dict(rest))

    def _enter_pieces(self, asked: Asked) -> None:
        """One transcript, of which some pieces are refused."""
        [(number, quotes)] = asked.items()
        placed: list[Placed] = []
        for quote in quotes if len(quotes) > 1 else ():
            if self._stopping.is_set() or not self._open().present([number]):
                return
            answer = self._ask([quote.text])
            if answer.problem and not answer.texts_refused:
                raise Trouble(answer.problem)
            self._note_size(answer.vectors)
            placed += _placed([quote], iter(answer.vectors))
        log.warning(
            "the embedding model refuses %d of %d pieces of transcript %s, which is not found by "
            "them; choose a model that takes pieces of 1500 letters",
            len(quotes) - len(placed),
            len(quotes),
            self._open().exchange_id(number),
        )
        self._store({number: placed})

    def _store(self, passages: dict[int, list[Placed]]) -> None:
        """What the database refuses is not asked for again: that would be paid again."""
        table = self._open()
        try:
            table.enter(passages)
            self._has_stored = True
        except table.refusals as error:
            self._mind_indexes()
            if len(passages) > 1:
                for number, placed in passages.items():
                    self._store({number: placed})
                return
            [number] = passages
            log.error(
                "the database does not take the passages of transcript %s (%s), which is not found by "
                "its meaning; look into the database's own log for why",
                table.exchange_id(number),
                type(error).__name__,
            )
            table.enter({number: []})

    def _note_size(self, vectors: list[Vector]) -> None:
        """Where vectors are of another length than before, those before are to be made anew."""
        if not vectors or len(vectors[0]) == self._size:
            return
        if self._size is not None:
            if self._has_changed:  # to make all anew each time would be paid without end
                raise Trouble("The embedding model answers with vectors of lengths that change.")
            self._has_changed = True
        self._size = len(vectors[0])
        self._tidy = False

    def _learn_size(self) -> bool:
        """Ask once after the start how long vectors are, where there are some and nothing new tells.

        Returns whether it asked. The operator may have changed the model for one that is called the same.
        """
        asks = not self._has_learned and self._size is None and self._open().has_vectors()
        if asks:
            self._probe()
        self._has_learned = True
        return asks

    def _mind_indexes(self) -> None:
        """Ask for nothing that the database would not take."""
        if self._size is not None and (sentence := self._open().in_the_way(self._size)):
            raise IndexInTheWay(sentence)

    def _works(self) -> bool:
        """Whether the model takes anything at all: then it is the texts that it refused."""
        if not self._probed:
            self._probe()
        self._probed = True
        return True

    def _probe(self) -> None:
        answer = self._ask([PROBE])
        if answer.problem:
            raise Trouble(answer.problem)
        self._note_size(answer.vectors)

    def _ask(self, texts: list[str]) -> Embedded:
        answer = self._embed(texts)
        if answer.record is not None:
            self._owed.append(answer.record)
            self._book()
        return answer

    def _book(self) -> None:
        """Enter each call, paid or not, into the books. Where they are away, before the next call."""
        if self._owed:
            self._books.enter(self._owed, [])
            self._owed = []

    def _book_last(self) -> None:
        if not self._owed:
            return
        try:
            self._open()
            self._book()
        except Exception as error:  # noqa: BLE001 — the thread ends, whatever it is
            log.error(
                "calls to the embedding model that are not in the books: %d (%s)",
                len(self._owed),
                type(error).__name__,
            )


def wait_seconds(failures: int, longest: float) -> float:
    """After so many failures in a row: twice as long each time, up to the longest."""
    return min(longest, FIRST_WAIT * 2.0 ** min(failures - 1, 20))


def _check() -> None:
    """Raises MeaningUnavailable where nothing could be searched: then nothing is to be sent, either."""
    try:
        check()
    finally:
        connection.close()


def _quotes(line: bytes, heard: Heard) -> list[Quote]:
    """Nothing where the line cannot be read: then there is nothing to find either."""
    read = unpacked(line)
    try:
        return [] if read is None else fresh_quotes(read, heard)
    except Exception as error:  # noqa: BLE001 — one transcript keeps no other out
        log.error(
            "transcript %s was not read for search by meaning (%s)",
            read.head.exchange_id if read else "",
            type(error).__name__,
        )
        return []


def _placed(quotes: list[Quote], vectors: Iterator[Vector]) -> list[Placed]:
    """Those that have a direction."""
    units = ((quote.position, unit(vector)) for quote, vector in zip(quotes, vectors, strict=False))
    return [Placed(position, vector) for position, vector in units if vector is not None]
