"""What a key may do, and what that does to a desk."""

from __future__ import annotations

from tests.tui.desk.rig import Rig, ScriptedVenue, intent, order, until
from tests.tui.desk.test_rekeying import LIVE, READS, reconciled
from tui.desk.control import Verdict
from tui.desk.frame import FactKind, Severity
from venues.errors import ConnectionLost, VenueError
from venues.port import Permissions


class ToldVenue(ScriptedVenue):
    """A venue that tells what its key may do."""

    def __init__(self, *answers: Permissions | VenueError, name: str = "test") -> None:
        super().__init__(name, LIVE)
        self.answers = list(answers)

    async def fetch_permissions(self) -> Permissions:
        self._enter("fetch_permissions")
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, VenueError):
            raise answer
        return answer


async def test_a_key_that_may_only_read_shows_the_account_and_sends_nothing() -> None:
    venue = ScriptedVenue(caps=READS)
    venue.orders["elsewhere"] = order("elsewhere")
    async with Rig(venue) as rig:
        assert rig.store.ledger.balances["test"]["USDT"].total == 1000
        (tracked,) = rig.store.orders.open_orders("test")
        assert (await rig.session.cancel(tracked.key)).reasons[0].guard == "read-only"
        assert (await rig.session.submit(intent())).reasons[0].guard == "read-only"
        assert (await rig.session.panic()).lines == ()
        assert not {"submit_order", "cancel_order", "cancel_all_orders"} & set(venue.calls)
        assert "may only read" in rig.store.venues["test"].fault


async def test_a_key_that_may_withdraw_is_not_armed() -> None:
    async with Rig(ToldVenue(Permissions(trade=True, withdraw=True, told_by="the venue"))) as rig:
        refused = await rig.session.arm()
        assert refused.verdict is Verdict.DENIED
        assert "may WITHDRAW" in refused.reasons[0].text
        assert "allow_withdrawal = true" in refused.reasons[0].text
        assert any(f.severity is Severity.ALARM and "may WITHDRAW" in f.text for f in rig.facts)
        assert not rig.store.desk.is_armed
        # One without that right lifts it.
        assert (
            await rig.session.rekey(ToldVenue(Permissions(trade=True, withdraw=False)))
        ).verdict is Verdict.SENT
        await until(lambda: reconciled(rig))
        assert (await rig.session.arm()).verdict is Verdict.SENT


async def test_a_setting_allows_a_key_that_may_withdraw_with_the_warning_kept() -> None:
    venue = ToldVenue(Permissions(trade=True, withdraw=True))
    async with Rig(venue, allows_withdrawal=True) as rig:
        assert (await rig.session.arm()).verdict is Verdict.SENT
        assert "may WITHDRAW" in rig.texts()


async def test_a_right_to_withdraw_that_is_told_later_locks_an_armed_desk() -> None:
    venue = ToldVenue(ConnectionLost("test", "down"), Permissions(withdraw=True))
    async with Rig(venue) as rig:
        frame = rig.store.frame(rig.clock())
        assert frame is not None
        assert any("what the key may do is not known" in line.text for line in frame.log or ())
        await rig.session.arm()
        rig.session.supervisor.distrust(rig.session.links["test"])
        await until(lambda: not rig.store.desk.is_armed)
        assert (await rig.session.arm()).verdict is Verdict.DENIED


async def test_a_key_that_turns_out_to_only_read_takes_no_orders() -> None:
    async with Rig(ToldVenue(Permissions(trade=False))) as rig:
        await rig.session.arm()
        assert "may only read" in (await rig.session.submit(intent())).reasons[0].text
        assert rig.venue.called("submit_order") == 0
        assert FactKind.CONFIGURATION not in {fact.kind for fact in rig.facts}


async def test_what_was_known_of_a_key_when_it_was_stored_counts_from_the_start() -> None:
    async with Rig(ScriptedVenue(caps=LIVE)) as rig:
        await rig.session.arm()
        await rig.session.rekey(ScriptedVenue(caps=LIVE), Permissions(withdraw=True, told_by="the venue"))
        assert not rig.store.desk.is_armed
        assert "may WITHDRAW" in (await rig.session.arm()).reasons[0].text
        # The refusal is that key's, not the venue's for ever.
        await rig.session.rekey(ScriptedVenue(caps=LIVE))
        assert (await rig.session.arm()).verdict is Verdict.SENT
