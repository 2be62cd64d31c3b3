"""Loans and transfers that nobody has answered for, on the recovery screen's list."""

from __future__ import annotations

import msgspec

from tests.support.desk_app import running
from tests.support.frames import NOW, recovery_view, sample_frame
from tests.support.margin import funds_request, funds_view, margin_view
from tests.support.pumpkin_desk import both_sides, margin_move, pumpkin_frame
from tests.support.scripted_desk import ScriptedDesk
from tui.desk.frame import RecoveryRow
from tui.screens.recovery import Decision, unanswered_rows

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


async def test_a_change_of_margin_is_decided_about_in_words_of_its_own_and_can_not_be_cancelled() -> None:
    desk_with_one = ScriptedDesk([pumpkin_frame(positions=both_sides(funds=(margin_move(),)), orders=())])
    async with running(desk_with_one, (80, 24)) as desk:
        await desk.press("u")
        assert "1 command UNKNOWN: looked up further" in desk.text and "may have been carried out" in desk.text
        assert "d it was not carried out" in desk.text and "cancel it" not in desk.text
        desk.clock.pass_seconds(1)
        await desk.press("c")
        assert desk.toasts[-1] == "this is no order: there is nothing to cancel" and desk.asked == []
        await desk.press("d")
        assert desk.shows(Decision)
        text = " ".join(desk.text.replace("┃", " ").split())
        for words in ("ADD MARGIN 50 USDT to btc_usdt #88213 at", "was not carried out?", "it is done twice",
                      "the balances and their history"):  # fmt: skip
            assert words in text
        desk.clock.pass_seconds(1)
        await desk.press("y")
        await desk.until(lambda: desk.asked)
        assert desk.desk.calls == [("decide_gone", "f1")]
