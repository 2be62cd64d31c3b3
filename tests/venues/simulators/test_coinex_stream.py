"""The CoinEx simulator's stream: frames, error codes, login, and the public methods."""

from __future__ import annotations

import pytest

from tests.venues.simulators.coinex_streams import START, rig, signature_of

# Every method of the document's WebSocket part.
METHODS = {
    "server.sign", "server.ping", "server.time", "kline.query", "state.query", "state.subscribe",
    "state.unsubscribe", "deals.query", "deals.query_user", "deals.subscribe", "deals.unsubscribe",
    "depth.query", "depth.subscribe", "depth.subscribe_multi", "depth.unsubscribe", "depth.unsubscribe_multi",
    "order.query", "order.query_stop", "order.account_query", "order.account_query_stop", "order.subscribe",
    "order.unsubscribe", "asset.query", "asset.account_query", "asset.account_query_all", "asset.subscribe",
    "asset.unsubscribe", "index.query", "index.list", "index.subscribe", "index.unsubscribe",
    "notice.subscribe", "notice.unsubscribe", "deals_own.subscribe", "deals_own.unsubscribe",
}  # fmt: skip
PRIVATE = {
    name
    for name in METHODS
    if name.split(".")[0] in ("order", "asset", "notice", "deals_own") or name == "deals.query_user"
}


async def test_ping_and_time_are_answered_as_documented() -> None:
    async with rig() as opened:
        client = await opened.client()

        assert await client.ask("server.ping") == {"error": None, "result": "pong", "id": 1}
        assert await client.ask("server.time") == {"error": None, "result": START // 10**9, "id": 2}


async def test_every_documented_method_exists_and_the_private_ones_ask_for_a_login() -> None:
    async with rig() as opened:
        client = await opened.client()

        codes = {name: (await client.ask(name)).get("error") for name in sorted(METHODS - {"server.sign"})}

        assert {name for name, error in codes.items() if error and error["code"] == 4} == set()
        assert {name for name, error in codes.items() if error and error["code"] == 6} == PRIVATE
        assert codes["order.query"] == {"code": 6, "message": "require auth"}


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", 1),
        ("{", 1),
        ("[]", 1),
        ("7", 1),
        ("{}", 1),
        ('{"method":5,"params":[],"id":77}', 1),
        ('{"method":"server.ping","params":{},"id":77}', 1),
        ('{"method":"no.such","params":[],"id":77}', 4),
        (b"\xff\xfe", 1),
        ("[" * 100_000, 1),
    ],
)
async def test_a_frame_that_is_no_request_is_answered_with_an_error(frame: str | bytes, code: int) -> None:
    async with rig() as opened:
        client = await opened.client()

        client.send(frame)
        await client.until(lambda: bool(client.answers))
        (answer,) = client.answers.values()

        assert answer["error"]["code"] == code
        assert answer["result"] is None
        assert await client.result("server.ping") == "pong"


async def test_the_id_may_be_anything_and_params_may_be_missing() -> None:
    async with rig() as opened:
        client = await opened.client()

        for number in ('"a"', "null", "18446744073709551615"):
            client.send(f'{{"method":"server.ping","id":{number}}}')
        client.send(b'{"method":"server.ping","params":null,"id":9}')
        await client.until(lambda: len(client.answers) == 4)

        assert set(client.answers) == {"a", None, 18446744073709551615, 9}
        assert all(answer["result"] == "pong" for answer in client.answers.values())


async def test_the_worked_example_signs_in() -> None:
    async with rig() as opened:
        opened.simulator.api_key, opened.simulator.api_secret = "ACCESS_TEST", "SECRET_TEST"
        client = await opened.client()

        assert await client.refusal("order.query", "BTCUSDT", 0, 0, 10) == 6
        result = await client.result(
            "server.sign", "ACCESS_TEST", "6E8A426057D4C7CA98D55B3EB14D43C2", 1700000000000
        )

        assert result == {"status": "success"}
        assert (await client.result("order.query", "BTCUSDT", 0, 0, 10))["total"] == 0


@pytest.mark.parametrize(
    ("shift", "is_accepted"), [(0, True), (59_999, True), (-59_999, True), (60_001, False), (-60_001, False)]
)
async def test_a_tonce_may_be_a_minute_off(shift: int, is_accepted: bool) -> None:
    async with rig() as opened:
        client = await opened.client()
        tonce = START // 10**6 + shift
        params = opened.simulator.api_key, signature_of(opened.simulator, tonce), tonce

        answer = await client.ask("server.sign", *params)

        assert (answer["result"] == {"status": "success"}) is is_accepted
        assert (answer["error"] == {"code": 6, "message": "require auth"}) is not is_accepted


async def test_a_login_without_the_tonce_is_accepted_as_in_the_documents_example() -> None:
    async with rig() as opened:
        client = await opened.client()
        signature = signature_of(opened.simulator, START // 10**6 - 350)

        assert await client.refusal("server.sign", opened.simulator.api_key, "0" * 32) == 6
        assert await client.result("server.sign", opened.simulator.api_key, signature) == {"status": "success"}


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ([], 1),
        (["KEY"], 1),
        (["KEY", "0" * 32, "soon"], 1),
        (["KEY", "0" * 32, True], 1),
        (["KEY", 5, 1], 1),
        (["KEY", "0" * 32, 1, 1], 1),
        (["OTHER", "0" * 32, START // 10**6], 6),
        (["KEY", "0" * 32, START // 10**6], 6),
        (["KEY", "ä", START // 10**6], 6),
    ],
)
async def test_a_wrong_login_is_refused(params: list[object], code: int) -> None:
    async with rig() as opened:
        opened.simulator.api_key = "KEY"
        client = await opened.client()

        assert await client.refusal("server.sign", *params) == code
        assert await client.refusal("asset.query") == 6


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("depth.query", ["NOSUCH", 10, "0"]),
        ("depth.query", ["BTCUSDT", 7, "0"]),
        ("depth.query", ["BTCUSDT", 10, "0.5"]),
        ("depth.query", ["BTCUSDT", 10, 0]),
        ("depth.query", ["BTCUSDT", 10]),
        ("depth.subscribe", ["BTCUSDT", 10, "0", 1]),
        ("depth.subscribe_multi", []),
        ("depth.subscribe_multi", [["BTCUSDT", 10, "0"], "ETHUSDT"]),
        ("deals.query", ["BTCUSDT", 0, 0]),
        ("deals.query", ["BTCUSDT", -1, 0]),
        ("deals.query", ["BTCUSDT", True, 0]),
        ("deals.subscribe", ["BTCUSDT", "NOSUCH"]),
        ("state.query", ["BTCUSDT", 0]),
        ("state.subscribe", [5]),
        ("kline.query", ["BTCUSDT", 1, 2, 61]),
        ("kline.query", ["BTCUSDT", 2, 1, 60]),
        ("kline.query", ["BTCUSDT", 1, 2, "1 min"]),
        ("index.query", []),
    ],
)
async def test_wrong_arguments_are_refused(method: str, params: list[object]) -> None:
    async with rig() as opened:
        client = await opened.client()

        assert await client.refusal(method, *params) == 1


async def test_queries_have_the_documented_shapes() -> None:
    async with rig(rate=400) as opened:
        client = await opened.client()
        await opened.clock.advance(20)

        depth = await client.result("depth.query", "BTCUSDT", 10, "0")
        state = await client.result("state.query", "BTCUSDT", 86400)
        deals = await client.result("deals.query", "BTCUSDT", 10, 0)
        later = await client.result("deals.query", "BTCUSDT", 10, deals[3]["id"])
        index = await client.result("index.query", "BTCUSDT")
        indexes = await client.result("index.list")
        now = opened.clock.now // 10**9
        bars = await client.result("kline.query", "BTCUSDT", now - 3600, now, 60)
        words = await client.result("kline.query", "BTCUSDT", now - 3600, now, "1min")

        assert [len(depth[side]) for side in ("bids", "asks")] == [10, 10]
        assert depth["time"] == opened.clock.now // 10**6
        assert set(depth) == {"asks", "bids", "last", "time", "checksum"}
        assert set(state) == {
            "open", "last", "high", "low", "deal", "volume", "sell_total", "buy_total", "period",
        }  # fmt: skip
        assert state["period"] == 86400
        assert state["last"] == depth["last"] == deals[0]["price"]
        assert [deal["id"] for deal in deals] == sorted((deal["id"] for deal in deals), reverse=True)
        assert set(deals[0]) == {"type", "time", "price", "id", "amount"}
        assert later == deals[:3]
        assert index == {"name": "BTCUSDT", "time": now, "index": indexes["BTCUSDT"]["index"]}
        assert indexes["BTCUSDT"]["time"] == opened.clock.now // 10**6
        assert words == bars
        assert len(bars) >= 59
        for start, first, close, high, low, volume, value in bars:
            assert start % 60 == 0
            assert float(low) <= min(float(first), float(close)) <= max(float(first), float(close)) <= float(high)
            assert float(volume) >= 0
            assert float(value) >= 0


async def test_the_first_deals_are_a_hundred_newest_first_and_then_the_new_ones_follow() -> None:
    async with rig() as opened:
        client = await opened.client()
        for _ in range(130):
            opened.trade("BTCUSDT", "buy", "0.0001")

        assert await client.result("deals.subscribe", "BTCUSDT", "ETHUSDT") == "success"
        market, first = await client.push("deals.update")
        opened.trade("BTCUSDT", "sell", "0.0002")
        opened.trade("LTCUSDT", "sell", "0.1")
        _, second = await client.push("deals.update")

        assert market == "BTCUSDT"
        assert len(first) == 100
        assert [deal["id"] for deal in first] == sorted((deal["id"] for deal in first), reverse=True)
        assert second[0]["id"] == first[0]["id"] + 1
        assert (second[0]["type"], second[0]["amount"]) == ("sell", "0.00020000")
        assert second[0]["time"] == START / 10**9
        assert client.take("deals.update") == []


async def test_a_repeated_subscription_replaces_the_set_of_its_channel() -> None:
    async with rig(rate=2000) as opened:
        client = await opened.client()
        await client.result("state.subscribe", "BTCUSDT")
        await client.result("deals.subscribe", "BTCUSDT", "ETHUSDT")
        await client.result("depth.subscribe_multi", ["BTCUSDT", 5, "0"], ["ETHUSDT", 5, "0", False])
        await opened.clock.advance(1)
        both = client.take("deals.update", "depth.update", "state.update")
        await client.result("state.subscribe", "ETHUSDT")
        await client.result("deals.subscribe", "LTCUSDT")
        await client.result("depth.subscribe", "LTCUSDT", 10, "0")
        client.take("deals.update", "state.update")
        await opened.clock.advance(1)

        def markets(pushes: list[dict[str, list[object]]], method: str) -> set[str]:
            place = {"depth.update": 2, "deals.update": 0}[method]
            return {str(push["params"][place]) for push in pushes if str(push["method"]) == method}

        after = client.take("deals.update", "depth.update", "state.update")
        assert markets(both, "depth.update") == {"BTCUSDT", "ETHUSDT"}
        assert markets(both, "deals.update") == {"BTCUSDT", "ETHUSDT"}
        assert markets(after, "depth.update") == {"LTCUSDT"}
        assert markets(after, "deals.update") <= {"LTCUSDT"}
        states = [push["params"][0] for push in after if push["method"] == "state.update"]
        assert states
        assert all(set(state) == {"ETHUSDT"} for state in states)


async def test_an_unsubscription_ends_every_push_of_its_channel() -> None:
    async with rig(rate=2000) as opened:
        client = await opened.client()
        for channel in ("state", "deals", "index"):
            await client.result(f"{channel}.subscribe")
        await client.result("depth.subscribe_multi", ["BTCUSDT", 5, "0"], ["ETHUSDT", 5, "0"])
        await opened.clock.advance(2)
        assert {push["method"] for push in client.pushes} == {
            "state.update", "deals.update", "index.update", "depth.update",
        }  # fmt: skip

        for channel in ("state", "deals", "index", "depth"):
            await client.result(f"{channel}.unsubscribe")
        client.pushes.clear()
        await opened.clock.advance(2)

        assert not client.pushes


async def test_states_of_all_markets_come_in_one_push_and_only_the_changed_ones_again() -> None:
    async with rig() as opened:
        client = await opened.client()

        assert await client.result("state.subscribe") == "success"
        (first,) = await client.push("state.update")
        opened.trade("ETHUSDT", "buy", "0.5")
        await opened.clock.advance(0.2)
        (second,) = await client.push("state.update")
        await opened.clock.advance(1)

        assert set(first) == set(opened.market.instruments)
        assert set(second) == {"ETHUSDT"}
        assert second["ETHUSDT"] == await client.result("state.query", "ETHUSDT", 86400)
        assert float(second["ETHUSDT"]["sell_total"]) < float(first["ETHUSDT"]["sell_total"])
        assert not client.pushes


async def test_the_index_comes_at_once_and_when_it_changes() -> None:
    async with rig() as opened:
        client = await opened.client()
        await client.result("index.subscribe", "BTCUSDT")
        market, price = await client.push("index.update")
        opened.trade("BTCUSDT", "buy", "30")
        await opened.clock.advance(0.2)
        _, later = await client.push("index.update")

        assert market == "BTCUSDT"
        assert float(later) > float(price)


async def test_pushes_stop_the_listening_when_the_last_client_has_gone() -> None:
    async with rig(rate=500) as opened:
        one, other = await opened.client(), await opened.client()
        await one.result("deals.subscribe")
        await other.result("deals.subscribe")
        one.leave()
        await opened.clock.advance(3)
        count = len(other.pushes)
        other.leave()
        await opened.clock.advance(3)

        assert count > 24
        assert len(other.pushes) == count
        third = await opened.client()
        await third.result("deals.subscribe")
        third.pushes.clear()
        await opened.clock.advance(3)
        assert third.pushes
