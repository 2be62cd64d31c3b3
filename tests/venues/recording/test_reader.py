from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.venues.recording.tape import INSTRUMENT, START, delta, notice, snapshot, trade, write_rows
from venues.model import InstrumentKind
from venues.recording.format import (
    MAX_LINE,
    MAX_NAME,
    MAX_TEXT,
    InstrumentRow,
    NoticeRow,
    RecordingError,
    Row,
    TradeRow,
    format_row,
    parse_row,
)
from venues.recording.reader import RecordingReader
from venues.recording.survey import Terms, survey_recording

TERMS = Terms(Decimal("0.0002"), Decimal("0.0005"), Decimal(20), Decimal("0.01"))
GOOD = [INSTRUMENT, snapshot([("99.9", "1")], [("100", "2")]), trade("buy", "100", "1")]
PACK: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda data: data,
    "gzip": gzip.compress,
    "zstd": lambda data: zstandard.ZstdCompressor().compress(data),
    "two gzip members": lambda data: gzip.compress(data[:200]) + gzip.compress(data[200:]),
    "two zstd frames": lambda data: b"".join(
        zstandard.ZstdCompressor().compress(part) for part in (data[:200], data[200:])
    ),
}


def read(path: Path) -> tuple[list[Row], RecordingError | None]:
    rows: list[Row] = []
    try:
        rows.extend(RecordingReader(path))
    except RecordingError as error:
        return rows, error
    return rows, None


def read_until_broken(path: Path) -> tuple[int, RecordingError]:
    count = 0
    with pytest.raises(RecordingError) as caught:
        for _ in RecordingReader(path):
            count += 1
    return count, caught.value


@pytest.mark.parametrize("pack", PACK.values(), ids=PACK)
def test_the_content_says_the_compression_not_the_name(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = write_rows(tmp_path / "misleading.txt", GOOD)
    expected, error = read(path)
    assert error is None
    assert [type(row).__name__ for row in expected] == ["InstrumentRow", "SnapshotRow", "TradeRow"]
    path.write_bytes(pack(path.read_bytes()))
    assert read(path) == (expected, None)


@pytest.mark.parametrize("pack", ["gzip", "zstd"])
def test_cut_off_compressed_data_keep_what_came_before(pack: str, tmp_path: Path) -> None:
    rows = [INSTRUMENT, *(trade("buy", "100", f"{n}.5") for n in range(1, 50_000))]
    path = write_rows(tmp_path / "cut", rows)
    packed = PACK[pack](path.read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    count, error = read_until_broken(path)
    assert 10_000 < count < 50_000
    assert f"cut, line {count + 1}:" in str(error)
    assert "cut off" in str(error)
    assert "what stands before it can be played" in str(error)


@pytest.mark.parametrize("magic", [b"\x1f\x8b", b"\x28\xb5\x2f\xfd"])
def test_damaged_compressed_data_are_said_to_be_damaged(magic: bytes, tmp_path: Path) -> None:
    path = tmp_path / "damaged"
    path.write_bytes(magic + b"\xff" * 400)
    assert "damaged" in str(read_until_broken(path)[1])


def line(**changes: object) -> bytes:
    return json.dumps({"ts": START, **trade("buy", "100", "1"), **changes}).encode()


MALFORMED = {
    "no json": b'{"ts":17000',
    "not an object": b"[1,2]",
    "not utf-8": b'{"ts":1,"kind":"trade","symbol":"A\xff"}',
    "unknown kind": line(kind="candle"),
    "missing key": b'{"ts":1700000000000,"kind":"trade","symbol":"A"}',
    "NaN literal": line().replace(b'"100"', b"NaN"),
    "NaN text": line(price="NaN"),
    "1e999 text": line(price="1e999"),
    "1e999 number": line().replace(b'"100"', b"1e999"),
    "1e999 time": line().replace(str(START).encode(), b"1e999"),
    "price as number": line(price=100),
    "price of zero": line(price="0.0"),
    "price below zero": line(price="-5"),
    "quantity of 21 digits": line(qty="1" * 21),
    "wrong side": line(side="long"),
    "time below zero": line(ts=-1),
    "time beyond all years": line(ts=10**18),
    "time as text": line(ts=str(START)),
    "huge id": line(id="x" * 129),
    "key twice": line().replace(b'"kind"', b'"ts": 1, "kind"'),
    "key twice, packed": b'{"ts":1700000000000,"kind":"delta","symbol":"A","bids":[],"asks":[],"asks":[]}',
    "level of three": json.dumps({"ts": START, **delta(), "bids": [["1", "1", "1"]]}).encode(),
    "level of words": json.dumps({"ts": START, **delta([("1", "many")])}).encode(),
    "level below zero": json.dumps({"ts": START, **delta([("1", "-1")])}).encode(),
    "deep nesting": b'{"ts":1,"x":' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "deep nesting of a known key": line().replace(b'"100"', b"[" * 200_000 + b"]" * 200_000),
    "tick of zero": json.dumps({"ts": START, **INSTRUMENT, "tick": "0"}).encode(),
    "base with markup": json.dumps({"ts": START, **INSTRUMENT, "base": "[red]"}).encode(),
    "fee that is no number": json.dumps({"ts": START, **INSTRUMENT, "taker_fee": "1e-4"}).encode(),
    "notice without text": json.dumps({"ts": START, "kind": "notice"}).encode(),
    "notice of a number": json.dumps({"ts": START, **notice("x"), "text": 1}).encode(),
    "alarm as text": json.dumps({"ts": START, **notice("x", alarm="yes")}).encode(),
    "notice with a key twice": b'{"ts":1700000000000,"kind":"notice","text":"a","text":"\\ud800"}',
    "notice beyond a line": json.dumps({"ts": START, **notice("x" * MAX_LINE)}).encode(),
    "half a pair and a wrong side": line(id="\ud800", side="long"),
    "half a pair in no json": b'{"ts":1,"kind":"\\ud800',
    "half a pair and Infinity": line(id="\ud800").replace(b'"100"', b"Infinity"),
    "half a pair and 5000 digits": line(id="\ud800").replace(b'"100"', b"1" * 5000),
    "half a pair, deep nesting": line(id="\ud800").replace(b'"100"', b"[" * 200_000 + b"]" * 200_000),
    "huge line": line(id="x" * (2 * MAX_LINE)),
    "endless line": b"x" * (3 * MAX_LINE),
}


@pytest.mark.parametrize("bad", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_row_names_its_line_and_leaves_what_came_before(bad: bytes, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "broken.jsonl", GOOD)
    path.write_bytes(path.read_bytes() + bad + b"\n" + line() + b"\n")
    count, error = read_until_broken(path)
    assert count == 3
    assert error.line == 4
    assert "broken.jsonl, line 4: " in str(error)
    assert "delete the rest, or record again" in str(error)
    assert len(str(error)) < 500
    survey = survey_recording(path, {}, TERMS)
    assert survey.rows == 3
    assert str(survey.fault) == str(error)


@pytest.mark.parametrize(
    "symbol", ["", "_abc", "A B", "\x1b[31mABC", "[link=x]A", "A" * 33, "-A", "ÄB", "A\n", "A‮B"]
)
def test_a_row_with_a_bad_symbol_is_left_out_and_counted(symbol: str, tmp_path: Path) -> None:
    bad = {**trade("buy", "5", "1"), "symbol": symbol}
    path = write_rows(tmp_path / "rows.jsonl", [*GOOD, bad, bad, GOOD[-1]])
    reader = RecordingReader(path)
    assert [getattr(row, "symbol", "") for row in reader] == ["ABCUSDT"] * 4
    assert reader.quarantined.total() == 2
    (name,) = reader.quarantined
    assert name.isascii()
    assert name.isprintable()


def test_bad_symbols_without_end_do_not_fill_the_memory(tmp_path: Path) -> None:
    rows = [{**trade("buy", "5", "1"), "symbol": f"-x{n}"} for n in range(500)]
    reader = RecordingReader(write_rows(tmp_path / "rows.jsonl", rows))
    assert list(reader) == []
    assert len(reader.quarantined) == 101
    assert reader.quarantined.total() == 500


def test_other_keys_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b"\n" + line(note="a: b", more={"x": [1]}) + b"\r\n\n" + line())
    rows, error = read(path)
    assert error is None
    assert len(rows) == 2


def test_a_notice_has_no_symbol_and_any_text(tmp_path: Path) -> None:
    text = "\x1b]0;x\x07 [@click=app.quit]x[/] \u202e" + "y" * (MAX_LINE - 1000)
    rows = [notice("a"), notice(text, alarm=True, symbol="no symbol at all")]
    assert read(write_rows(tmp_path / "rows.jsonl", rows)) == (
        [NoticeRow(START, "a"), NoticeRow(START + 1000, text, True)],
        None,
    )


@pytest.mark.parametrize(
    ("written", "text"),
    [
        (r"a\ud83d", "a?"),
        (r"\ude00b\uD83D", "?b?"),
        (r"\ud83d\ude00", "\U0001f600"),
        (r"\ud83d\ude00\ud83d", "\U0001f600?"),
        (r"\\ud83d", r"\ud83d"),
    ],
)
def test_half_a_surrogate_pair_is_a_question_mark(written: str, text: str) -> None:
    line = f'{{"ts":{START},"kind":"notice","text":"{written}"}}'.encode()
    assert parse_row(line) == NoticeRow(START, text)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.booleans())
def test_a_notice_of_any_text_is_read_again(text: str, is_alarm: bool) -> None:
    line = json.dumps({"ts": START, **notice(text, alarm=is_alarm)}).encode()
    row = parse_row(line)
    assert row == NoticeRow(START, text, is_alarm)
    assert parse_row(format_row(row)) == row


def test_name_and_note_are_the_instruments_and_cut(tmp_path: Path) -> None:
    described = {**INSTRUMENT, "name": "A\x1b[2J [b]" + "n" * 100, "note": "delisted soon " + "o" * 5000}
    path = write_rows(tmp_path / "rows.jsonl", [described, *GOOD[1:]])
    row = next(iter(RecordingReader(path)))
    assert isinstance(row, InstrumentRow)
    one = survey_recording(path, {}, TERMS).instruments["ABCUSDT"]
    assert one.name == row.name[:MAX_NAME]
    assert one.name.startswith("A\x1b[2J [b]n")
    assert one.note.startswith("fees and margin terms assumed: the recording has none; delisted soon o")
    assert len(one.note) == MAX_TEXT


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    assert "there is no recording" in str(read(tmp_path / "none")[1])
    assert "can not be read" in str(read(tmp_path)[1])


@pytest.mark.parametrize("content", [b"", b"\n\n", json.dumps({"ts": START, **INSTRUMENT}).encode()])
def test_a_recording_without_market_data_can_not_be_played(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match="no market data"):
        survey_recording(path, {}, TERMS)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_row_or_a_value_error(data: bytes) -> None:
    try:
        parse_row(data)
    except ValueError as error:
        assert str(error)


@given(data=st.data())
def test_any_change_of_a_good_row_is_a_row_or_a_value_error(data: st.DataObject) -> None:
    good = bytearray(line())
    for _ in range(data.draw(st.integers(1, 3))):
        index = data.draw(st.integers(0, len(good) - 1))
        good[index : index + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        row = parse_row(bytes(good))
    except ValueError:
        return
    assert parse_row(format_row(row)) == row
    if isinstance(row, TradeRow):
        assert Decimal(row.price) > 0
        assert Decimal(row.qty).is_finite()


def test_instruments_come_from_their_rows(tmp_path: Path) -> None:
    inverse = {**INSTRUMENT, "symbol": "BTCUSD", "type": "inverse_perpetual", "base": "BTC", "quote": "USD"}
    survey = survey_recording(write_rows(tmp_path / "rows.jsonl", [inverse, *GOOD]), {}, TERMS)
    one = survey.instruments["ABCUSDT"]
    assert (one.kind, one.tick_size, one.lot_size) == (
        InstrumentKind.LINEAR_PERPETUAL,
        Decimal("0.1"),
        Decimal("0.5"),
    )
    assert (one.is_tradable, one.settle, one.taker_fee) == (True, "USDT", Decimal("0.0005"))
    assert "assumed" in one.note
    other = survey.instruments["BTCUSD"]
    assert (other.kind, other.is_tradable, other.settle) == (InstrumentKind.INVERSE_PERPETUAL, False, "BTC")
    assert "not traded" in other.note


def test_without_rows_the_steps_come_from_prices_and_settings(tmp_path: Path) -> None:
    rows = [
        snapshot([("99.900", "1.50")], [("100.25000", "2")]),
        {**trade("buy", "7", "1"), "symbol": "XYZ-EUR"},
    ]
    path = write_rows(tmp_path / "rows.jsonl", rows)
    derived = survey_recording(path, {}, TERMS).instruments
    assert (derived["ABCUSDT"].tick_size, derived["ABCUSDT"].lot_size) == (Decimal("0.01"), Decimal("0.1"))
    assert derived["ABCUSDT"].note.startswith("tick from prices, lot from quantities")
    assert (derived["XYZ-EUR"].base, derived["XYZ-EUR"].quote) == ("XYZ", "EUR")
    told = survey_recording(path, {"ABCUSDT": Decimal("0.25")}, TERMS).instruments["ABCUSDT"]
    assert told.lot_size == Decimal("0.25")
    assert "lot from settings" in told.note
