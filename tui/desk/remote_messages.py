"""What goes over the control socket: one line of JSON asks, lines of JSON answer, the last is `Done` or `Failed`.

Texts of venues are made inert before they are put here. Times are nanoseconds UTC, but for a request's deadline.
"""

from __future__ import annotations

import socket
import struct
from decimal import Decimal
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from tui.desk.control import Reason, Verdict
from tui.desk.frame import PanicReceipt

VERSION = 1
LONGEST_REQUEST = 4_096  # bytes
LONGEST_ANSWER = 65_536  # bytes of one line
SOCKET_FILE = "control.sock"

Verb: TypeAlias = Literal["panic", "orders", "positions", "status", "cancel", "cancel-all", "do"]


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked. `is_sure` answers the soft guards with a yes.

    A request that is not begun by `deadline` is dropped: whoever asked has given up then. It is counted in
    nanoseconds since boot, which is the same for all processes and does not jump.
    """

    verb: Verb
    deadline: int
    argument: str = ""
    is_sure: bool = False
    version: int = VERSION


class Message(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """One line of an answer."""


class Heard(Message, frozen=True, kw_only=True):
    """The desk lives, and begins what was asked."""

    pid: int


class Working(Message, frozen=True, kw_only=True):
    """It is still at it."""


class OrderLine(Message, frozen=True, kw_only=True):
    """An order that is open or UNKNOWN."""

    key: str
    venue: str
    account: str
    symbol: str
    side: str
    order_type: str
    quantity: Decimal
    filled: Decimal
    status: str
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    is_external: bool = False
    ts_created: int = 0
    unknown_since: int | None = None
    reason: str = ""
    in_margin_wallet: bool = False
    position_id: str = ""  # which position it closes
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    is_liquidation: bool = False
    margin_mode: str = ""  # that it was sent with, where it named one


class PositionLine(Message, frozen=True, kw_only=True):
    """A position; amounts in its settle currency."""

    venue: str
    account: str
    symbol: str
    position_id: str
    quantity: Decimal
    entry_price: Decimal
    mark: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    liquidation_price: Decimal | None = None
    in_margin_wallet: bool = False
    side: str = ""  # "long" or "short"
    liquidation_is_estimate: bool = False
    margin: Decimal | None = None
    margin_mode: str = ""
    leverage: Decimal | None = None


class VenueLine(Message, frozen=True, kw_only=True):
    """A venue, and how much there is on it. `orders` counts the external and the UNKNOWN ones too.

    Where its account was not read (`is_read`), the figures tell only what this desk has done itself.
    """

    venue: str
    account: str
    mode: str
    state: str
    detail: str = ""
    is_reconciling: bool = False
    orders: int = 0
    external: int = 0
    unknown: int = 0
    positions: int = 0
    is_read: bool = True


class DeskLine(Message, frozen=True, kw_only=True):
    """The desk itself. `unsettled` counts what the run before left, and nobody has settled yet."""

    pid: int
    mode: str
    account: str
    is_armed: bool
    lock_reason: str = ""
    detach_policy: str = ""
    unsettled: int = 0


class Receipt(Message, frozen=True, kw_only=True):
    """What panic achieved."""

    receipt: PanicReceipt


class Decided(Message, frozen=True, kw_only=True):
    """What became of a command. `is_done`: what was asked for is so, by the venue's word where it needs one.

    `reasons` are the guards': those that deny or ask, or, on a command that was sent, those overridden.
    """

    verdict: Verdict
    text: str
    is_done: bool = False
    reasons: tuple[Reason, ...] = ()
    order_key: str = ""


class Failed(Message, frozen=True, kw_only=True):
    """The request could not be carried out: why, and the remedy."""

    text: str
    remedy: str
    is_busy: bool = False  # nothing was read of the request: it can be sent again


class Done(Message, frozen=True, kw_only=True):
    """The answer is whole."""


Answer: TypeAlias = (
    Heard | Working | OrderLine | PositionLine | VenueLine | DeskLine | Receipt | Decided | Failed | Done
)


class NotUnderstood(ValueError):
    """A line that is none of ours; the message says what is wrong with it."""


def parse_request(line: bytes) -> Request:
    """Returns the request in a line. Raises NotUnderstood."""
    try:
        request = msgspec.json.decode(line, type=Request)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from error
    if request.version != VERSION:
        raise NotUnderstood(f"version {request.version} was asked, this desk speaks {VERSION}")
    return request


def parse_answer(line: bytes) -> Answer:
    """Returns one line of an answer. Raises NotUnderstood."""
    try:
        answer: Answer = msgspec.json.decode(line, type=Answer)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotUnderstood(str(error)) from error
    return answer


def encode(message: Request | Message) -> bytes:
    """Returns the line."""
    return msgspec.json.encode(message) + b"\n"


def peer_uid(connection: socket.socket) -> int | None:
    """Returns whose process is at the other end of a unix socket; None where the system does not say."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    found = connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    uid: int = struct.unpack("3i", found)[1]
    return uid


def find_socket(state_dir: Path) -> Path | None:
    """Returns where the desk of the profile in `state_dir` would be reached; None where none has been.

    A path that is too long for a socket is a link to a shorter one.
    """
    path = state_dir / SOCKET_FILE
    try:
        return path.readlink() if path.is_symlink() else path if path.exists() else None
    except OSError:
        return None
