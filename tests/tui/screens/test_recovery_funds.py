"""Loans and transfers that nobody has answered for, on the recovery screen's list."""

from __future__ import annotations

import msgspec

from tests.support.frames import NOW, recovery_view, sample_frame
from tests.support.margin import funds_request, funds_view, margin_view
from tui.desk.frame import RecoveryRow
from tui.screens.recovery import unanswered_rows

UNKNOWN = funds_view("UNKNOWN", funds_request(amount="0.25", request_id="f4"))
FOUND = RecoveryRow(
    key="f4", venue="max", text="BORROW 0.25 BTC at max", ts_sent=NOW, state="looked up until it is proven"
)


def test_what_is_unknown_now_is_listed_and_can_be_decided_about() -> None:
    frame = sample_frame(margins=(margin_view(),), orders=())
    (row,) = unanswered_rows(frame)
    assert (row.key, row.venue, row.text) == ("f4", "max", "BORROW 0.25 BTC at max")
    assert (row.is_settled, row.ts_provable) == (False, UNKNOWN.ts_provable)


def test_one_that_was_found_at_the_start_is_listed_once_and_until_it_is_over() -> None:
    view = recovery_view((FOUND,))
    open_still = margin_view(funds=(UNKNOWN,))
    frame = sample_frame(margins=(open_still,), orders=(), recovery=view)
    assert [one.key for one in unanswered_rows(frame)] == ["f4"]
    gone_on = msgspec.structs.replace(frame, recovery=recovery_view((FOUND,), is_over=True))
    assert [one.is_settled for one in unanswered_rows(gone_on)] == [False]
    over = msgspec.structs.replace(gone_on, margins=(margin_view(funds=()),))
    assert [one.is_settled for one in unanswered_rows(over)] == [True]
