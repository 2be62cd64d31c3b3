"""Writes what a venue tells about its markets, and announces, into a recording."""

from __future__ import annotations

import asyncio
import errno
import gzip
import io
import os
import stat
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeAlias, cast

import zstandard

from venues.book import Book
from venues.commands import Channel, Subscription
from venues.events import BookDelta, BookSnapshot, Event, LinkState, Notice, StreamStatus, Trade
from venues.model import Instrument, InstrumentId
from venues.port import MarketData
from venues.recording.format import (
    MAX_ID,
    MAX_TEXT,
    MILLISECOND,
    DeltaRow,
    NoticeRow,
    RecordingError,
    Row,
    SnapshotRow,
    TradeRow,
    format_row,
    instrument_row,
    is_symbol,
    writable,
)

Compression: TypeAlias = Literal["gzip", "zstd"]

_FLUSH_BYTES = 1 << 18
_FLUSH_SECONDS = 1.0


class _Sink(Protocol):
    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...
    def close(self) -> None: ...


class RecordingWriter:
    """A recording being written to `path`, readable by its owner only. A context manager.

    What is flushed stays readable whatever happens later. Changes of a book that is not known, because an earlier
    one is missing or makes no sense, are left out until its next snapshot, and counted in `skipped`.

    Raises:
        RecordingError: the file exists and `overwrite` is not set, or it can not be made.
    """

    def __init__(self, path: Path, compression: Compression | None = None, *, overwrite: bool = False) -> None:
        self.path = path
        self.rows = 0
        self.skipped = 0
        self._books: dict[InstrumentId, Book] = {}
        self._newest = 0  # milliseconds, of the newest snapshot, delta or trade
        self._buffer: list[bytes] = []
        self._buffered = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | (os.O_TRUNC if overwrite else os.O_EXCL)
        try:
            descriptor = os.open(path, flags, 0o600)
        except FileExistsError:
            raise RecordingError(
                f"{path} exists; choose another name, or say that it may be overwritten"
            ) from None
        except OSError as error:
            raise RecordingError(f"{path} can not be written: {error.strerror}; check the path") from None
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.fchmod(descriptor, 0o600)
        self._file: io.FileIO | None = io.FileIO(descriptor, "wb")
        self._sink = _open_sink(self._file, compression)
        self._good = 0  # the file is whole up to here

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def write_instruments(self, instruments: Iterable[Instrument], ts: int) -> None:
        """Writes the rows that describe `instruments`; events of others are skipped. `ts` in nanoseconds UTC.

        Raises:
            RecordingError: a symbol does not fit the format, or writing fails.
        """
        for instrument in instruments:
            if not is_symbol(instrument.id.symbol):
                raise RecordingError(f"the symbol {instrument.id.symbol!a} can not be recorded")
            if instrument.id not in self._books:
                self._books[instrument.id] = Book(instrument.id)
                self._write(instrument_row(instrument, ts // MILLISECOND))

    def write(self, event: Event) -> bool:
        """Writes a snapshot, a change, a trade or a notice; says whether it was written. Raises RecordingError."""
        if isinstance(event, Notice):
            return self._write_notice(event)
        if not isinstance(event, BookSnapshot | BookDelta | Trade):
            return False
        book = self._books.get(event.instrument)
        if book is None:
            return False
        symbol, ts = event.instrument.symbol, (event.ts_recv or event.ts_event) // MILLISECOND
        if isinstance(event, Trade):
            identity = writable(event.trade_id, MAX_ID)
            self._write(TradeRow(ts, symbol, event.side, f"{event.price:f}", f"{event.quantity:f}", identity))
            self._newest = ts
            return True
        if not book.apply(event):
            self.skipped += 1
            return False
        kind = SnapshotRow if isinstance(event, BookSnapshot) else DeltaRow
        self._write(kind(ts, symbol, event.bids, event.asks))
        self._newest = ts
        return True

    def _write_notice(self, notice: Notice) -> bool:
        # Its time may be that of what it announces. What counts here is when it came: after the row before it.
        ts = self._newest or notice.ts_event // MILLISECOND
        if ts <= 0:
            return False
        self._write(NoticeRow(ts, writable(notice.text, MAX_TEXT), notice.is_alarm))
        return True

    def flush(self) -> None:
        """Hands everything to the operating system. Raises RecordingError; what was flushed before stays."""
        if self._file is None or not self._buffer:
            return
        data, self._buffer, self._buffered = b"".join(self._buffer), [], 0
        try:
            self._sink.write(data)
            self._sink.flush()
            self._good = self._file.tell()
        except OSError as error:
            raise self._give_up(error) from None

    def close(self) -> None:
        """Flushes and closes. May be called twice. Raises RecordingError."""
        if self._file is None:
            return
        self.flush()
        file, self._file = self._file, None
        try:
            self._sink.close()
            file.close()
        except OSError as error:
            self._file = file
            raise self._give_up(error) from None

    def _write(self, row: Row) -> None:
        if self._file is None:
            raise RecordingError(f"{self.path} is closed; nothing more can be recorded in it")
        line = format_row(row)
        self._buffer.append(line)
        self._buffered += len(line)
        self.rows += 1
        if self._buffered >= _FLUSH_BYTES:
            self.flush()

    def _give_up(self, error: OSError) -> RecordingError:
        """Cuts off the half row that a full disk leaves, and closes."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.truncate(self._good)
            with suppress(OSError):
                file.close()
        full = error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
        why = "there is no space left" if full else "it can not be written"
        remedy = "make room and record into another file" if full else "check the disk"
        return RecordingError(f"{self.path}: {why} ({error.strerror}); what it holds can be played; {remedy}")


class _WholeFile(io.RawIOBase):
    """Writes all of what it is given: a raw file may write less, and say so only by its return value."""

    def __init__(self, file: io.FileIO) -> None:
        super().__init__()
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        view = memoryview(cast(bytes, data)).cast("B")
        size = len(view)
        while len(view):
            view = view[self._file.write(view) :]
        return size


def _open_sink(file: io.FileIO, compression: Compression | None) -> _Sink:
    whole = _WholeFile(file)
    if compression == "gzip":
        return cast(_Sink, gzip.GzipFile(filename="", fileobj=cast(io.BytesIO, whole), mode="wb", mtime=0))
    if compression == "zstd":
        writer = zstandard.ZstdCompressor().stream_writer(cast(io.BytesIO, whole), closefd=False)
        return cast(_Sink, writer)
    return cast(_Sink, whole)


class RecordingSummary(NamedTuple):
    """What `record` has done. `seconds` as measured by its clock."""

    path: Path
    rows: int
    skipped: int
    seconds: float


async def record(
    venue: MarketData,
    instruments: Sequence[InstrumentId],
    path: Path,
    *,
    seconds: float | None = None,
    rows: int | None = None,
    compression: Compression | None = None,
    overwrite: bool = False,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], int] = time.time_ns,
) -> RecordingSummary:
    """Records the books and trades of `instruments`, and what is announced, from a connected venue.

    Ends after `seconds`, after `rows`, when the venue's events end, or when it is cancelled: the file is whole in
    every case.

    Raises:
        RecordingError: the file can not be written, or an instrument is not one of the venue.
        VenueError: the venue does not give its instruments, or refuses a subscription.
    """
    known = {instrument.id: instrument for instrument in await venue.fetch_instruments()}
    missing = [str(wanted) for wanted in instruments if wanted not in known]
    if missing:
        raise RecordingError(f"the venue {venue.name} has no {', '.join(missing)}; look at its instruments")
    subscriptions = [
        Subscription(channel, wanted) for wanted in instruments for channel in (Channel.BOOK, Channel.TRADES)
    ]
    start = clock()
    with RecordingWriter(path, compression, overwrite=overwrite) as writer:
        writer.write_instruments((known[wanted] for wanted in instruments), now())
        # At its end the time limit cancels the wait for the next batch; cancelling from outside goes through.
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for subscription in subscriptions:
                    await venue.subscribe(subscription)
                await _write_events(venue, writer, rows, clock)
        for subscription in subscriptions:
            await venue.unsubscribe(subscription)
    return RecordingSummary(path, writer.rows, writer.skipped, clock() - start)


async def _write_events(
    venue: MarketData, writer: RecordingWriter, rows: int | None, clock: Callable[[], float]
) -> None:
    flushed = clock()
    events = venue.events()
    try:
        async for batch in events:
            for event in batch:
                if isinstance(event, StreamStatus) and event.state is LinkState.ENDED:
                    return
                writer.write(event)
                if rows is not None and writer.rows >= rows:
                    return
            if clock() - flushed >= _FLUSH_SECONDS:
                writer.flush()
                flushed = clock()
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
