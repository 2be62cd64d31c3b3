"""The closed list of what a simulator can be told to do wrong: each kind, where it is done, and its value."""

from __future__ import annotations

import enum

import msgspec


class Place(enum.StrEnum):
    """Who does it: the gate to bytes, the frame sender to whole frames, the venue's simulator to its messages."""

    GATE = "gate"
    FRAMES = "frames"
    VENUE = "venue"


class Reach(enum.StrEnum):
    """What it strikes when no call is named: requests, streams, or both."""

    HTTP = "http"
    STREAM = "stream"
    BOTH = "both"


REQUEST_CALLS = frozenset({"submit", "cancel", "query", "read"})
# What a venue of positions tells apart among its commands: each is a submit as well.
SUBMIT_CALLS = frozenset({"plan", "exit", "margin", "leverage"})
STREAM_CALLS = frozenset({"stream", "market", "account"})


class FaultKind(msgspec.Struct, frozen=True):
    """One kind. `value` is what the value means, empty where it takes none; `words` are the values it may have.

    `share` and `default` hold where the spec names none. A `has_filter` of False means that it strikes the whole
    listener: neither call nor share can be named.
    """

    name: str
    reach: Reach
    place: Place
    does: str
    value: str = ""
    default: str = ""
    words: tuple[str, ...] = ()
    share: float = 1.0
    has_filter: bool = True


_HTTP, _STREAM, _BOTH = Reach.HTTP, Reach.STREAM, Reach.BOTH
_GATE, _FRAMES, _VENUE = Place.GATE, Place.FRAMES, Place.VENUE
_UNTIL = "seconds until it listens again by itself; 0 is never"


def _unanswered(name: str, does: str, default: str = "executed") -> FaultKind:
    """Returns a kind that leaves open what became of the request: the value says it, the client can not tell."""
    words = ("executed", "unexecuted")
    return FaultKind(name, _HTTP, _GATE, does, "whether the venue carried it out", default, words)


_LIST = (
    # Requests, by the gate.
    FaultKind("reset-before", _HTTP, _GATE, "accepted, then reset before the request is read; not executed"),
    FaultKind("closed-before", _HTTP, _GATE, "accepted, then closed before the request is read; not executed"),
    _unanswered("reset-after", "the request is read, then the connection reset", "unexecuted"),
    _unanswered("closed-after", "the request is read, then the connection closed", "unexecuted"),
    _unanswered("keep-alive-reset", "a later request on a kept connection is reset", "unexecuted"),
    _unanswered("half-headers", "half the head of the answer, then closed"),
    _unanswered("half-body", "the head and half the body of the answer, then closed"),
    _unanswered("garbage", "bytes that are not HTTP, then closed"),
    FaultKind(
        "lost-reply", _HTTP, _GATE, "executed, and the answer is lost",
        value="what the connection does then", default="hang", words=("hang", "reset", "close"),
    ),
    FaultKind("never-executed", _HTTP, _GATE, "the request is swallowed: neither executed nor answered"),
    _unanswered("502", "502 with an HTML page of a proxy"),
    _unanswered("503", "503 with an HTML page of a proxy"),
    _unanswered("504", "504 with an HTML page of a proxy"),
    _unanswered("html-200", "200 with an HTML page instead of the answer"),
    _unanswered("redirect", "307 to the same path under /elsewhere"),
    # Requests, by the venue.
    FaultKind(
        "late-booking", _HTTP, _VENUE, "an order is refused, or not found, and booked later all the same",
        value="seconds until it is booked", default="2",
    ),
    FaultKind(
        "stale-orders", _HTTP, _VENUE, "queries do not know yet the orders that are younger",
        value="seconds", default="2",
    ),
    FaultKind("rate-limit", _HTTP, _VENUE, "refused for too many requests", value="seconds to wait", default="1"),
    FaultKind("auth-refused", _HTTP, _VENUE, "the signature is not accepted"),
    FaultKind(
        "skewed-clock", _BOTH, _VENUE, "the venue's clock is off", value="seconds, may be negative", default="30"
    ),
    # Both, by the gate.
    FaultKind(
        "refuse", _BOTH, _GATE, "nobody listens: open connections are reset and new ones refused",
        value=_UNTIL, default="0", has_filter=False,
    ),
    FaultKind(
        "connect-timeout", _BOTH, _GATE, "connecting is never answered; open connections live on",
        value=_UNTIL, default="0", has_filter=False,
    ),
    FaultKind(
        "black-hole", _BOTH, _GATE, "nothing goes through in either direction while the connection stays open",
        value="dead: it never lives again; stall: what was held goes on once healed",
        default="dead", words=("dead", "stall"),
    ),
    FaultKind("drip", _BOTH, _GATE, "what is sent comes byte by byte", value="bytes per second", default="2"),
    FaultKind("delay", _BOTH, _FRAMES, "answers and pushes come later, in order", value="seconds", default="0.5"),
    # Both, by the venue.
    FaultKind("ban", _BOTH, _VENUE, "calls and logins are refused until it ends", value="seconds", default="5"),
    FaultKind("maintenance", _BOTH, _VENUE, "the venue says that it is under maintenance"),
    # Streams, by the gate.
    FaultKind("half-open", _STREAM, _GATE, "the venue has forgotten the connection, and nobody tells the client"),
    FaultKind("reset", _STREAM, _GATE, "open streams are reset, later ones as soon as the handshake is through"),
    FaultKind("reconnect-loop", _STREAM, _GATE, "streams are closed without a word right after the handshake"),
    # Streams, frame by frame. What is not said otherwise is done to pushes only, never to answers.
    FaultKind("duplicate", _STREAM, _FRAMES, "a push comes twice", share=0.5),
    FaultKind("reorder", _STREAM, _FRAMES, "a push comes after the one that follows it", share=0.5),
    FaultKind("drop", _STREAM, _FRAMES, "a push never comes", share=0.1),
    FaultKind(
        "huge-frame", _STREAM, _FRAMES, "a push is padded with blanks", value="bytes", default="9000000", share=0.1
    ),
    FaultKind("binary", _STREAM, _FRAMES, "a push comes as a binary frame", share=0.1),
    FaultKind("bad-utf8", _STREAM, _FRAMES, "a push comes as text that is not UTF-8", share=0.1),
    FaultKind(
        "deep-json", _STREAM, _FRAMES, "a push is replaced by nested arrays",
        value="how deep", default="100000", share=0.1,
    ),
    FaultKind(
        "close-codes", _STREAM, _FRAMES, "the stream is closed instead of a push; 1006 is without a close frame",
        value="the code; empty takes one after the other",
        words=("1001", "1006", "1008", "1011", "1012", "1013"),
    ),
    # Streams, by the venue.
    FaultKind("gap", _STREAM, _VENUE, "a change of the book is left out, and the next ones come", share=0.1),
    FaultKind("wrong-checksum", _STREAM, _VENUE, "the checksum of a book does not fit", share=0.1),
    FaultKind("zero-checksum", _STREAM, _VENUE, "every checksum of a book is 0"),
    FaultKind("crossed", _STREAM, _VENUE, "a book whose best bid is above its best ask", share=0.1),
    FaultKind("empty-snapshot", _STREAM, _VENUE, "a full book comes with no levels"),
    FaultKind("stale-snapshot", _STREAM, _VENUE, "a full book comes as it was before"),
    FaultKind("nan", _STREAM, _VENUE, "a number is NaN, or no number at all", share=0.1),
    FaultKind("order-array", _STREAM, _VENUE, "an order is pushed in an array, as one venue's document has it"),
    FaultKind("login-refused", _STREAM, _VENUE, "the login of a stream is refused"),
    FaultKind("subscribe-refused", _STREAM, _VENUE, "a subscription is refused"),
    FaultKind("heartbeats-only", _STREAM, _VENUE, "heartbeats are answered and nothing else is sent"),
)  # fmt: skip

KINDS = {kind.name: kind for kind in _LIST}
