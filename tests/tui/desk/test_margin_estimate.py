"""What a loan, a repayment or a transfer would do: amounts read strictly, ratio and interest in Decimal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.support.frames import NOW, desk_view
from tests.support.margin import funds_request, funds_view
from tests.support.margin_desk import calm_wallet, max_frame, max_margin, max_view, max_wallet, two_wallets
from tui.desk.control import FundsIntent
from tui.desk.expressions import ExpressionError
from tui.desk.margin_estimate import (
    Amount,
    FundsContext,
    FundsDraft,
    FundsEvaluation,
    Level,
    borrowable,
    evaluate_funds,
    level_now,
    level_of,
    make_funds_context,
    parse_amount,
    read_wish,
    share_of,
)
from venues.commands import FundsKind
from venues.margin import MarginAsset
from venues.model import NANOSECONDS
from venues.port import Mode

D = Decimal
BORROW, REPAY, IN, OUT = FundsKind.BORROW, FundsKind.REPAY, FundsKind.TRANSFER_IN, FundsKind.TRANSFER_OUT


def around(**views: Any) -> FundsContext:
    context = make_funds_context(max_frame(**views), "max")
    assert context is not None
    return context


def evaluated(kind: FundsKind, amount: str, currency: str = "BTC", **views: Any) -> FundsEvaluation:
    return evaluate_funds(FundsDraft(kind=kind, currency=currency, amount=amount), around(**views))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("0.1", Amount(value=D("0.1"))),
        (" 12 ", Amount(value=D(12))),
        ("0.1 btc", Amount(value=D("0.1"))),
        ("0.1BTC", Amount(value=D("0.1"))),
        ("50%", Amount(share=D("0.5"))),
        ("12.5 %", Amount(share=D("0.125"))),
        ("all", Amount(share=D(1))),
        ("ALL", Amount(share=D(1))),
    ],
)
def test_an_amount_is_read(text: str, amount: Amount) -> None:
    assert parse_amount(text, "BTC") == amount


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "type an amount in BTC"),
        ("0,5", "no commas: write a point"),
        ("1,000", "no commas"),
        ("0", "above zero"),
        ("0.0 btc", "above zero"),
        ("-1", "no sign here"),
        ("1e5", "no powers of ten"),
        ("0%", "above 0 %"),
        ("101%", "up to 100 %"),
        ("5 twd", "this is in BTC, not twd"),
        ("half", "write an amount, 50% or all"),
        ("1000000000000000", "too large to be meant"),
        (".5", "write the zero before the point"),
    ],
)
def test_what_can_not_be_read_is_said_in_words(text: str, words: str) -> None:
    with pytest.raises(ExpressionError, match=words):
        parse_amount(text, "BTC")


@pytest.mark.parametrize(
    ("share", "whole", "step", "expected"),
    [
        ("1", "0.30001575", None, "0.30001575"),
        ("1", "0.300015751234567", None, "0.30001575"),  # interest has more digits than can be paid
        ("1", "1683612.7115215", "1", "1683612"),  # as far as the venue counts
        ("0.5", "0.30001575", None, "0.15000787"),  # rounded down
        ("0.5", "801", "1", "400"),
        ("0.5", "1", None, "0.5"),
        ("0.5", "0.00000001", None, "0"),
    ],
)
def test_a_share_is_never_more_than_there_is(share: str, whole: str, step: str | None, expected: str) -> None:
    assert share_of(D(share), D(whole), None if step is None else D(step)) == D(expected)


def test_an_amount_that_is_finer_than_the_venue_counts_is_a_mistake() -> None:
    assets = [
        msgspec.structs.replace(each, step=D(1)) if each.currency == "TWD" else each
        for each in max_wallet().assets
    ]
    view = msgspec.structs.replace(
        max_margin(), wallet=msgspec.structs.replace(max_wallet(), assets=tuple(assets))
    )
    assert evaluated(OUT, "0.5", "TWD", margins=(view,)).problem == "TWD goes in steps of 1 here"
    found = evaluated(OUT, "all", "TWD", margins=(view,))
    assert found.intent is not None and found.intent.amount == D(1240000)


def test_what_can_still_be_borrowed_is_the_limit_less_what_is_owed() -> None:
    asset = MarginAsset(currency="BTC", principal=D("0.3"), interest=D("0.01"), borrow_limit=D("2.5"))
    assert borrowable(asset) == D("2.19")
    assert borrowable(msgspec.structs.replace(asset, borrow_limit=D("0.2"))) == 0
    assert borrowable(MarginAsset(currency="MAX")) is None


@pytest.mark.parametrize(
    ("ratio", "level"),
    [("2.29", Level.CALM), ("1.5", Level.CALM), ("1.4999", Level.WARNING), ("1.25", Level.WARNING),
     ("1.2499", Level.ALARM), ("0", Level.ALARM), (None, Level.UNKNOWN)],
)  # fmt: skip
def test_a_ratio_is_graver_below_each_level(ratio: str | None, level: Level) -> None:
    view = max_margin()
    assert level_of(None if ratio is None else D(ratio), view) is level
    assert level_now(max_margin(ratio)) is level


def test_the_levels_are_the_traders() -> None:
    strict = max_margin("2.29", warn_below=D(3), alarm_below=D("2.5"))
    assert level_now(strict) is Level.ALARM
    calm = msgspec.structs.replace(max_margin(), wallet=calm_wallet())
    assert level_now(calm) is Level.NO_DEBT


def test_a_loan_raises_both_sides_of_the_ratio() -> None:
    found = evaluated(BORROW, "0.1")
    assert found.intent == FundsIntent(venue="max", kind=BORROW, currency="BTC", amount=D("0.1"))
    expected = found.estimate
    assert expected is not None
    # The book's middle over USDT/TWD: 1,945,299.95 / 32.1 = 60,601.24 USDT.
    value = D("194529.995") / D("32.1")
    assert expected.ratio_after is not None
    assert abs(expected.ratio_after - (D("41710.24") + value) / (D("18188.35") + value)) < D("1e-20")
    assert (expected.ratio_before, expected.level_before, expected.level_after) == (D("2.29"), *2 * (Level.CALM,))
    assert expected.interest_per_hour == D("0.1") * D("0.00000175")
    assert expected.interest_per_day == D("0.1") * D("0.00000175") * 24
    assert expected.next_hourly_rate == D("0.000002")
    assert (expected.owed_after, expected.available_after) == (D("0.40001575"), D("0.12"))
    assert expected.borrowable_after == D("2.09998425")


def test_a_large_loan_falls_below_a_level_and_is_warned_of() -> None:
    found = evaluated(BORROW, "1")
    assert found.estimate is not None and found.estimate.level_after is Level.WARNING
    assert "the ratio would be below your WARNING level of 1.5" in found.warnings
    assert evaluated(IN, "0.01").warnings == ()


def test_paying_back_lowers_both_sides_and_all_of_it_ends_the_ratio() -> None:
    wallet = max_wallet()
    rich = [msgspec.structs.replace(a, available=D(1)) if a.currency == "BTC" else a for a in wallet.assets]
    view = max_margin()
    margins = (msgspec.structs.replace(view, wallet=msgspec.structs.replace(wallet, assets=tuple(rich))),)
    half = evaluated(REPAY, "50%", margins=margins)
    assert half.intent is not None and half.intent.amount == D("0.15000787")
    assert half.resolved == "= 0.15000787 BTC"
    assert half.estimate is not None and half.estimate.ratio_after is not None
    value = D("0.15000787") * D("1945299.95") / D("32.1")
    assert abs(half.estimate.ratio_after - (D("41710.24") - value) / (D("18188.35") - value)) < D("1e-20")
    whole = evaluated(REPAY, "all", margins=margins)
    assert whole.intent is not None and whole.intent.amount == D("0.30001575")
    assert whole.estimate is not None
    assert (whole.estimate.level_after, whole.estimate.ratio_after) == (Level.NO_DEBT, None)
    assert whole.estimate.owed_after == 0 and whole.estimate.borrowable_after == D("2.5")
    assert any("before it arrives" in words for words in whole.warnings)


def test_the_crumb_that_can_not_be_paid_back_is_said() -> None:
    assets = [
        msgspec.structs.replace(each, available=D(1), interest=D("0.0000157512345"))
        if each.currency == "BTC"
        else each
        for each in max_wallet().assets
    ]
    view = msgspec.structs.replace(
        max_margin(), wallet=msgspec.structs.replace(max_wallet(), assets=tuple(assets))
    )
    found = evaluated(REPAY, "all", margins=(view,))
    assert found.intent is not None and found.intent.amount == D("0.30001575")
    assert found.warnings == ("0.0000000012345 BTC stays owed: it is paid in steps of 0.00000001",)
    assert found.estimate is not None
    assert (found.estimate.ratio_after, found.estimate.level_after) == (D(1000), Level.CALM)
    # Beside another debt it is no crumb that decides.
    others = [msgspec.structs.replace(a, principal=D(9000)) if a.currency == "USDT" else a for a in assets]
    wallet = max_wallet(total_assets=D(38000), total_debts=D(27188))
    view = msgspec.structs.replace(view, wallet=msgspec.structs.replace(wallet, assets=tuple(others)))
    found = evaluated(REPAY, "all", margins=(view,))
    assert found.estimate is not None and found.estimate.ratio_after is not None
    assert D(2) < found.estimate.ratio_after < D(3)


def test_a_transfer_moves_the_assets_alone_and_costs_no_interest() -> None:
    out = evaluated(OUT, "300000", "TWD")
    assert out.estimate is not None and out.estimate.ratio_after is not None
    assert abs(out.estimate.ratio_after - (D("41710.24") - D(300000) / D("32.1")) / D("18188.35")) < D("1e-20")
    assert out.estimate.interest_per_hour is None and out.estimate.owed_after == 0
    into = evaluated(IN, "all", "TWD")
    assert into.intent is not None and into.intent.amount == D("441641.00")
    assert into.estimate is not None and into.estimate.available_after == D("1681641.50")
    assert into.estimate.ratio_after is not None
    assert abs(into.estimate.ratio_after - (D("41710.24") + D(441641) / D("32.1")) / D("18188.35")) < D("1e-20")


@pytest.mark.parametrize(
    ("kind", "amount", "currency", "problem"),
    [
        (BORROW, "3", "BTC", "at most 2.19998425 BTC can still be borrowed"),
        (REPAY, "0.31", "BTC", "only 0.30001575 BTC is owed: type all"),
        (REPAY, "all", "BTC", "only 0.02 BTC is free in the M-wallet: transfer in or buy it"),
        (OUT, "0.03", "BTC", "only 0.02 BTC is free in the M-wallet"),
        (IN, "0.06", "BTC", "only 0.05000000 BTC is free in spot"),
        (IN, "all", "MAX", "no MAX is there for that"),
        (BORROW, "0,5", "BTC", "no commas: write a point, and no thousands signs, like 0.5"),
    ],
)
def test_a_mistake_is_said_in_the_field(kind: FundsKind, amount: str, currency: str, problem: str) -> None:
    found = evaluated(kind, amount, currency)
    assert (found.intent, found.problem) == (None, problem)


@pytest.mark.parametrize(
    ("kind", "currency", "words"),
    [
        (BORROW, "MAX", "max does not lend MAX"),
        (REPAY, "TWD", "no TWD is owed"),
        (REPAY, "", "nothing is owed in the M-wallet"),
        (OUT, "", "nothing is free in the M-wallet"),
    ],
)
def test_what_can_not_be_done_with_any_amount_is_an_obstacle(kind: FundsKind, currency: str, words: str) -> None:
    assert words in evaluated(kind, "1", currency).obstacle


def test_a_venue_that_is_read_only_or_barred_is_an_obstacle() -> None:
    assert "READ-ONLY" in evaluated(REPAY, "0.01", venues=(max_view(Mode.READ_ONLY),)).obstacle
    assert (
        evaluated(REPAY, "0.01", venues=(max_view(fault="the key was refused"),)).obstacle == "the key was refused"
    )
    desk = desk_view(mode=Mode.LIVE, read_only_reason="another pitside holds this profile")
    assert "another pitside" in evaluated(REPAY, "0.01", desk=desk).obstacle


def test_the_lock_is_warned_of_where_it_stands_against() -> None:
    desk = desk_view(mode=Mode.LIVE, is_armed=False, lock_reason="by hand")
    assert any(words.startswith("locked (by hand)") for words in evaluated(BORROW, "0.01", desk=desk).warnings)
    assert evaluated(IN, "0.01", desk=desk).warnings == ()


def test_a_second_one_beside_an_unknown_one_is_warned_of() -> None:
    unknown = funds_view("UNKNOWN", funds_request(BORROW, "0.1"))
    margins = (max_margin(funds=(unknown,)),)
    assert any("UNKNOWN" in words for words in evaluated(BORROW, "0.2", margins=margins).warnings)
    assert evaluated(BORROW, "5", "TWD", margins=margins).warnings == ()


def test_old_figures_are_said_to_be_old() -> None:
    margins = (max_margin(ts_recv=NOW - 120 * NANOSECONDS, funds=()),)
    assert "the wallet's figures are 120 s old" in evaluated(IN, "0.01", margins=margins).warnings


def test_a_ratio_without_a_price_or_the_venues_figures_is_not_known() -> None:
    found = evaluated(BORROW, "0.1", quotes=(), book=None)
    assert found.estimate is not None
    assert (found.estimate.ratio_after, found.estimate.level_after) == (None, Level.UNKNOWN)
    assert found.estimate.why_unknown == "no price of BTC in USDT is known"
    silent = max_margin()
    silent = msgspec.structs.replace(silent, wallet=max_wallet(total_debts=None))
    found = evaluated(BORROW, "0.1", margins=(silent,))
    assert found.estimate is not None
    assert found.estimate.why_unknown == "the venue has not told what the wallet is worth"


def test_the_first_loan_is_reckoned_from_prices_where_the_venue_tells_nothing() -> None:
    wallet = msgspec.structs.replace(calm_wallet(), total_assets=None, total_debts=None)
    found = evaluated(BORROW, "0.5", margins=(msgspec.structs.replace(max_margin(), wallet=wallet),))
    assert found.estimate is not None and found.estimate.ratio_after is not None
    btc = D("1945299.95") / D("32.1")
    held = D("1300000.5") / D("32.1") + D("0.02") * btc + D(120) * D("9.87") / D("32.1")
    assert abs(found.estimate.ratio_after - (held + btc / 2) / (btc / 2)) < D("1e-20")
    assert found.estimate.level_before is Level.NO_DEBT


def test_prices_of_another_venue_are_not_taken() -> None:
    context = make_funds_context(two_wallets(), "mayex")
    assert context is not None and context.prices == {"USDT": D(1)}
    assert make_funds_context(two_wallets(), "paper") is None


def test_the_currencies_that_each_kind_can_be_done_with() -> None:
    context = around()
    assert context.currencies(BORROW) == ("TWD", "BTC", "USDT")
    assert context.currencies(REPAY) == ("BTC",)
    assert context.currencies(REPAY, "TWD") == ("TWD", "BTC")
    assert context.currencies(OUT) == ("TWD", "BTC", "MAX")
    assert context.currencies(IN) == ("TWD", "BTC", "USDT", "MAX")


@pytest.mark.parametrize(
    ("words", "amount", "currency"),
    [("0.1 btc", "0.1", "BTC"), ("all btc", "all", "BTC"), ("btc", "", "BTC"), ("50%", "50%", ""),
     ("all", "all", ""), ("", "", ""), ("0,5 twd", "0,5", "TWD")],
)  # fmt: skip
def test_a_line_is_read_as_a_draft(words: str, amount: str, currency: str) -> None:
    assert read_wish(BORROW, words) == FundsDraft(kind=BORROW, currency=currency, amount=amount)
