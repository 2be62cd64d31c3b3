"""The private stream's token: created, refreshed in time, replaced, refused; and the stream that it opens."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from tests.venues.mayex.account_rig import (
    BTC,
    ETH,
    AccountRig,
    Exchange,
    closing,
    connected,
    request,
    until,
)
from venues.errors import NotSupported, VenueError, VenueUnavailable
from venues.events import LinkState, Notice, StreamStatus
from venues.mayex.models import StreamToken
from venues.mayex.token import Token
from venues.model import OrderStatus
from venues.secret import Secret

D = Decimal
NOW = 1_700_000_000_000_000_000
HOUR = 3_600_000  # milliseconds


class Scripted:
    """A venue that gives out the tokens that a test says, or errors in their place."""

    def __init__(self, *answers: StreamToken | VenueError) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def create_token(self) -> StreamToken:
        return self._next("create")

    async def refresh_token(self) -> StreamToken:
        return self._next("refresh")

    def _next(self, what: str) -> StreamToken:
        self.asked.append(what)
        answer = self.answers.pop(0)
        if isinstance(answer, VenueError):
            raise answer
        return answer


def told(text: str, life: int | None = HOUR) -> StreamToken:
    return StreamToken(token=Secret(text), expiry=None if life is None else NOW // 1_000_000 + life)


async def test_it_is_refreshed_at_half_of_its_life() -> None:
    venue = Scripted(told("web.1.A"), told("web.1.A", 2 * HOUR))
    token, loop = Token(venue, now=lambda: NOW), asyncio.get_running_loop()
    assert await token.login_topics() == ["web.1.A"]
    assert token.due - loop.time() == pytest.approx(1_800, abs=1)
    assert not await token.refresh()
    assert token.due - loop.time() == pytest.approx(3_600, abs=1)
    assert venue.asked == ["create", "refresh"]


async def test_one_that_has_died_is_created_anew() -> None:
    refused = VenueUnavailable("mayex", "error-code.api.ws-token.not-created")
    token = Token(Scripted(told("web.1.A", None), refused, told("web.1.B")), now=lambda: NOW)
    await token.create()
    assert token.due - asyncio.get_running_loop().time() == pytest.approx(1_500, abs=1)
    assert await token.refresh()
    assert token.names == ["web.1.B"]


@pytest.mark.parametrize(
    ("unit", "due"), [(1, 1_800), (1_000, 1_800), (1_000_000, 1_800), (0.001, 1_500), (-1, 1_500)]
)
async def test_its_end_is_read_in_whichever_unit_and_one_that_is_over_is_not_believed(
    unit: float, due: int
) -> None:
    end = round((NOW // 1_000_000 + 3_600_000) * unit)
    token = Token(Scripted(StreamToken(token=Secret("web.1.A"), expiry=end)), now=lambda: NOW)
    await token.create()
    assert token.due - asyncio.get_running_loop().time() == pytest.approx(due, abs=1)


async def test_it_may_stand_in_the_address() -> None:
    token = Token(Scripted(told("web.1.A/+"), told("web.1.A")), now=lambda: NOW)
    assert (await token.address("wss://host/ws/")).url == "wss://host/ws/?token=web.1.A%2F%2B"
    address = await token.address("wss://host/ws/?x=1")
    assert address.url == "wss://host/ws/?x=1&token=web.1.A"
    assert "web" not in repr(address) + repr(token)


async def test_a_venue_without_it_is_asked_once() -> None:
    failures: list[VenueError] = []
    venue = Scripted(NotSupported("mayex", "the venue has no such call", "HTTP 404"))
    token = Token(venue, failed=failures.append)
    for _ in range(3):
        with pytest.raises(NotSupported):
            await token.login_topics()
    assert venue.asked == ["create"]
    assert len(failures) == 1


# The stream that it opens.


def each_once(rig: AccountRig) -> bool:
    own = sorted(str(row["trade_id"]) for row in rig.shown()["fills"])
    return sorted(one.trade_id for one in rig.fills) == own


def words(rig: AccountRig) -> list[str]:
    return [one.text for one in rig.of(Notice)]


async def test_the_stream_in_the_query_tells_the_same(exchange: Exchange) -> None:
    async with connected(exchange, has_stream=True, private_stream="query") as rig:
        position = await rig.opened()
        await rig.venue.submit_order(closing(position))
        await until(lambda: not rig.held and each_once(rig))
        assert rig.venue._account._following.is_told


async def test_without_a_token_endpoint_it_is_polled_which_is_said_once(exchange: Exchange) -> None:
    exchange.act("endpoints", token=False)
    async with connected(exchange, private_stream="subscribe") as rig:
        await rig.opened()
        (said,) = words(rig)
        assert said.startswith("no private stream, the account is polled: ")


async def test_a_token_that_is_refused_leaves_the_polls(exchange: Exchange) -> None:
    exchange.fault("login-refused@account")
    async with connected(exchange, private_stream="subscribe") as rig:
        await rig.fill(await rig.venue.submit_order(request()))
        await until(lambda: rig.held)
        exchange.simulator.faults.heal()
        await until(lambda: rig.venue._account._following.hears)


async def test_a_token_that_dies_is_replaced(exchange: Exchange) -> None:
    async with connected(exchange, has_stream=True) as rig:
        exchange.simulator.tokens.delete()
        exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.5")
        await until(lambda: rig.held and each_once(rig))
        await until(lambda: exchange.simulator.tokens.current and rig.venue._account._following.hears)
        await rig.opened()


@pytest.mark.parametrize("fault", ["duplicate@account", "reorder@account", "drop@account:0.5"])
async def test_whatever_befalls_the_pushes_the_end_is_the_same(exchange: Exchange, fault: str) -> None:
    async with connected(exchange, has_stream=True) as rig:
        exchange.fault(fault)
        position = await rig.opened(quantity="0.03")
        await rig.venue.submit_order(closing(position, "0.01"))
        exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.5")
        await until(lambda: {one.quantity for one in rig.held.values()} == {D("0.02"), D("-0.5")})
        exchange.simulator.faults.heal()
        await until(lambda: each_once(rig))
        sizes = [one.quantity for one in rig.told if one.position_id == position.position_id]
        assert list(dict.fromkeys(sizes)) == [D("0.03"), D("0.02")]  # it never went back


async def test_what_the_sample_says_of_its_status_is_not_believed(exchange: Exchange) -> None:
    """The documented push says NEW of an order of which all has traded."""
    exchange.act("pushes", as_sampled=True)
    async with connected(exchange, has_stream=True) as rig:
        order = await rig.venue.submit_order(request())
        await rig.fill(order)
        ends = [one for one in rig.orders if one.venue_order_id == order.venue_order_id]
        await until(lambda: rig.orders[-1].status is OrderStatus.FILLED)
        assert ends and each_once(rig)


async def test_executions_are_told_once_over_a_reconnect(exchange: Exchange) -> None:
    async with connected(exchange, has_stream=True) as rig:
        await rig.opened()
        exchange.fault("reset")
        exchange.act("place", symbol=ETH, side="sell", type="market", quantity="0.3")
        exchange.act("place", symbol=BTC, side="buy", type="market", quantity="0.01")
        exchange.simulator.faults.heal()
        await until(lambda: each_once(rig) and len(rig.fills) >= 3)
        await until(lambda: rig.venue._account._following.hears)
        exchange.act("place", symbol=BTC, side="buy", type="market", quantity="0.01")
        await until(lambda: each_once(rig) and len(rig.fills) >= 4)
        assert [one.state for one in rig.of(StreamStatus)].count(LinkState.RECONNECTING)
