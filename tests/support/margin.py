"""A desk over a venue with a margin wallet beside spot: what is lent, what is owed, what was asked of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from tests.support.frames import NOW
from tui.desk.frame import FundsView, MarginView
from venues.commands import FundsKind, FundsRequest
from venues.margin import MarginAccount, MarginAsset
from venues.model import NANOSECONDS

D = Decimal

TWD = MarginAsset(
    currency="TWD", available=D("1240000.5"), locked=D("60000"), hourly_rate=D("0.0000125"),
    next_hourly_rate=D("0.0000125"), borrow_limit=D("3000000"),
)  # fmt: skip
BTC = MarginAsset(
    currency="BTC", available=D("0.02"), principal=D("0.30000000"), interest=D("0.00001575"),
    hourly_rate=D("0.00000175"), next_hourly_rate=D("0.000002"), borrow_limit=D("2.5"),
)  # fmt: skip
USDT = MarginAsset(currency="USDT", hourly_rate=D("0.0000081"), borrow_limit=D("100000"))
MAX_TOKEN = MarginAsset(currency="MAX", available=D("120"))


def margin_account(ratio: str | None = "1.62", *assets: MarginAsset, **more: Any) -> MarginAccount:
    """A wallet that owes BTC, and lends three of its four currencies."""
    made = MarginAccount(
        venue="max", assets=assets or (TWD, BTC, USDT, MAX_TOKEN), ratio=D(ratio) if ratio is not None else None,
        total_assets=D("1362880.25"), total_debts=D("841284.10"), currency="TWD", ts_event=NOW - 2 * NANOSECONDS,
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def funds_request(
    kind: FundsKind = FundsKind.BORROW, amount: str = "0.1", currency: str = "BTC", request_id: str = "f1"
) -> FundsRequest:
    return FundsRequest(venue="max", request_id=request_id, kind=kind, currency=currency, amount=D(amount))


def funds_view(state: str = "done", request: FundsRequest | None = None, **more: Any) -> FundsView:
    """One request in a state: "sent", "UNKNOWN", "processing", "done" or "refused"."""
    given: dict[str, Any] = {
        "state": state, "is_over": state in ("done", "refused"), "ts_sent": NOW - 5 * NANOSECONDS,
        "ts_provable": NOW + 25 * NANOSECONDS if state == "UNKNOWN" else None,
        "words": "looked up in the venue's loans" if state == "UNKNOWN" else "",
    }  # fmt: skip
    return FundsView(request=request or funds_request(), **(given | more))


def funds_views() -> tuple[FundsView, ...]:
    """One that nobody has said anything about, one that the venue works on, one done and one refused."""
    return (
        funds_view("UNKNOWN", funds_request(amount="0.25", request_id="f4")),
        funds_view("processing", funds_request(FundsKind.TRANSFER_IN, "50000", "TWD", "f3")),
        funds_view("done", funds_request(FundsKind.REPAY, "0.05", request_id="f2")),
        funds_view("refused", funds_request(FundsKind.TRANSFER_OUT, "900000", "TWD"), words="not enough is free"),
    )


def margin_view(wallet: MarginAccount | None = None, **more: Any) -> MarginView:
    """The margin wallet of a venue; `more` replaces fields of the view."""
    made = MarginView(
        venue="max", account="main", name="M-wallet", wallet=wallet or margin_account(), ts_recv=NOW - NANOSECONDS,
        funds=funds_views(),
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)
