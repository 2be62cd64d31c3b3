"""The client as a whole: what is tried again, what never is, what errors become, and who closes what."""

from __future__ import annotations

import inspect
import json
import re
import runpy
import subprocess
import sys
import textwrap
from collections.abc import Callable, Coroutine
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import venues.pumpkin
from tests.venues.pumpkin.client_rig import client_at, new_order, shared_tls
from tests.venues.pumpkin.documented import example, methods
from tests.venues.pumpkin.scripted_pumpkin import KEY, SECRET, ScriptedPumpkin
from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConfigurationError,
    DecodeError,
    MissingCredentials,
    NotSent,
    OrderNotFound,
    OutcomeUnknown,
    RateLimited,
    VenueUnavailable,
)
from venues.port import Credentials
from venues.pumpkin import BASE_URL, PREFIX, VENUE, Client
from venues.pumpkin.client import make_session
from venues.pumpkin.models import Order, OrderState
from venues.pumpkin.requests import NewPlan, NewProfitStop, ProfitStopChange
from venues.transport.address import split_url
from venues.transport.exchange import Dispatch

PLAN = NewPlan(
    symbol="btc_usdt",
    entrust_type="STOP",
    order_side="BUY",
    position_side="LONG",
    orig_qty=1,
    stop_price=44_500,
    trigger_price_type="MARK_PRICE",
    price=45_000,
)


async def test_a_read_is_tried_again_and_a_command_never() -> None:
    async with client_at() as (client, venue):
        venue.answer(b"gone", 502)
        venue.error(-1, "system-error")
        venue.answer_as(example("order"))
        assert (await client.order("587077935051136448")).order_id == "587077935051136448"
        assert len(venue.calls) == 3
        venue.answers.clear()
        venue.answer(b"gone", 503)
        dispatch = Dispatch()
        with pytest.raises(OutcomeUnknown):
            await client.create_order(new_order(), dispatch=dispatch)
        assert dispatch.has_begun
        with pytest.raises(VenueUnavailable):
            await client.orders_by_ids(["7"])  # a read, but a POST: once
        assert len(venue.calls) == 5


async def test_a_read_that_makes_no_sense_is_not_tried_again() -> None:
    async with client_at() as (client, venue):
        venue.error(-1, "invalid_limit")
        with pytest.raises(BadRequest, match="invalid_limit"):
            await client.balances()
        venue.answers.clear()
        venue.error(-1, "invalid_order")
        for look_up in (client.order, client.plan, client.profit_stop):
            with pytest.raises(OrderNotFound):
                await look_up("7")
        assert len(venue.calls) == 4


async def test_a_read_by_post_says_what_went_wrong() -> None:
    async with client_at() as (client, venue):
        venue.answer_as(example("orders_by_ids"))
        (order,) = await client.orders_by_ids(["587077935051136448"])
        assert order.state == "FILLED"
        for kind, answer in (
            (AuthenticationError, {"code": 1, "msg": "sign-error"}),
            (BadRequest, {"code": -1, "msg": "invalid_param"}),
            (RateLimited, {"code": 439, "msg": "weight", "data": {"reset": 0}}),
            (DecodeError, {"code": 0, "data": [{"orderId": 7}]}),
            (DecodeError, {"code": 0}),
        ):
            venue.answers.clear()
            venue.answer(answer)
            with pytest.raises(kind) as caught:
                await client.orders_by_ids(["7"])
            assert type(caught.value) is kind
        await client.aclose()
        with pytest.raises(VenueUnavailable):
            await client.orders_by_ids(["7"])


async def test_without_a_key_only_what_is_public_is_asked() -> None:
    async with client_at(has_key=False) as (client, venue):
        for call in (client.balances(), client.listen_key(), client.orders_by_ids(["7"])):
            with pytest.raises(MissingCredentials):
                await call
        for command in (client.create_order(new_order()), client.cancel_order(7), client.close_all_positions()):
            with pytest.raises(NotSent):
                await command
        assert venue.calls == []
        venue.answer_as(example("symbol_names"))
        assert "btc_usdt" in await client.symbol_names()


@pytest.mark.parametrize("call", ["create_plan", "create_profit_stop"])
async def test_a_plan_may_be_acknowledged_with_its_bare_id(call: str) -> None:
    """As an order is; nothing but the id would find it again."""
    wrong: list[Any] = [True, None, 7, {}, ["1"]]
    async with client_at() as (client, venue):
        venue.data("1234567890123456789")
        if call == "create_plan":
            assert (await client.create_plan(PLAN)).entrust_id == "1234567890123456789"
        else:
            exits = NewProfitStop(symbol="btc_usdt", orig_qty=0, position_id=7, trigger_stop_price=1)
            assert (await client.create_profit_stop(exits)).profit_id == "1234567890123456789"
        for data in wrong:
            venue.answers.clear()
            venue.data(data)
            with pytest.raises(OutcomeUnknown):
                await client.create_plan(PLAN)


async def test_an_acknowledgement_that_is_none_leaves_the_outcome_unknown() -> None:
    change = ProfitStopChange(profit_id=7, trigger_stop_price=1)
    wrong: list[Any] = [None, 7, True, {}]
    async with client_at() as (client, venue):
        for data in wrong:
            venue.answers.clear()
            venue.data(data)
            for command in (client.create_order(new_order()), client.update_profit_stop(change)):
                with pytest.raises(OutcomeUnknown):
                    await command
        venue.answers.clear()
        venue.data(False)
        with pytest.raises(OutcomeUnknown):
            await client.cancel_orders(["7"])


async def test_a_change_may_be_told_that_there_is_nothing_to_change() -> None:
    async with client_at() as (client, venue):
        venue.error(-1, "invalid_order")
        for command in (
            client.cancel_order(7),
            client.cancel_plan(7),
            client.cancel_profit_stop(7),
            client.update_profit_stop(ProfitStopChange(profit_id=7, trigger_stop_price=1)),
        ):
            with pytest.raises(OrderNotFound):
                await command


async def test_any_other_call() -> None:
    async with client_at() as (client, venue):
        venue.answer(b'{"code": 0, "data": {"rate": 8.0e-05, "rows": [1, "2", null]}}')
        for path in ("/v2/unheard/of", "v2/unheard/of"):
            answer = await client.request("get", path, {"b": 1, "a": True}, auth=True)
            assert answer == {"rate": Decimal("0.00008"), "rows": [1, "2", None]}
        assert await client.request("POST", "/v2/unheard/of", {"a": "b"}, auth=True) == answer
        assert await client.request("GET", "/v2/public/unheard") == answer
        assert [(call.verb, call.path, call.sent) for call in venue.calls] == [
            *[("GET", "/futures/v2/unheard/of", "a=true&b=1")] * 2,
            ("POST", "/futures/v2/unheard/of", "a=b"), ("GET", "/futures/v2/public/unheard", ""),
        ]  # fmt: skip
        venue.answers.clear()
        venue.error(77)
        with pytest.raises(OutcomeUnknown):
            await client.request("POST", "/v2/unheard/of", auth=True)


def test_what_can_not_be_opened_is_said() -> None:
    for wrong in ((KEY, None), (None, SECRET), ("", SECRET)):
        with pytest.raises(ConfigurationError, match="both halves"):
            Client(*wrong)
    for url in (
        "http://openapi.pumpkin.xyz/futures",
        "https://a.b/c?d",
        "https://a.b/c d",
        "nothing",
        "https://[",
    ):
        with pytest.raises(ConfigurationError):
            Client(base_url=url, tls=shared_tls())


def test_a_base_url_is_an_origin_and_a_path() -> None:
    assert split_url(VENUE, BASE_URL) == ("https://openapi.pumpkin.xyz", "/futures")
    assert split_url(VENUE, BASE_URL + "/") == split_url(VENUE, BASE_URL)
    assert split_url(VENUE, "https://a.b:1") == ("https://a.b:1", "")


async def test_a_session_of_ones_own() -> None:
    async with ScriptedPumpkin() as venue:
        venue.answer_as(example("listen_key"))
        session = make_session(Credentials(KEY, SECRET), base_url=venue.origin, tls=shared_tls())
        with pytest.raises(ConfigurationError, match="a session signs by itself"):
            Client(KEY, SECRET, session=session)
        async with Client(session=session) as client:
            assert client.session is session
            assert await client.listen_key() == "FAD5A97BA1BD77BAF64F9770AD05ABFF"
            venue.answers.clear()
            venue.answer_as(example("time"))
            await session.warm()
            assert [call.path for call in venue.calls[1:]] == [f"{PREFIX}/v2/public/time"] * 2
        with pytest.raises(NotSent):
            await client.create_order(new_order())
        await client.aclose()


async def test_what_the_venue_quotes_of_the_key_is_masked() -> None:
    async with client_at() as (client, venue):
        venue.answer_as(example("order"))
        await client.order("587077935051136448")
        signature = venue.call.headers["x_signature"]
        venue.answers.clear()
        venue.error(-1, f"not {KEY} nor {signature}")
        with pytest.raises(BadRequest) as caught:
            await client.balances()
        assert caught.value.message == "not *** nor ***"
        assert KEY not in repr(vars(client)) + repr(client)


def test_every_call_of_the_document_is_there_and_says_which_section_it_is() -> None:
    sections = []
    for name in methods():
        call = getattr(Client, name)
        assert inspect.iscoroutinefunction(call), name
        found = re.search(r'[Ss]ection "([^"]+)"', inspect.getdoc(call) or "")
        assert found, name
        sections.append(found[1])
    assert len(set(sections)) == len(sections) == 66
    public = {name for name, call in inspect.getmembers(Client, inspect.isfunction) if name[0] != "_"}
    others = {name for name in public - set(methods()) if not name.startswith("iter_")}
    assert others == {"aclose", "request"}


def test_the_client_is_imported_only_when_it_is_asked_for(project_root: Path) -> None:
    program = (
        "import json, sys, venues.pumpkin; before = set(sys.modules); venues.pumpkin.Client;"
        "print(json.dumps([sorted(before), sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = map(set, json.loads(done.stdout))
    assert not before & {"httpx", "msgspec", "venues.pumpkin.client", "venues.transport.http"}
    assert after > {"httpx", "venues.pumpkin.client"}
    assert venues.pumpkin.Client is Client
    assert not hasattr(venues.pumpkin, "Server")


async def test_the_example_runs_as_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = inspect.getdoc(venues.pumpkin) or ""
    start, end = text.index("    import asyncio"), text.index("\nQuantities are")
    file = tmp_path / "example.py"
    file.write_text(textwrap.dedent(text[start:end]))
    main: Callable[..., Coroutine[Any, Any, Order]] = runpy.run_path(str(file))["main"]
    async with ScriptedPumpkin() as venue:
        for name in ("symbol", "mark_price", "create_order", "cancel_order", "order"):
            venue.answer_as(example(name))
        order = await main(api_key=KEY, api_secret=SECRET, base_url=venue.origin + PREFIX, tls=shared_tls())
        assert order.state == OrderState.FILLED
        placed = venue.calls[2].parameters
        assert (placed["price"], placed["origQty"], placed["leverage"]) == ("84962.9", "1", "25")
    assert capsys.readouterr().out == "one contract is worth 8.94347 usdt\n"
