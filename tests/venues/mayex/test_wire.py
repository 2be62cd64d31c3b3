"""The messages of the streams: the document's own, answers of every shape, and what is none."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from decimal import Decimal
from typing import Any

import pytest

from tests.venues.mayex.documented import message
from tests.venues.mayex.scripted_market import kline, mark, ticker, trade
from venues.errors import BadRequest, DecodeError, UnknownInstrument
from venues.mayex.calls import Calls, heartbeat, stream_error
from venues.mayex.figures import (
    figure,
    instrument_id,
    is_spot,
    pair_of,
    plain,
    positive,
    positive_or_none,
    side_of,
    spot_id,
    symbol_of,
)
from venues.mayex.parse import INTERVALS, interval_of, parse_bar, parse_mark, parse_ticker
from venues.mayex.wire import (
    WireBar,
    WireDepth,
    WireMark,
    WireTicker,
    WireTrade,
    decode,
    is_pong,
    read_reply,
)
from venues.model import InstrumentId, Side
from venues.transport.frames import Frame
from venues.transport.heartbeat import Form

BTC = instrument_id("BTCUSDT")


def raw(said: object) -> bytes:
    return json.dumps(said).encode()


def test_the_documents_pushes_are_read() -> None:
    bar = decode(message("kline").raw)
    assert bar is not None and bar.symbol == "bnbbtc"
    assert bar.told == WireBar(123400000, "1m", "0.0010", "0.0020", "0.0025", "0.0015", "1000")
    marked = decode(message("markPrice").raw)
    assert marked is not None and marked.sent == 1632195394014
    assert marked.told == WireMark("11794.15000000", "11784.62659091", "0.00038167", 1632211200000, 1632195394014)
    day = decode(message("ticker").raw)
    assert day is not None and day.told == WireTicker("0.0025", "0.0010", "0.0025", "0.0010", "10000", 123456789)
    depth = decode(message("depth").raw)
    assert depth is not None
    assert depth.told == WireDepth(157, 160, 149, (("0.0024", "10"),), (("0.0026", "100"),), 123456788)
    dealt = decode(message("trade").raw)
    assert dealt is not None and dealt.told == WireTrade(157, 123456788, "60221.0", "0.01", True)


def test_the_documents_answers_are_read() -> None:
    done, listed = read_reply(message("subscribed").raw), read_reply(message("listed").raw)
    assert done is not None and (done.id, done.is_success, done.names) == (1, True, ())
    assert listed is not None and (listed.id, listed.is_success, listed.names) == (4, True, ("btcusdt@depth10",))
    assert decode(message("subscribed").raw) is None, "one that came too late"


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        ({"code": 2, "msg": "invalid stream", "id": 1}, "2", "invalid stream"),
        ({"error": "bad", "id": 1}, None, "bad"),
        ({"err": {"code": 9}, "id": 1}, None, "the venue gave no reason"),
        ({"result": "no", "id": 1}, None, "no"),
        ({"result": None, "error": None, "code": 7, "id": 1}, "7", "the venue gave no reason"),
    ],
)
def test_whatever_has_our_id_and_is_no_success_is_a_refusal(
    said: dict[str, Any], code: str | None, words: str
) -> None:
    reply = read_reply(raw(said))
    assert reply is not None
    error = stream_error(reply)
    assert isinstance(error, BadRequest) and (error.code, error.message) == (code, words)


def test_commands_are_the_documents_word_for_word() -> None:
    calls = Calls()
    for number, (name, ask) in enumerate(
        [
            ("subscribe", calls.subscribe(["btcusdt@depth10"])),
            ("unsubscribe", calls.unsubscribe(["btcusdt@depth10"])),
            ("list", calls.list_subscriptions()),
        ],
        1,
    ):
        sent = ask.make()
        assert isinstance(sent, str)
        assert json.loads(sent) == message(name).value | {"id": number}
        answer = Frame(raw({"result": None, "id": number}), is_text=True, ts_recv=1)
        assert ask.judge(answer) is True
        assert ask.judge(Frame(raw({"result": None, "id": 99}), is_text=True, ts_recv=1)) is None
        assert isinstance(ask.judge(Frame(raw({"code": 2, "id": number}), is_text=True, ts_recv=1)), BadRequest)


async def test_the_private_streams_name_is_asked_for_each_time() -> None:
    drawn = iter(["first", "second"])

    async def names() -> list[str]:
        return [next(drawn)]

    ask = Calls().login(names, lambda error: BadRequest("mayex", f"judged: {error.message}", error.code))
    sent = []
    for _ in range(2):
        made = ask.make()
        assert isinstance(made, Awaitable)
        sent.append(json.loads(await made))
    assert [(each["method"], each["params"], each["id"]) for each in sent] == [
        ("SUBSCRIBE", ["first"], 1),
        ("SUBSCRIBE", ["second"], 2),
    ]
    refused = ask.judge(Frame(raw({"code": 4, "msg": "invalid token", "id": 2}), is_text=True, ts_recv=1))
    assert isinstance(refused, BadRequest) and (refused.code, refused.message) == ("4", "judged: invalid token")


@pytest.mark.parametrize("data", [b'{"event":"pong"}', b'{"event": "pong", "ts": 1}'])
def test_a_pong_of_the_platforms_own_is_no_message(data: bytes) -> None:
    assert is_pong(data) and decode(data) is None


@pytest.mark.parametrize(
    "said",
    [
        {}, [], 1, "x", {"e": "kline", "s": "BTCUSDT"}, {"e": "depthUpdate", "s": "BTCUSDT", "u": 1, "b": []},
        {"e": "depthUpdate", "s": "BTC/USDT", "u": 1, "b": [], "a": []}, trade(1) | {"m": None},
        {"e": "24hrMini", "s": "BTCUSDT"}, trade(1) | {"t": "1"}, mark() | {"s": 5}, trade(1) | {"p": 30000.5},
        {"e": "depthUpdate", "s": "BTCUSDT", "u": 2**63, "b": [], "a": []}, {"e": "ORDER_TRADE_UPDATE", "o": {}},
    ],
)  # fmt: skip
def test_what_is_none_is_not_read(said: object) -> None:
    with pytest.raises(DecodeError):
        decode(raw(said))


def test_all_fifteen_intervals_have_their_word() -> None:
    words = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M"]
    assert list(INTERVALS.values()) == words
    assert [interval_of(word) for word in words] == list(INTERVALS)
    for seconds, word in INTERVALS.items():
        push = decode(raw(kline(i=word)))
        assert push is not None and isinstance(push.told, WireBar)
        bar = parse_bar(BTC, push.told)
        assert bar is not None and bar.interval == seconds


@pytest.mark.parametrize(
    "changes", [{"h": "99"}, {"l": "105"}, {"o": "x"}, {"v": "-1"}, {"i": "7m"}, {"c": "1e5"}, {"c": ""}]
)
def test_a_candle_that_does_not_fit_is_none(changes: dict[str, Any]) -> None:
    push = decode(raw(kline(**changes)))
    assert push is not None and isinstance(push.told, WireBar)
    with pytest.raises(DecodeError):
        parse_bar(BTC, push.told)


def test_a_candle_a_day_and_a_mark_in_which_nothing_was_traded() -> None:
    push = decode(raw(kline("0", "0", o="0", h="0", l="0")))
    assert push is not None and isinstance(push.told, WireBar) and parse_bar(BTC, push.told) is None
    assert parse_ticker(BTC, WireTicker("0", "0", "0", "0", "0", 1)) is None
    day = parse_ticker(BTC, WireTicker("5", "", "0", "0", "", 1))
    assert day is not None and (day.open, day.high, day.volume, day.bid) == (None, None, None, None)
    unfunded = parse_mark(BTC, WireMark("5", "", "", 0, 1))
    assert (unfunded.index, unfunded.funding_rate, unfunded.ts_next_funding) == (None, None, None)
    assert parse_mark(BTC, WireMark("5", "5", "-0.0003", 7, 1)).funding_rate == Decimal("-0.0003")
    for wrong in (WireMark("0", "5", "0", 7, 1), WireMark("5", "5", "1", 7, 1), WireMark("5", "x", "0", 7, 1)):
        with pytest.raises(DecodeError):
            parse_mark(BTC, wrong)
    with pytest.raises(DecodeError):
        parse_ticker(BTC, WireTicker("-5", "", "0", "0", "", 1))
    assert decode(raw(ticker())) is not None


def test_names_of_contracts_and_pairs() -> None:
    assert instrument_id("BTCUSDT") == InstrumentId("mayex", "btcusdt")
    assert spot_id("BTCUSDT") == InstrumentId("mayex", "btcusdt.spot")
    assert is_spot(spot_id("x1")) and not is_spot(BTC)
    assert symbol_of(spot_id("BTCUSDT")) == symbol_of(BTC) == "btcusdt"
    for nowhere in (
        InstrumentId("max", "btcusdt"),
        InstrumentId("mayex", "BTCUSDT"),
        InstrumentId("mayex", "a b"),
    ):
        with pytest.raises(UnknownInstrument):
            symbol_of(nowhere)
    assert pair_of("1inchusdt") == ("1INCH", "USDT") and pair_of("usdt") is None and pair_of("abcxyz") is None


def test_figures_are_exact() -> None:
    assert figure("-0.44894800") == Decimal("-0.44894800")
    assert positive("0.1") == Decimal("0.1") and plain(Decimal("0.100")) == "0.1"
    assert positive_or_none("") is None is positive_or_none("0.00") and positive_or_none("2") == Decimal(2)
    for wrong in ("", "NaN", "1e5", "٣", " 1", "0x1"):
        with pytest.raises(DecodeError):
            figure(wrong)
    with pytest.raises(DecodeError):
        positive("0")
    assert (side_of("BUY"), side_of("SELL")) == (Side.BUY, Side.SELL)
    with pytest.raises(DecodeError):
        side_of("buy")


def test_the_heartbeat_tolerates_silence_until_it_was_answered_once() -> None:
    beat = heartbeat(time_scale=0.5)
    assert (beat.form, beat.every, beat.learns, beat.patience) == (Form.PING, 2.5, True, 22.5)
    text = heartbeat(is_text=True)
    assert text.message is not None and text.read_answer is not None
    assert text.form is Form.MESSAGE and json.loads(text.message(1)) == {"event": "ping"}
    assert text.read_answer(Frame(b'{"event":"pong"}', is_text=True, ts_recv=1)) == 0
    assert text.read_answer(Frame(raw(trade(1)), is_text=True, ts_recv=1)) is None
