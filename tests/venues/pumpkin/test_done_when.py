"""The client's part of what Pumpkin's adapter has to be, a test by name for each point."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import unquote_plus

import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.venues.pumpkin.client_rig import client_at, new_order
from tests.venues.pumpkin.documented import decoded, example, methods
from tests.venues.pumpkin.scripted_pumpkin import KEY, ScriptedPumpkin
from tests.venues.pumpkin.test_calls import CALLS, LEAST
from tests.venues.pumpkin.test_models import ANSWERS
from tests.venues.pumpkin.walking import BTC, SIZE, TAKER, Exchange, exchange
from venues.errors import VenueError
from venues.pumpkin import Client
from venues.pumpkin.readings import Readings
from venues.simulators.pumpkin.calls import Call
from venues.simulators.pumpkin.signing import signature, signed_text

D = Decimal
SECRET = b"SECRET_TEST"
WHOLE_FORM = re.compile(r"([A-Za-z_]+=([A-Za-z0-9_.~+*-]|%[0-9A-F]{2})*(&|$))*")
# Of the facts: what is sent, what is signed where that differs, and the signature.
ORDER = (
    "clientOrderId=abc123&leverage=20&orderSide=BUY&orderType=LIMIT&origQty=10&positionSide=LONG&price=89000.1"
    "&symbol=btc_usdt&timeInForce=GTC"
)
WORKED = {
    "balances": ("", "", "b240f918f30ecc56dc7379b8287051ca76482c2f64bb796a07cf31a684076dc7"),
    "listen_key": ("", "", "b240f918f30ecc56dc7379b8287051ca76482c2f64bb796a07cf31a684076dc7"),
    "positions": (
        "symbol=btc_usdt", "symbol=btc_usdt", "62b9b698616e7ebf8e00d717301196dc2a653fae5bc6398103384f33965381b1",
    ),
    "create_order": (
        ORDER, ORDER,
        "3633040493652f59ed988c7756cd2813f0566c5e0f984ce77b0b1ba693be1777",
    ),
    "cancel_orders": (
        "orders=%5B%221%22%2C%222%22%5D", "orders=%5B%221%22%2C%222%22%5D",
        "10d51fe903cfc99dd46db9f86b9778dc006e68490f0ed0165a038560ce315a07",
    ),
    "cancel_orders, raw": (
        "orders=%5B%221%22%2C%222%22%5D", 'orders=["1","2"]',
        "fe51c5646b5fd91f023d5dd3332093237acef3d25ebaba1fb866d3ab1178b6bf",
    ),
}  # fmt: skip
ASKED: dict[str, Callable[[Client], Coroutine[Any, Any, Any]]] = {
    "balances": lambda c: c.balances(),
    "listen_key": lambda c: c.listen_key(),
    "positions": lambda c: c.positions(symbol="btc_usdt"),
    "create_order": lambda c: c.create_order(new_order()),
    "cancel_orders": lambda c: c.cancel_orders(["1", "2"]),
}


@pytest.mark.parametrize("name", WORKED)
async def test_signatures_of_the_worked_examples_byte_for_byte(name: str) -> None:
    """What goes over the wire, by three hands: the facts, hmac alone, and the local exchange."""
    sent, signed, expected = WORKED[name]
    is_encoded = not name.endswith("raw")
    call = name.partition(",")[0]
    venue = ScriptedPumpkin(signs_encoded=is_encoded)
    async with client_at(venue=venue, readings=Readings(signs_encoded=is_encoded)) as (client, _):
        venue.answer_as(example(call))
        await ASKED[call](client)
    verb = methods()[call].verb
    assert (venue.call.verb, venue.call.sent) == (verb, sent)
    assert (venue.call.headers["x_access_key"], venue.call.headers["x_signature"]) == (KEY, expected)
    assert hmac.new(SECRET, signed.encode(), hashlib.sha256).hexdigest() == expected
    halves = (sent, "") if verb == "GET" else ("", sent)
    assert signature(SECRET.decode(), signed_text(*halves, is_raw=not is_encoded)) == expected


@pytest.mark.parametrize("name", methods())
async def test_every_documented_payload_decodes(name: str) -> None:
    """Through the client, over a socket, byte for byte as the document shows it."""
    (each,) = [one for one in ANSWERS if one.name == name]
    make, _ = CALLS[name]
    async with client_at() as (client, venue):
        venue.answer(each.raw, each.status)
        assert await make(client) == decoded(name)


MISSPELT: dict[str, tuple[str, bytes, Callable[[Any], object], object]] = {
    "hign": ("defi_contracts", b'"hign"', lambda rows: [row.high for row in rows], [D("3016.57"), D("91180.0")]),
    "collectionInternal": (
        "funding_history", b'"collectionInternal"', lambda page: [row.interval for row in page.items],
        [28_800, 28_800],
    ),
    "pumpkinsUid": (
        "rebates", b'"pumpkinsUid"', lambda rows: [row.venue_uid for row in rows], ["10132346", "10132346"],
    ),
    "ps": ("orders", b'"ps"', lambda page: page.page_size, 10),
    "size": ("plans", b'"size"', lambda page: page.page_size, 10),
    "msg": ("depth", b'"msg"', lambda book: book.update_id, 586765918776852548),
    "message": ("leverage_bracket", b'"message"', lambda one: one.leverage_brackets[0].max_leverage, 125),
}  # fmt: skip


@pytest.mark.parametrize("word", MISSPELT)
async def test_misspelt_names_decode(word: str) -> None:
    name, raw, read, expected = MISSPELT[word]
    assert raw in example(name).raw
    async with client_at() as (client, venue):
        venue.answer_as(example(name))
        assert read(await CALLS[name][0](client)) == expected


@pytest.mark.parametrize("word", ["msg", "message"])
async def test_a_refusal_is_read_from_msg_or_message(word: str) -> None:
    async with client_at() as (client, venue):
        venue.answer({"code": -1, word: "invalid_symbol"})
        with pytest.raises(VenueError, match="invalid_symbol"):
            await client.positions()


class Received(msgspec.Struct, frozen=True):
    """A request as the exchange has it."""

    verb: str
    path: str
    query: str
    body: str
    headers: dict[str, str]


@pytest.fixture(scope="module")
def received() -> Iterator[tuple[Exchange, list[Received]]]:
    """An exchange, and the bytes of each request that it has answered."""
    with exchange() as venue, pytest.MonkeyPatch.context() as patch:
        venue.act("quota", minute=100_000, day=100_000)
        taken: list[Received] = []
        rest = venue.simulator._rest
        answer = rest._answer

        def heard(call: Call, request: Request, body: str) -> Response:
            url = request.url
            taken.append(Received(request.method, url.path, url.query, body, dict(request.headers)))
            return answer(call, request, body)

        patch.setattr(rest, "_answer", heard)
        yield venue, taken


@pytest.mark.parametrize("name", methods())
async def test_each_endpoint_verb_path_encoding_weight(
    name: str, received: tuple[Exchange, list[Received]]
) -> None:
    """With all parameters and with the fewest, as the exchange has received and weighed them."""
    venue, taken = received
    row = methods()[name]
    async with venue.walking(minute_quota=100_000) as walk:
        for make, parameters in [CALLS[name], *([LEAST[name]] if name in LEAST else [])]:
            taken.clear()
            before = venue.spent
            with suppress(VenueError):  # there is no such order, plan or position
                await make(walk.client)
            (request,) = taken
            assert venue.spent - before == row.weight
            assert (request.verb, request.path) == (row.verb, f"/futures{row.path}")
            text, none = (request.query, request.body) if row.verb == "GET" else (request.body, request.query)
            assert not none, "in one of the two places"
            assert request.headers["content-type"] == "application/x-www-form-urlencoded"
            assert WHOLE_FORM.fullmatch(text)
            pairs = [pair.split("=") for pair in text.split("&") if pair]
            assert [pair[0] for pair in pairs] == sorted(parameters)
            assert {pair[0]: unquote_plus(pair[1]) for pair in pairs} == parameters
            secret = venue.practice.api_secret.encode()
            expected = hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
            assert request.headers["x_signature"] == expected
            assert request.headers["x_access_key"] == venue.practice.api_key


@pytest.fixture(scope="module")
def traded() -> Iterator[Exchange]:
    """An exchange where a long of 300 contracts was opened, and closed again by one at a time."""
    with exchange() as venue:
        trade(venue, 1 + CLOSINGS)
        yield venue


CLOSINGS = 204  # so that there are three pages of orders and of fills, and five of bills


def trade(venue: Exchange, orders: int) -> None:
    """Opens a long of 300 contracts, where there is none, and closes it by one with each of the other orders."""
    opening = {"symbol": BTC, "type": "market"}
    if not venue.simulator.book.of(BTC):
        venue.act("place", side="buy", quantity="0.03", **opening)
        orders -= 1
    (position,) = venue.simulator.book.of(BTC)
    for _ in range(orders):
        venue.act("place", side="sell", quantity="0.0001", position_id=position.id, **opening)


def test_fee_sign_of_the_documents_sample() -> None:
    """The note says that a negative fee is paid; the sample's 0.0044 is one contract at a taker's 0.0005."""
    first = decoded("fills").items[0]
    paid = first.quantity * SIZE * first.price * TAKER
    assert first.fee == D("0.0044") == round(paid, 4) == first.fee_paid
    (bill,) = [row for row in decoded("bills").items if row.type == "FEE"]
    assert bill.amount == -first.fee


async def test_fee_sign_at_the_exchange(traded: Exchange) -> None:
    async with traded.walking() as walk:
        fills = [fill async for fill in walk.client.iter_fills(symbol=BTC)]
        bills = [bill async for bill in walk.client.iter_bills(bill_type="FEE")]
    assert len(fills) == len(bills) == 1 + CLOSINGS
    for fill, bill in zip(fills, bills, strict=True):
        paid = fill.quantity * SIZE * fill.price * TAKER
        assert 0 < fill.fee_paid <= paid < fill.fee_paid + D("1e-8"), "eight digits of it are shown"
        assert bill.amount == -round(paid, 8)


async def test_contract_counts(traded: Exchange) -> None:
    """Whole contracts both ways: of a contract size of 0.0001 bitcoin, 0.03 are 300."""
    async with traded.walking() as walk:
        (position,) = await walk.client.positions(symbol=BTC)
        orders = [one async for one in walk.client.iter_orders(symbol=BTC)]
        fills = [one async for one in walk.client.iter_fills(symbol=BTC)]
    assert (position.position_size, position.contract_size) == (D(300 - CLOSINGS), SIZE)
    assert [one.orig_qty for one in orders] == [D(1)] * CLOSINGS + [D(300)]
    assert [one.executed_qty for one in orders] == [one.orig_qty for one in orders]
    assert [one.quantity for one in fills] == [one.orig_qty for one in orders]
    for wrong in ("0.5", "1.2", 0):
        with pytest.raises(VenueError):
            new_order(orig_qty=wrong).fields()


CURSORED: dict[str, tuple[str, str]] = {
    "cursor style": ("bills", "id"), "cursor in a page's envelope": ("order_history", "order_id"),
}  # fmt: skip


@pytest.mark.parametrize("style", CURSORED)
async def test_cursors_next_and_prev(traded: Exchange, style: str) -> None:
    """NEXT goes to older rows and PREV to newer ones; the row of the cursor is in neither."""
    name, field = CURSORED[style]

    def ids(page: Any) -> list[int]:
        return [int(getattr(row, field)) for row in page.items]

    async with traded.walking(minute_quota=100_000) as walk:
        read = getattr(walk.client, name)
        whole = ids(await read(limit=100))
        assert len(whole) == 100 and all(newer > older for newer, older in pairwise(whole))
        first = await read(limit=3)
        assert ids(first) == whole[:3]
        second = await read(limit=3, from_id=whole[2], direction="NEXT")
        assert ids(second) == whole[3:6]
        assert ids(await read(limit=3, from_id=whole[6], direction="PREV")) == whole[3:6]
        if style == "cursor style":
            assert (first.has_prev, first.has_next) == (False, True)
            assert (second.has_prev, second.has_next) == (True, True)
        else:
            assert (first.has_next, first.total, first.page_size) == (None, 1 + CLOSINGS, 3)
        before = traded.spent
        walked = [int(getattr(row, field)) async for row in getattr(walk.client, f"iter_{name}")()]
        pages = (traded.spent - before) // methods()[name].weight
        assert walked[:100] == whole and all(newer > older for newer, older in pairwise(walked)), "each row once"
        assert len(walked) == 1 + CLOSINGS + (CLOSINGS if name == "bills" else 0)
        assert pages == -(-len(walked) // 100), "no page twice, and none beyond the end"
        assert ids(await read(limit=3, from_id=walked[-1])) == []


async def test_pages(traded: Exchange) -> None:
    async with traded.walking(minute_quota=100_000) as walk:
        pages = [await walk.client.orders(symbol=BTC, page=number, size=100) for number in (1, 2, 3, 4)]
        assert [len(page.items) for page in pages] == [100, 100, 5, 0]
        assert [page.page for page in pages] == [1, 2, 3, 4]
        assert {(page.ps, page.total) for page in pages} == {(100, 205)}
        numbers = [row.order_id for page in pages for row in page.items]
        walked = [row.order_id async for row in walk.client.iter_orders(symbol=BTC)]
    assert walked == numbers and len(set(numbers)) == 205


async def test_a_row_that_slips_to_the_next_page_comes_once() -> None:
    """An order that comes between two pages moves the last row of the one to the top of the other."""
    with exchange() as venue:
        trade(venue, 102)
        async with venue.walking() as walk:
            seen: list[str] = []
            async for row in walk.client.iter_orders(symbol=BTC):
                seen.append(row.order_id)
                if len(seen) == 100:
                    trade(venue, 1)
    assert len(seen) == 102 == len(set(seen))


async def test_kline_volume_and_turnover_of_rest(traded: Exchange) -> None:
    """In REST `a` is the volume, in contracts, and `v` the turnover; the stream has them the other way round."""
    raw = msgspec.json.decode(example("klines").raw)["data"][0]
    assert (raw["a"], raw["v"]) == ("63036.05", "563190.2239020")
    newest = decoded("klines")[0]
    assert (newest.volume, newest.turnover) == (D(raw["a"]), D(raw["v"]))
    async with traded.walking() as walk:
        before = (await walk.client.klines(BTC, "1m", limit=1))[0]
        trade(traded, 5)
        bars = await walk.client.klines(BTC, "1m", start_time=before.time)
    assert sum(bar.volume for bar in bars) - before.volume == 5, "contracts"
    assert all(bar.low <= bar.turnover / (bar.volume * SIZE) <= bar.high for bar in bars if bar.volume)
