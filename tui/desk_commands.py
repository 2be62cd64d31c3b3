"""The commands that act on a desk from outside: panic, orders, positions, status, do.

All ask the desk that runs for the profile. Only panic acts without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from tui.desk.inert import sanitise
from venues.registry import venue_names

if TYPE_CHECKING:
    from tui.cli import Options
    from tui.desk.frame import PanicLine
    from tui.desk.instance import Holder
    from tui.desk.remote_messages import Answer, DeskLine, OrderLine, PositionLine, VenueLine, Verb

_NOT_READ = "the account was not read: nothing is known of it"
_WHOLE = 100_000  # characters: more than any line has, so that sanitising cuts nothing

_JSON = click.option("--json", "is_json", is_flag=True, help="As JSON, for programs.")
_YES = "Do not ask."


@click.command(
    help="Cancel everything, close every position, and prove it. The desk that runs for the profile does it; "
    "where none answers within a second, it is done without one. Exit code 0 only where it is proven that nothing "
    "is left."
)
@click.option("--yes", "is_sure", is_flag=True, help=_YES)
@click.option(
    "--venue", "venues", type=click.Choice([name for name in venue_names() if name != "replay"]), multiple=True,
    help="Which venue to clear without a desk; repeat for several.  [default: where the last desk was, and the "
    "configured ones]",
)  # fmt: skip
@click.pass_context
def panic(context: click.Context, is_sure: bool, venues: tuple[str, ...]) -> None:
    from tui.panic_command import run_panic

    options: Options = context.obj
    context.exit(0 if run_panic(options, venues or options.venues, is_sure=is_sure) else 1)


@click.command(help="List the open orders, those of which nobody knows what became among them.")
@_JSON
@click.pass_context
def orders(context: click.Context, is_json: bool) -> None:
    from tui.desk.remote_messages import OrderLine

    found = answers_of(context.obj, "orders")
    known = " known" if _say_unread(found) else ""
    lines = [each for each in found if isinstance(each, OrderLine)]
    if is_json:
        _say_json(lines)
    else:
        say_table([_order_row(line) for line in lines], f"no open orders{known}")


@click.command(help="List the positions.")
@_JSON
@click.pass_context
def positions(context: click.Context, is_json: bool) -> None:
    from tui.desk.remote_messages import PositionLine

    found = answers_of(context.obj, "positions")
    known = " known" if _say_unread(found) else ""
    lines = [each for each in found if isinstance(each, PositionLine)]
    if is_json:
        _say_json(lines)
    else:
        say_table([_position_row(line) for line in lines], f"no positions{known}")


@click.command(help="Say how the desk and its venues are.")
@_JSON
@click.pass_context
def status(context: click.Context, is_json: bool) -> None:
    from tui.desk.remote_messages import DeskLine, VenueLine

    found = answers_of(context.obj, "status")
    desks = [each for each in found if isinstance(each, DeskLine)]
    venues = [each for each in found if isinstance(each, VenueLine)]
    if is_json:
        _say_json({"desk": desks[0] if desks else None, "venues": venues})
        return
    for desk in desks:
        say(_desk_words(desk))
    for venue in venues:
        say(venue_words(venue))


@click.command(
    "do",
    short_help="Carry out one line of the desk's command language.",
    help="Carry out one line of the desk's own command language:\n\n\b\n"
    "  buy BTC-PERP 0.01 @ bid-2t     sell ETH-PERP 500 usdt     close BTC-PERP 50\n"
    "  cancel KEY     cancel all [SYMBOL]     flatten [SYMBOL]     lock     arm\n\n"
    "Prices and sizes are written as in the ticket. Exit code 0 only where it is done; what a guard asks about is "
    "said, and not sent without --yes.",
)
@click.argument("words", metavar="COMMAND", nargs=-1, required=True)
@click.option("--yes", "is_sure", is_flag=True, help="Answer the guards that ask with a yes; no limit is lifted.")
@click.pass_context
def do_command(context: click.Context, words: Sequence[str], is_sure: bool) -> None:
    from tui.desk.control import Verdict
    from tui.desk.remote_messages import Decided

    is_done = False
    for answer in answers_of(context.obj, "do", " ".join(words), is_sure=is_sure):
        if isinstance(answer, Decided):
            is_done = answer.is_done
            say(answer.text, is_bad=not is_done)
            for reason in answer.reasons:
                say(f"  {reason.guard}: {reason.text}", is_bad=True)
            if answer.verdict is Verdict.NEEDS_YES:
                say("say it again with --yes to have it sent", is_bad=True)
    context.exit(0 if is_done else 1)


COMMANDS = (panic, orders, positions, status, do_command)


def answers_of(options: Options, verb: Verb, argument: str = "", *, is_sure: bool = False) -> list[Answer]:
    """Asks the desk of the profile. Raises ClickException with what is known where it did not do it."""
    from tui.desk.remote_client import LostDesk, NoDesk, SilentDesk, ask
    from tui.desk.remote_messages import Failed

    profile = options.paths.profile
    try:
        found = list(ask(options.paths.state_dir, verb, argument, is_sure=is_sure))
    except NoDesk as error:
        holder, fault = holder_of(options)
        if holder is not None:
            text = f"the desk of profile {profile} ({holder.words()}) can not be reached: {error}"
        elif fault:
            text = f"no desk can be reached for profile {profile}: {fault}"
        else:
            start = "pitside" if profile == "default" else f"pitside --profile {profile}"
            text = f"no desk is running for profile {profile}; start one with  {start}"
        raise click.ClickException(text) from error
    except SilentDesk as error:
        holder, _ = holder_of(options)
        who = f" ({holder.words()})" if holder is not None else ""
        raise click.ClickException(
            f"the desk of profile {profile}{who} did not answer within 1 s, so what was asked was dropped: {error}"
        ) from error
    except LostDesk as error:
        raise click.ClickException(
            f"the answer broke off ({error}): nobody knows how far it came; look at  pitside orders"
        ) from error
    if found and isinstance(found[-1], Failed):
        raise click.ClickException(f"{found[-1].text}; {found[-1].remedy}")
    return found


def holder_of(options: Options) -> tuple[Holder | None, str]:
    """Returns the desk that holds the profile, or why that can not be found out."""
    from tui.desk.instance import InstanceError, find_holder

    try:
        return find_holder(options.paths.state_dir), ""
    except InstanceError as error:
        return None, str(error)


def say(line: str, *, is_bad: bool = False) -> None:
    """Writes one line, inert; on stderr what is bad."""
    click.echo(sanitise(line, _WHOLE), err=is_bad)


def say_table(rows: Sequence[Sequence[str]], nothing: str) -> None:
    """Writes rows in columns; `nothing` where there are none."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    if not rows:
        say(nothing)


def venue_words(venue: VenueLine) -> str:
    """Returns a venue and what there is on it, in one line."""
    external = f" ({venue.external} placed elsewhere)" if venue.external else ""
    unknown = f", {venue.unknown} UNKNOWN" if venue.unknown else ""
    state = venue.state + (", being read back" if venue.is_reconciling else "")
    detail = f": {venue.detail}" if venue.detail else ""
    if not venue.is_read:
        return f"{venue.venue}/{venue.account} {venue.mode} {state}: {_NOT_READ}{detail}"
    return (
        f"{venue.venue}/{venue.account} {venue.mode} {state}: {venue.orders} orders{external}{unknown}, "
        f"{venue.positions} positions{detail}"
    )


def _say_unread(found: Iterable[Answer]) -> bool:
    """Says of which accounts nothing is known, and whether there is one: that nothing is listed means nothing."""
    from tui.desk.remote_messages import VenueLine

    unread = [each for each in found if isinstance(each, VenueLine) and not each.is_read]
    for venue in unread:
        say(f"{venue.venue}/{venue.account}: {_NOT_READ}", is_bad=True)
    return bool(unread)


def receipt_words(line: PanicLine) -> str:
    """Returns what panic achieved on one venue, in one line."""
    text = f"{line.venue}/{line.account}: {line.cancelled} cancelled, {line.closed} closed"
    if line.orders_left or line.positions_left:
        text += f"; LEFT: {line.orders_left} orders, {line.positions_left} positions"
    elif line.is_proven:
        text += "; nothing is left, read twice"
    if not line.is_proven:
        text += "; NOT PROVEN"
    return f"{text}: {line.note}" if line.note else text


def _desk_words(desk: DeskLine) -> str:
    armed = "armed" if desk.is_armed else f"locked ({desk.lock_reason})" if desk.lock_reason else "locked"
    unsettled = f", {desk.unsettled} of the run before not settled" if desk.unsettled else ""
    return f"{desk.mode}/{desk.account} {armed}, process {desk.pid}, on hang-up {desk.detach_policy}{unsettled}"


def _order_row(line: OrderLine) -> tuple[str, ...]:
    price = f"at {line.price:f}" if line.price is not None else line.order_type
    trigger = f"when {line.trigger_price:f}" if line.trigger_price is not None else ""
    state = line.status.upper() if line.unknown_since is not None else line.status.replace("_", " ")
    return (
        f"{line.venue}/{line.account}",
        _market_words(line),
        f"{line.side.upper()} {line.margin_mode}".strip(),
        f"{line.quantity:f}",
        f"{price} {trigger}".strip(),
        f"{line.filled:f} filled",
        state + (" (placed elsewhere)" if line.is_external else ""),
        line.key,
    )


def _market_words(line: OrderLine | PositionLine) -> str:
    return f"{line.symbol} in the margin wallet" if line.in_margin_wallet else line.symbol


def _position_row(line: PositionLine) -> tuple[str, ...]:
    number = "" if line.position_id in ("", "net") else f"#{line.position_id}"
    about = "~" if line.liquidation_is_estimate else ""
    return (
        f"{line.venue}/{line.account}",
        _market_words(line),
        " ".join(filter(None, (line.side, f"{line.quantity:+f}", number))),
        f"entry {line.entry_price:f}",
        f"mark {line.mark:f}" if line.mark is not None else "mark -",
        f"P&L {line.unrealized_pnl:+.2f}" if line.unrealized_pnl is not None else "P&L -",
        f"liquidation {about}{line.liquidation_price:f}"
        if line.liquidation_price is not None
        else "liquidation -",
    )


def _say_json(value: Any) -> None:
    import msgspec

    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    _say_lines(text.splitlines())


def _say_lines(lines: Iterable[str]) -> None:
    for line in lines:
        say(line)
