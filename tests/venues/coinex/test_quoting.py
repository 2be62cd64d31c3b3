"""A venue that quotes what it refuses: neither key nor secret nor signature is in anything that the desk gets."""

from __future__ import annotations

import traceback
from decimal import Decimal

import msgspec
import pytest

from tests.venues.coinex.documented import stream
from tests.venues.coinex.scripted_coinex import push
from tests.venues.coinex.venue_rig import ACCOUNT, BOOK, BTC, VenueRig, connected
from tests.venues.transport.stream_rig import until
from tests.venues.transport.virtual import in_virtual_time
from venues.coinex.auth import signature
from venues.commands import OrderRequest
from venues.errors import AuthenticationError, OrderRejected, OutcomeUnknown, VenueError
from venues.events import LinkState, OrderUpdate, StreamStatus
from venues.model import OrderType, Side
from venues.port import Credentials

# 14 characters of the secret: the shortest that is looked for in what is still to be parsed is half of that.
ACCESS, SECRET = "CANARY0KEY0123456789ABCDEF", "CANARY1SECRET2"
KEY = Credentials(ACCESS, SECRET)
ORDER = OrderRequest(
    client_order_id="l0canary",
    instrument=BTC,
    side=Side.BUY,
    type=OrderType.LIMIT,
    quantity=Decimal(1),
    price=Decimal(100),
)
LIMIT_PATH = "/v1/order/limit"


def quoted(rig: VenueRig) -> list[str]:
    """Returns what the venue was told and must not come back: key, secret, and every signature so far."""
    signatures = [request.headers.get("authorization", "") for request in rig.rest.received]
    signatures += [str(params[1]) for params in rig.stream.signed]
    return [ACCESS, SECRET, *filter(None, signatures)]


def leaks(rig: VenueRig, *shown: object) -> list[str]:
    text = "\n".join(repr(each) if not isinstance(each, str) else each for each in shown).lower()
    return [secret for secret in quoted(rig) if secret.lower() in text]


async def refusal_of(rig: VenueRig, code: int) -> VenueError:
    rig.rest.refusals[LIMIT_PATH] = code
    with pytest.raises(VenueError) as caught:
        await rig.venue.submit_order(ORDER)
    return caught.value


def words_of(error: VenueError) -> str:
    return f"{error} {error!r} {error.message} {''.join(traceback.format_exception(error))}"


@pytest.mark.parametrize(("code", "kind"), [(107, OrderRejected), (25, VenueError), (3008, OutcomeUnknown)])
def test_a_refused_order_does_not_quote_what_it_was_signed_with(code: int, kind: type[VenueError]) -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(credentials=KEY) as rig:
            rig.rest.is_quoting = True
            error = await refusal_of(rig, code)
            assert isinstance(error, kind)
            sent = rig.rest.received[-1]
            assert sent.headers["authorization"]
            assert ACCESS in sent.body.decode(), "it was sent, and quoted"
            assert "***" in words_of(error)
            assert leaks(rig, words_of(error)) == []

    run()


@in_virtual_time
async def test_reads_do_not_quote_it_either() -> None:
    async with connected(credentials=KEY) as rig:
        rig.rest.is_quoting = True
        for path in ("/v1/balance/info", "/v1/order/pending"):
            rig.rest.refusals[path] = 25
        for read in (rig.venue.fetch_balances, rig.venue.fetch_open_orders):
            with pytest.raises(VenueError) as caught:
                await read()
            assert "***" in str(caught.value)
            assert leaks(rig, words_of(caught.value)) == []


@in_virtual_time
async def test_a_refused_login_does_not_quote_it() -> None:
    async with connected(credentials=KEY) as rig:
        await rig.venue.subscribe(BOOK)
        rig.stream.is_quoting = True
        rig.stream.refusals["server.sign"] = 25
        with pytest.raises(AuthenticationError) as caught:
            await rig.venue.subscribe(ACCOUNT)
        assert rig.stream.signed
        assert "***" in str(caught.value)
        assert leaks(rig, words_of(caught.value), *rig.events) == []


@in_virtual_time
async def test_what_it_says_as_it_closes_and_what_it_pushes_is_masked() -> None:
    async with connected(credentials=KEY) as rig:
        await rig.venue.subscribe(BOOK)
        await rig.venue.subscribe(ACCOUNT)
        await until(lambda: rig.state is LinkState.LIVE)
        order = stream("order.update").value["params"][1][0] | {"market": "BTCUSDT", "client_id": f"x{ACCESS}"}
        rig.stream.push(push("order.update", 1, order), push("notice.update", ACCESS, {"x": SECRET}))
        await until(lambda: rig.of(OrderUpdate))
        (update,) = rig.of(OrderUpdate)
        assert "***" in repr(msgspec.to_builtins(update.order))
        rig.stream.peer.close(4001, f"key {SECRET} is gone")
        await until(lambda: any("is gone" in status.detail for status in rig.of(StreamStatus)))
        assert leaks(rig, *rig.events, *rig.notices) == []


def test_the_search_finds_a_signature_that_comes_back() -> None:
    @in_virtual_time
    async def run() -> None:
        async with connected(credentials=KEY) as rig:
            await rig.venue.fetch_instruments()
            (signed,) = {request.headers.get("authorization") for request in rig.rest.received} - {None}
            assert leaks(rig, f"bad signature {str(signed).lower()}") == [signed]
            assert leaks(rig, {"words": f"x{ACCESS}"}) == [ACCESS]
            assert len(str(signed)) == len(signature({}, SECRET))

    run()
