from __future__ import annotations

import asyncio
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.venues.recording.tape import (
    ABC,
    INSTRUMENT,
    START,
    TapeClock,
    delta,
    notice,
    snapshot,
    trade,
    write_rows,
)
from venues.events import BookDelta, BookSnapshot, Event, Level, LinkState, Notice, StreamStatus, Trade
from venues.model import Instrument, InstrumentId, InstrumentKind, Side
from venues.recording.format import (
    MAX_TEXT,
    DeltaRow,
    InstrumentRow,
    NoticeRow,
    RecordingError,
    Row,
    SnapshotRow,
    TradeRow,
)
from venues.recording.reader import RecordingReader
from venues.recording.survey import Terms, survey_recording
from venues.recording.venue import ReplayVenue, Settings
from venues.recording.writer import Compression, RecordingWriter, record

TS = START * 1_000_000
BTC = InstrumentId("paper", "BTC/USDT")
LISTED = Instrument(
    id=BTC,
    name="BTC/USDT perp",
    kind=InstrumentKind.LINEAR_PERPETUAL,
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick_size=Decimal("0.1"),
    lot_size=Decimal("1E-5"),
    min_notional=Decimal(5),
    maker_fee=Decimal("-0.0001"),
    taker_fee=Decimal("0.0004"),
    max_leverage=Decimal(50),
    maintenance_margin=Decimal("0.005"),
)
COMPRESSIONS: list[Compression | None] = [None, "gzip", "zstd"]


def events() -> list[Event]:
    bids: tuple[Level, ...] = (("100.0", "1.50"), ("99.9", "2"))
    asks: tuple[Level, ...] = (("100.1", "3"),)
    return [
        BookSnapshot(BTC, bids, asks, 5, TS, TS),
        Trade(BTC, "t-1", Side.SELL, Decimal("100.0"), Decimal("1E-5"), TS + 10**6, TS + 2 * 10**6),
        BookDelta(BTC, (("100.0", "0"),), (), 5, 6, TS + 3 * 10**6, TS + 3 * 10**6),
    ]


ROWS: list[Row] = [
    SnapshotRow(START, "BTC/USDT", (("100.0", "1.50"), ("99.9", "2")), (("100.1", "3"),)),
    TradeRow(START + 2, "BTC/USDT", Side.SELL, "100.0", "0.00001", "t-1"),
    DeltaRow(START + 3, "BTC/USDT", (("100.0", "0"),), ()),
]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_what_is_written_is_read_again(compression: Compression | None, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    with RecordingWriter(path, compression) as writer:
        writer.write_instruments([LISTED, LISTED], TS)
        assert all(writer.write(event) for event in events())
        assert not writer.write(StreamStatus("paper", LinkState.LIVE))
    described, *rows = RecordingReader(path)
    assert rows == ROWS
    assert isinstance(described, InstrumentRow)
    assert writer.rows == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (read,) = survey_recording(path, {}, Terms(*[Decimal(9)] * 4)).instruments.values()
    for field in ("name", "kind", "base", "quote", "settle", "tick_size", "lot_size", "min_notional"):
        assert getattr(read, field) == getattr(LISTED, field)
    assert (read.maker_fee, read.taker_fee) == (LISTED.maker_fee, LISTED.taker_fee)
    assert (read.max_leverage, read.maintenance_margin) == (LISTED.max_leverage, LISTED.maintenance_margin)
    assert read.note == ""


def test_notices_stand_where_they_came_whatever_their_time(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    first, *_ = events()
    year = 365 * 86_400 * 10**9
    with RecordingWriter(path) as writer:
        writer.write_instruments([LISTED], TS)
        assert not writer.write(Notice("paper", "no time is known"))
        assert writer.write(Notice("paper", "early", ts_event=TS - year))
        assert writer.write(first)
        assert writer.write(Notice("paper", "maintenance in a year", is_alarm=True, ts_event=TS + year))
        assert writer.write(Notice("paper", "half \ud800" + "x" * 5000))
    _, early, _, late, long = RecordingReader(path)
    assert early == NoticeRow(START - year // 10**6, "early")
    assert late == NoticeRow(START, "maintenance in a year", True)
    assert long == NoticeRow(START, "half ?" + "x" * (MAX_TEXT - 6))


def test_strange_texts_of_a_venue_are_written_and_read(tmp_path: Path) -> None:
    text = "\x1b]52;c;AA\x07\ud83d\u202e[@click=app.quit]"
    path = tmp_path / "recording"
    first, sale, _ = events()
    assert isinstance(sale, Trade)
    with RecordingWriter(path) as writer:
        writer.write_instruments([replace(LISTED, name=text, note=text)], TS)
        assert writer.write(replace(sale, trade_id=text))
        assert writer.write(first)
    described, traded, _ = RecordingReader(path)
    assert isinstance(described, InstrumentRow)
    assert isinstance(traded, TradeRow)
    assert described.name == described.note == traded.id == text.replace("\ud83d", "?")


def test_compressed_files_are_compressed(tmp_path: Path) -> None:
    magics = []
    for compression in COMPRESSIONS:
        path = tmp_path / f"{compression}"
        with RecordingWriter(path, compression) as writer:
            writer.write_instruments([LISTED], TS)
        magics.append(path.read_bytes()[:2])
    assert magics == [b'{"', b"\x1f\x8b", b"\x28\xb5"]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_what_is_flushed_can_be_read_before_it_is_closed(compression: Compression | None, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    writer = RecordingWriter(path, compression)
    writer.write_instruments([LISTED], TS)
    for event in events():
        writer.write(event)
    writer.flush()
    reader = iter(RecordingReader(path))
    rows = [next(reader) for _ in range(4)]
    reader.close()
    assert rows[1:] == ROWS
    writer.close()
    writer.close()
    with pytest.raises(RecordingError, match="closed"):
        writer.write(events()[0])


def test_a_file_is_never_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    path.write_text("precious")
    path.chmod(0o644)
    with pytest.raises(RecordingError, match="exists; choose another name"):
        RecordingWriter(path)
    assert path.read_text() == "precious"
    RecordingWriter(path, overwrite=True).close()
    assert path.read_text() == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="No such file"):
        RecordingWriter(tmp_path / "none" / "recording")


def test_changes_of_an_unknown_book_are_left_out_until_the_next_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    first, _, change = events()
    gap = BookDelta(BTC, (("99.0", "1"),), (), 9, 10, TS, TS)
    late = BookDelta(BTC, (("99.0", "1"),), (), 10, 11, TS, TS)
    stranger = Trade(InstrumentId("paper", "ETH/USDT"), "t", Side.BUY, Decimal(1), Decimal(1), TS, TS)
    with RecordingWriter(path) as writer:
        writer.write_instruments([LISTED], TS)
        written = [writer.write(event) for event in (change, first, change, gap, late, first, stranger)]
    assert written == [False, True, True, False, False, True, False]
    assert writer.skipped == 3
    assert [type(row) for row in RecordingReader(path)] == [InstrumentRow, SnapshotRow, DeltaRow, SnapshotRow]


def test_a_symbol_that_could_not_be_read_again_is_refused(tmp_path: Path) -> None:
    bad = Instrument(
        **{**{f: getattr(LISTED, f) for f in LISTED.__struct_fields__}, "id": InstrumentId("x", "b c")}
    )
    with RecordingWriter(tmp_path / "recording") as writer, pytest.raises(RecordingError, match="'b c'"):
        writer.write_instruments([bad], TS)


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Lets the kernel refuse writes beyond `limit` bytes, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_full_disk_is_said_and_what_was_flushed_stays(compression: Compression | None, tmp_path: Path) -> None:
    path = tmp_path / "recording"
    writer = RecordingWriter(path, compression)
    writer.write_instruments([LISTED], TS)
    for event in events():
        writer.write(event)
    writer.flush()
    kept = path.stat().st_size
    with file_size_limit(kept + 700), pytest.raises(RecordingError, match="no space left") as caught:
        for index in range(100_000):
            # Ids that do not compress well, so that each compression reaches the limit.
            identity = f"{hash((index, 7)):x}{hash((index, 11)):x}"
            writer.write(Trade(BTC, identity, Side.BUY, Decimal(100), Decimal(1), TS, TS))
            if index % 20 == 0:
                writer.flush()
    assert "make room" in str(caught.value)
    assert path.stat().st_size >= kept
    rows: list[Row] = []
    try:
        rows.extend(RecordingReader(path))
    except RecordingError as error:
        assert compression is not None
        assert "cut off" in str(error)
        rows = [row for row, _ in zip(RecordingReader(path), range(4), strict=False)]
    assert rows[1:4] == ROWS
    with pytest.raises(RecordingError, match="closed"):
        writer.write(events()[0])


TAPE = [
    INSTRUMENT,
    snapshot([("99.9", "1")], [("100.0", "2")]),
    trade("buy", "100", "1"),
    delta(asks=[("100.0", "1")]),
    {**notice("maintenance at noon", alarm=True), "ts": START + 3000},
    trade("buy", "100", "1"),
    delta(asks=[("100.0", "0"), ("100.1", "5")]),
]


async def replay(path: Path, speed: str) -> ReplayVenue:
    clock = TapeClock()
    venue = ReplayVenue(Settings(path=str(path), speed=speed), clock=clock.read, sleep=clock.sleep)
    await venue.connect()
    return venue


@pytest.mark.parametrize("compression", COMPRESSIONS)
async def test_a_recorded_venue_plays_again_the_same(compression: Compression | None, tmp_path: Path) -> None:
    source = write_rows(tmp_path / "source.jsonl", TAPE)
    venue = await replay(source, "max")
    summary = await record(venue, [ABC], tmp_path / "copy", compression=compression, now=lambda: TS)
    await venue.aclose()
    described, *rows = RecordingReader(tmp_path / "copy")
    assert isinstance(described, InstrumentRow)
    assert described.symbol == "ABCUSDT"
    assert rows == list(RecordingReader(source))[1:]
    assert (summary.rows, summary.skipped) == (7, 0)


async def test_it_ends_after_so_many_rows(tmp_path: Path) -> None:
    venue = await replay(write_rows(tmp_path / "source.jsonl", TAPE), "max")
    summary = await record(venue, [ABC], tmp_path / "copy", rows=3)
    await venue.aclose()
    assert summary.rows == 3
    assert len(list(RecordingReader(tmp_path / "copy"))) == 3


async def test_it_ends_after_so_many_seconds(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "source.jsonl", [*TAPE, {**trade("buy", "101", "1"), "ts": START + 10**9}])
    venue = ReplayVenue(Settings(path=str(path), speed="1000"))
    await venue.connect()
    summary = await record(venue, [ABC], tmp_path / "copy", seconds=0.3)
    await venue.aclose()
    assert summary.rows == 7
    assert len(list(RecordingReader(tmp_path / "copy"))) == 7


async def test_cancelling_leaves_a_whole_file(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "source.jsonl", [*TAPE, {**trade("buy", "101", "1"), "ts": START + 10**9}])
    waits = asyncio.Event()
    clock = TapeClock()

    async def sleep(seconds: float) -> None:
        if seconds > 1000:
            waits.set()
            await asyncio.Event().wait()
        await clock.sleep(seconds)

    venue = ReplayVenue(Settings(path=str(path)), clock=clock.read, sleep=sleep)
    await venue.connect()
    task = asyncio.create_task(record(venue, [ABC], tmp_path / "copy", compression="zstd"))
    await asyncio.wait_for(waits.wait(), 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(list(RecordingReader(tmp_path / "copy"))) == 7
    await venue.aclose()


async def test_an_instrument_that_the_venue_has_not_is_said_before_a_file_is_made(tmp_path: Path) -> None:
    venue = await replay(write_rows(tmp_path / "source.jsonl", TAPE), "max")
    with pytest.raises(RecordingError, match="NONE@replay"):
        await record(venue, [InstrumentId("replay", "NONE")], tmp_path / "copy")
    await venue.aclose()
    assert not (tmp_path / "copy").exists()
