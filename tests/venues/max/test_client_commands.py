"""Commands: sent at most once, and the truth about what became of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.venues.max.client_rig import FIRST_NONCE, client_at, place
from tests.venues.max.documented import example
from tests.venues.max.scripted_max import KEY, SECRET, ScriptedMax
from venues.errors import (
    AuthenticationError,
    BadRequest,
    ConfigurationError,
    DecodeError,
    InsufficientFunds,
    NotSent,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
)
from venues.max import Client
from venues.max.models import OrderState
from venues.transport.exchange import Dispatch, Signed

ORDER = example("create_order", "met")
CANCELS = [("documented", None), ("met", 1234567890)]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 307, 429, 400, 404])
async def test_a_command_is_never_sent_twice(status: int) -> None:
    async with client_at() as (client, venue):
        venue.answer({"anything": 1}, status)
        commands: list[Callable[[], Awaitable[Any]]] = [
            lambda: place(client),
            lambda: client.cancel_order(order_id=7),
            lambda: client.cancel_orders(),
            lambda: client.create_m_wallet_loan(currency="eth", amount="1"),
            lambda: client.create_m_wallet_transfer(currency="eth", amount="1", side="in"),
            lambda: client.create_m_wallet_repayment(currency="eth", amount="1"),
            lambda: client.create_convert(from_currency="btc", to_currency="usdt", to_amount="1"),
            lambda: client.create_twd_withdrawal("1"),
            lambda: client.create_withdrawal(withdraw_address_uuid="a", amount="1"),
        ]
        for number, command in enumerate(commands[: 1 if status == 429 else None], 1):
            with pytest.raises(OutcomeUnknown):
                await command()
            assert len(venue.calls) == number


async def test_after_a_429_nothing_is_sent_for_as_long_as_the_venue_says() -> None:
    async with client_at() as (client, venue):
        venue.answer({}, 429, Retry_After="60")
        with pytest.raises(OutcomeUnknown):
            await place(client)
        with pytest.raises(NotSent):
            await place(client)
        with pytest.raises(RateLimited):
            await client.order(client_oid="demo-1")
        assert len(venue.calls) == 1


@pytest.mark.parametrize("body", [b"<html></html>", b"", b"[]", b'{"id": "87"}', b"{", b'{"id": 1, "id": 2}'])
async def test_an_answer_that_can_not_be_read_leaves_the_order_unknown(body: bytes) -> None:
    async with client_at() as (client, venue):
        venue.answer(body)
        with pytest.raises(OutcomeUnknown):
            await place(client)
        with pytest.raises(DecodeError):
            await client.order(client_oid="demo-1")


async def test_an_error_that_comes_with_200_is_one() -> None:
    async with client_at() as (client, venue):
        venue.error(2018, 200, "cannot lock funds")
        with pytest.raises(InsufficientFunds, match="cannot lock funds"):
            await place(client)
        venue.answers.clear()
        venue.error(2002, 201)
        with pytest.raises(OutcomeUnknown):
            await client.create_convert(from_currency="btc", to_currency="usdt", to_amount="1")
        with pytest.raises(BadRequest):
            await client.converts()


@pytest.mark.parametrize(("kind", "ident"), CANCELS)
async def test_a_cancel_may_be_answered_in_either_form(kind: str, ident: int | None) -> None:
    async with client_at() as (client, venue):
        venue.answer_as(example("cancel_order", kind))
        order = await client.cancel_order(order_id=1234567890)
        assert (order and order.id) == ident
        assert order is None or order.state == OrderState.WAIT


@pytest.mark.parametrize(
    "body", [{"success": False}, {}, {"id": 7}, {"id": 7, "success": True, "state": 1}, {"success": "yes"}, []]
)
async def test_a_cancel_answered_in_neither_form_is_unknown(body: object) -> None:
    async with client_at() as (client, venue):
        venue.answer(body)
        with pytest.raises(OutcomeUnknown):
            await client.cancel_order(order_id=7)


async def test_a_cancel_that_comes_too_late() -> None:
    async with client_at() as (client, venue):
        venue.error(2004, 404)
        with pytest.raises(OrderNotFound):
            await client.cancel_order(client_oid="demo-1")
        with pytest.raises(OrderNotFound):
            await client.order(client_oid="demo-1")
        with pytest.raises(OutcomeUnknown):
            await place(client)


async def test_the_journal_commits_before_the_first_byte() -> None:
    kept: list[Signed] = []

    async def keep(signed: Signed) -> None:
        kept.append(signed)

    async def refuse(signed: Signed) -> None:
        raise ConfigurationError("journal", "the disk is full")

    async with client_at() as (client, venue):
        venue.answer_as(ORDER)
        dispatch = Dispatch(keep)
        await place(client, dispatch=dispatch)
        assert [(signed.nonce, len(venue.calls)) for signed in kept] == [(FIRST_NONCE, 1)]
        assert dispatch.has_begun
        with pytest.raises(NotSent, match="the disk is full"):
            await client.cancel_order(order_id=7, dispatch=Dispatch(refuse))
        assert len(venue.calls) == 1


async def test_nobody_there() -> None:
    async with ScriptedMax() as venue:
        origin = venue.origin
    async with Client(KEY, SECRET, base_url=origin, nonces=lambda: 1, timeout=0.5, attempts=1) as client:
        with pytest.raises(NotSent):
            await place(client)


async def test_a_signature_that_the_venue_does_not_accept() -> None:
    async with ScriptedMax() as venue:
        venue.answer_as(ORDER)
        async with Client(KEY, "another secret", base_url=venue.origin, nonces=lambda: 1) as client:
            with pytest.raises(AuthenticationError):
                await client.info()
            with pytest.raises(OrderRejected):
                await place(client)
