"""The client at a Mayex that does as it is told: what goes out, byte for byte, and what is made of the answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
import pytest

from tests.venues.mayex.documented import SHAPES, example, methods
from tests.venues.mayex.scripted_mayex import KEY, PREFIX, SECRET, ScriptedMayex, client_at, new_order
from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConfigurationError,
    DecodeError,
    MissingCredentials,
    NotSent,
    NotSupported,
    OutcomeUnknown,
    RateLimited,
    VenueError,
    VenueUnavailable,
)
from venues.mayex import BASE_URL, Client
from venues.mayex.client import make_session
from venues.mayex.models import Order, OrderType, PositionSide, Side, TimeInForce, TriggerType
from venues.mayex.profile import DOCUMENTED
from venues.transport.exchange import Dispatch
from venues.transport.privacy import no_tls

D = Decimal
Call: TypeAlias = Callable[[Client], Awaitable[Any]]

# Each call as the document shows it.
CALLS: dict[str, Call] = {
    "pairs": lambda client: client.pairs(),
    "place_order": lambda client: client.place_order(new_order()),
    "cancel_order": lambda client: client.cancel_order("btcusdt", 1521325650),
    "cancel_all_orders": lambda client: client.cancel_all_orders(),
    "assets": lambda client: client.assets(),
    "positions": lambda client: client.positions(),
    "open_orders": lambda client: client.open_orders(),
    "adjust_leverage": lambda client: client.adjust_leverage("ethusdt", 10, isolated=True),
    "adjust_position_margin": lambda client: client.adjust_position_margin("btcusdt", "LONG", D("0.1")),
    "trade_history": lambda client: client.trade_history("eth"),
    "order_history": lambda client: client.order_history("btc"),
}
# Of these the document shows no answer.
ANSWERS: dict[str, Any] = {"pairs": [], "cancel_all_orders": [], "adjust_position_margin": None}
COMMANDS = ("place_order", "cancel_order", "cancel_all_orders", "adjust_leverage", "adjust_position_margin")


def ready(there: ScriptedMayex, name: str) -> None:
    if name in SHAPES:
        there.answer_as(example(name))
    else:
        there.data(ANSWERS[name])


@pytest.mark.parametrize("name", methods())
async def test_each_call_goes_out_as_the_document_shows_it(name: str) -> None:
    row = methods()[name]
    async with client_at() as (client, there):
        ready(there, name)
        await CALLS[name](client)
        call = there.call
        assert (call.verb, call.path, call.query) == (row.verb, PREFIX + row.path, row.query)
        assert (msgspec.json.decode(call.body) if call.body else None) == row.body
        assert call.is_signed is not row.is_public
        assert call.headers.get("content-type") == ("application/json" if row.body is not None else None)
        assert call.headers["accept"] == "application/json"


def test_every_call_of_the_document_is_there() -> None:
    assert CALLS.keys() == methods().keys()


async def test_without_what_the_base_address_adds_the_paths_are_the_documents() -> None:
    async with ScriptedMayex() as there, Client(base_url=there.origin, tls=no_tls()) as client:
        there.data({"rows": [{"symbol": "btcusdt"}]})
        assert [pair.symbol for pair in await client.pairs()] == ["btcusdt"]
        assert there.call.path == methods()["pairs"].path
        assert BASE_URL.endswith(PREFIX)


@pytest.mark.parametrize("kind", list(OrderType))
async def test_each_type_of_order_is_sent_with_what_it_takes(kind: OrderType) -> None:
    trigger: dict[str, Any] = {"trigger_type": TriggerType.LAST_PRICE, "trigger_price": D("43000.5")}
    order = new_order(
        type=kind,
        price=D("1E+3") if kind.has_price else None,
        time_in_force=TimeInForce.IOC,
        conditional=kind.value.startswith("CONDITIONAL") or None,
        response_type="RESULT",
        **(trigger if kind.has_trigger else {}),
    )
    async with client_at() as (client, there):
        there.answer_as(example("place_order"))
        await client.place_order(order)
        sent = there.call.values
    assert (sent["type"], sent["timeInForce"], sent["orderRespType"]) == (kind, "IOC", "RESULT")
    assert sent.get("price") == ("1000" if kind.has_price else None), "with all its digits"
    assert sent.get("conditional") is (True if kind.value.startswith("CONDITIONAL") else None)
    triggers = {"triggerType": "LAST_PRICE", "triggerPrice": "43000.5"}
    assert {name: sent.get(name) for name in triggers} == (
        triggers if kind.has_trigger else dict.fromkeys(triggers)
    )


async def test_exits_are_attached_and_a_whole_position_is_closed_without_a_quantity() -> None:
    async with client_at() as (client, there):
        there.answer_as(example("place_order"))
        exits = {"tp_trigger_type": "MARK_PRICE", "tp_trigger_price": 50_000, "sl_trigger_type": "LAST_PRICE"}
        await client.place_order(new_order(**exits, sl_trigger_price="40000"))
        stop = {"type": "STOP_LOSS_MARKET", "trigger_type": "MARK_PRICE", "trigger_price": D(40_000)}
        whole = new_order(**stop, side=Side.SELL, close_position=True, quantity=None, price=None)
        assert whole.closes
        await client.place_order(whole, is_urgent=True)
        attached, closing = (call.values for call in there.calls)
    assert (attached["tpTriggerType"], attached["tpTriggerPrice"]) == ("MARK_PRICE", "50000")
    assert (attached["slTriggerType"], attached["slTriggerPrice"]) == ("LAST_PRICE", "40000")
    assert closing["closePosition"] is True
    assert not {"quantity", "price"} & closing.keys()


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": "BTCUSDT"}, {"symbol": ""}, {"symbol": "btc_usdt"}, {"client_order_id": ""},
        {"client_order_id": "x" * 41}, {"client_order_id": "a b"}, {"client_order_id": "é"}, {"side": "buy"},
        {"position_side": "UNI"}, {"isolated": 1}, {"isolated": None}, {"quantity": 0}, {"quantity": D("NaN")},
        {"quantity": "-1"}, {"quantity": None}, {"quantity": "1e3"}, {"price": None}, {"price": D(-1)},
        {"type": "POST_ONLY"}, {"type": "MARKET"}, {"type": "STOP_LOSS_LIMIT"}, {"time_in_force": "GTX"},
        {"trigger_price": 1, "trigger_type": "MARK_PRICE"}, {"tp_trigger_price": 1},
        {"sl_trigger_type": "MARK_PRICE"},
        {"tp_trigger_price": 1, "tp_trigger_type": "TRIGGER_NONE"}, {"close_position": 1}, {"conditional": "true"},
        {"response_type": "FULL"}, {"type": "STOP_LOSS_MARKET", "price": None, "trigger_type": "MARK_PRICE"},
        {"close_position": True, "quantity": None},
    ],
    ids=str,
)  # fmt: skip
async def test_what_is_not_written_as_the_venue_writes_it_is_not_sent(changes: dict[str, Any]) -> None:
    async with client_at() as (client, there):
        with pytest.raises(BadRequest):
            await client.place_order(new_order(**changes))
        assert there.calls == []


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.cancel_order("btcusdt", 0),
        lambda client: client.cancel_order("btcusdt", True),
        lambda client: client.cancel_order("btcusdt", "1"),
        lambda client: client.cancel_all_orders(symbol=""),
        lambda client: client.cancel_all_orders(settle="usdt"),
        lambda client: client.adjust_leverage("btcusdt", 0, isolated=True),
        lambda client: client.adjust_leverage("btcusdt", 10, isolated="true"),
        lambda client: client.adjust_position_margin("btcusdt", "LONG", 0),
        lambda client: client.adjust_position_margin("btcusdt", "LONG", "--1"),
        lambda client: client.adjust_position_margin("btcusdt", "BOTH", 1),
        lambda client: client.trade_history("btcusdt", page_size=0),
        lambda client: client.order_history("btcusdt", start_time=1_700_000_000_000, end_time=1_600_000_000_000),
        lambda client: client.order_history("btcusdt", start_time=1_700_000_000),
        lambda client: client.place_order(new_order(), is_urgent=True),
        lambda client: client.request("PATCH", "/a", auth=True),
        lambda client: client.request("POST", "/a"),
        lambda client: client.request("GET", "/a?b"),
    ],
)
async def test_parameters_are_checked_first(call: Call) -> None:
    async with client_at() as (client, there):
        with pytest.raises(BadRequest):
            await call(client)
        assert there.calls == []


async def test_a_margin_is_taken_out_by_a_change_below_zero() -> None:
    async with client_at() as (client, there):
        there.data({"whatever": "it says"})
        for change in (D("-2.50"), "-2.50"):
            await client.adjust_position_margin("btcusdt", PositionSide.SHORT, change, is_urgent=True)
        assert [call.values["changeAmount"] for call in there.calls] == ["-2.50"] * 2


async def test_a_page_of_a_history_is_bounded_as_the_platform_does_it() -> None:
    async with client_at() as (client, there):
        there.data({"rows": [], "total": 7})
        span: dict[str, Any] = {"start_time": 1_600_000_000_000, "end_time": 1_700_000_000_000}
        page = await client.trade_history("btcusdt", order_id=5, page_index=0, page_size=50, **span)
        assert (page.rows, page.total) == ([], 7)
        assert there.call.query == (
            "symbol=btcusdt&orderId=5&startTime=1600000000000&endTime=1700000000000&pageIndex=0&pageSize=50"
        )


@pytest.mark.parametrize("answer", [None, True, {"count": 2}, {"rows": []}, [1, 2], ["1521325650"]])
async def test_all_orders_are_cancelled_whatever_the_answer_tells_besides(answer: object) -> None:
    async with client_at() as (client, there):
        there.data(answer)
        assert await client.cancel_all_orders(symbol="btcusdt") == []
        assert there.call.values == {"symbol": "btcusdt", "settleCcy": "USDT"}


async def test_cancelled_orders_are_read_where_the_answer_tells_of_them() -> None:
    async with client_at() as (client, there):
        there.data([example("cancel_order").value["data"]])
        (order,) = await client.cancel_all_orders()
        assert isinstance(order, Order)
        assert order.order_id == 1521325650


async def test_no_acknowledgement_is_none_and_other_silence_is_unknown() -> None:
    async with client_at() as (client, there):
        there.data(None)
        assert await client.place_order(new_order(response_type="NO_ACK")) is None
        with pytest.raises(OutcomeUnknown):
            await client.cancel_order("btcusdt", 1)
        there.answers.clear()
        there.answer({"status": 0})
        with pytest.raises(OutcomeUnknown):
            await client.place_order(new_order())


async def test_the_product_list_is_the_profiles_and_may_not_be_there() -> None:
    async with client_at() as (client, there):
        there.data(
            {"rows": [{"symbol": "btcusdt", "tickSize": "0.5", "stepSize": 0.001, "maxOrderQty": "", "new": []}]}
        )
        (product,) = await client.products()
        assert (product.tick_size, product.step_size, product.max_order_qty) == (D("0.5"), D("0.001"), None)
        assert (there.call.path, there.call.is_signed) == (PREFIX + "/user/v1/public/instrument/products", False)
        there.answers.clear()
        for status in (404, 405):
            for body in ({"status": status, "error": "Not Found"}, b"<html>no such page</html>", {"path": "/"}):
                there.answer(body, status)
                for absent in (client.products, client.create_token, client.refresh_token):
                    with pytest.raises(NotSupported):
                        await absent()
                there.answers.clear()
        there.refusal(216, "mandatory param missing")
        with pytest.raises(BadRequest):
            await client.products()
    async with client_at(profile=DOCUMENTED) as (client, there):
        for call in (client.products, client.create_token, client.refresh_token, client.delete_token):
            with pytest.raises(NotSupported, match="profile has no"):
                await call()
        assert there.calls == []


async def test_the_token_of_the_private_stream_is_a_secret() -> None:
    token = "web.100177.0123456789ABCDEF0123456789ABCDEF"
    async with client_at() as (client, there):
        there.data({"apiKey": KEY, "wsToken": token, "expiry": 1_700_000_000_000})
        told = [await client.create_token(), await client.refresh_token()]
        assert [each.token.reveal() for each in told] == [token] * 2
        assert token not in repr(told)
        assert told[0].expiry == 1_700_000_000_000
        there.answers.clear()
        there.refusal(9999, f"no stream of {token} and {KEY} and {SECRET}")
        with pytest.raises(VenueUnavailable) as caught:
            await client.delete_token()
        assert not [each for each in (token, KEY, SECRET) if each in f"{caught.value} {caught.value!r}"]
        verbs = [(call.verb, call.path.removeprefix(PREFIX), call.body, call.is_signed) for call in there.calls]
        root = "/user/v1/private/token"
        assert verbs == [
            ("POST", f"{root}/create", b"", True), ("POST", f"{root}/refresh", b"", True),
            ("DELETE", f"{root}/delete", b"", True),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, 404, NotSupported),
        (401, 401, AuthenticationError),
        (429, 429, RateLimited),
        (503, 1, VenueUnavailable),
    ],
)
async def test_a_token_that_is_not_told_fails_as_a_read_does(
    status: int, code: int, kind: type[VenueError]
) -> None:
    async with client_at() as (client, there):
        there.refusal(code, "no", status)
        with pytest.raises(kind):
            await client.create_token()
        assert len(there.calls) == 1


async def test_a_token_of_another_shape_can_not_be_read() -> None:
    async with client_at() as (client, there):
        there.data({"token": 5})
        with pytest.raises(DecodeError):
            await client.create_token()


async def test_the_time_is_the_date_of_an_answer() -> None:
    async with client_at() as (client, there):
        there.answer({"status": 0, "data": []}, Date="Tue, 14 Nov 2023 22:13:20 GMT")
        assert await client.time() == 1_700_000_000 * 10**9
        assert (there.call.path, there.call.is_signed) == (PREFIX + methods()["pairs"].path, False)
        there.answers.clear()
        there.data([])
        with pytest.raises(DecodeError, match="no date"):
            await client.time()


async def test_the_date_of_an_answer_that_a_cache_has_kept_is_not_the_time() -> None:
    async with client_at() as (client, there):
        for age in ("30", "0"):
            there.answer({"status": 0, "data": []}, Date="Tue, 14 Nov 2023 22:13:20 GMT", Age=age)
        with pytest.raises(DecodeError, match="no date of now"):
            await client.time()
        assert await client.time() == 1_700_000_000 * 10**9


async def test_other_calls_are_made_by_their_path() -> None:
    async with client_at() as (client, there):
        there.data({"rate": 0.1, "text": ""})
        assert await client.request("get", "user/v1/public/x", {"a": 1, "b": True}) == {
            "rate": D("0.1"),
            "text": None,
        }
        await client.request("GET", "/user/v1/private/x", auth=True)
        await client.request("DELETE", "/user/v1/private/x", {"a": 1}, auth=True)
        await client.request("PUT", "/user/v1/private/x", {"a": None}, auth=True)
        told = [(call.verb, call.query, call.body, call.is_signed) for call in there.calls]
        assert told == [
            ("GET", "a=1&b=true", b"", False), ("GET", "", b"", True), ("DELETE", "a=1", b"", True),
            ("PUT", "", b'{"a":null}', True),
        ]  # fmt: skip


@pytest.mark.parametrize("name", [name for name, row in methods().items() if not row.is_public])
async def test_without_a_key_nothing_that_is_ours_is_asked(name: str) -> None:
    async with client_at(has_key=False) as (client, there):
        with pytest.raises(NotSent if name in COMMANDS else MissingCredentials, match="no API key"):
            await CALLS[name](client)
        assert there.calls == []


async def test_a_key_has_two_halves_and_a_session_one_of_its_own() -> None:
    with pytest.raises(ConfigurationError, match="both halves"):
        Client(KEY)
    session = make_session(tls=no_tls(), base_url="http://127.0.0.1:1/api")
    with pytest.raises(ConfigurationError, match="signs by itself"):
        Client(KEY, SECRET, session=session)
    async with Client(session=session, has_key=False) as client:
        assert client.session is session
        assert not client.is_verified
    for address in ("https://a.b/c d", "https://a.b/api?x=1", "ftp://a.b"):
        with pytest.raises(ConfigurationError):
            Client(base_url=address)


async def test_a_read_is_tried_again_and_a_command_never() -> None:
    async with client_at() as (client, there):
        there.answer(b"gone", 502)
        there.refusal(100, "TIMEOUT")
        there.answer_as(example("open_orders"))
        assert len(await client.open_orders()) == 2
        assert len(there.calls) == 3
        there.answers.clear()
        there.answer(b"gone", 502)
        dispatch = Dispatch()
        with pytest.raises(OutcomeUnknown):
            await client.place_order(new_order(), dispatch=dispatch)
        assert dispatch.has_begun
        assert len(there.calls) == 4
