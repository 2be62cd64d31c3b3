"""Just enough of HTTP/1.1 to find where a request and its answer begin and end."""

from __future__ import annotations

import re

import msgspec

LARGEST_HEAD = 65536  # bytes; what is longer is left to the server to refuse
_LARGEST_LINE = 1024  # bytes of a chunk's size, or of a trailer
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,8}")


class Head(msgspec.Struct, frozen=True):
    """The start line in its three parts, the headers by their lower-case names, and its size in bytes."""

    start: tuple[str, str, str]
    headers: dict[str, str]
    size: int

    @property
    def method(self) -> str:
        return self.start[0].upper()

    @property
    def path(self) -> str:
        """The path of a request without its query."""
        return self.start[1].partition("?")[0]

    @property
    def status(self) -> int:
        return int(self.start[1])

    @property
    def asks_for_websocket(self) -> bool:
        return self.headers.get("upgrade", "").lower() == "websocket"

    @property
    def is_chunked(self) -> bool:
        return "chunked" in self.headers.get("transfer-encoding", "").lower()

    @property
    def length(self) -> int | None:
        """Content-Length, None where there is none. Raises ValueError for nonsense."""
        text = self.headers.get("content-length")
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise ValueError("a Content-Length that is no number")
        return int(text)


def parse_head(data: bytes | bytearray) -> Head | None:
    """Reads a head at the beginning of `data`; None while it is not whole. Raises ValueError."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        if len(data) > LARGEST_HEAD:
            raise ValueError("a head without an end")
        return None
    start, *lines = data[:end].decode("latin-1").split("\r\n")
    parts = start.split(" ", 2)
    if len(parts) < 2 or not (start.startswith("HTTP/1.") or " HTTP/1." in start):
        raise ValueError("a start line that is not of HTTP/1")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError("a header without a colon")
        headers[name.strip().lower()] = value.strip()
    return Head((parts[0], parts[1], parts[2] if len(parts) > 2 else ""), headers, end + 4)


class Body:
    """Counts through what follows a head, however it is cut into pieces."""

    def __init__(self, length: int | None, *, is_chunked: bool = False) -> None:
        self._left = length or 0
        self._is_chunked = is_chunked
        self._line = bytearray()
        self._is_last = False  # the chunk of size 0 was seen: trailers follow
        self.is_done = not is_chunked and length == 0
        self._is_open = not is_chunked and length is None  # ends with the connection

    def take(self, data: bytes | bytearray) -> int:
        """Returns how many bytes at the beginning of `data` belong to it. Raises ValueError."""
        if self.is_done:
            return 0
        if self._is_open:
            return len(data)
        return self._take_chunks(data) if self._is_chunked else self._take_counted(len(data))

    def end(self) -> None:
        """The connection has ended, and the body with it."""
        self.is_done = True

    def _take_counted(self, size: int) -> int:
        taken = min(size, self._left)
        self._left -= taken
        self.is_done = self._left == 0
        return taken

    def _take_chunks(self, data: bytes | bytearray) -> int:
        at = 0
        while at < len(data) and not self.is_done:
            if self._left:
                taken = min(len(data) - at, self._left)
                self._left -= taken
                at += taken
                continue
            end = data.find(b"\n", at)
            stop = len(data) if end < 0 else end + 1
            self._line += data[at:stop]
            at = stop
            if len(self._line) > _LARGEST_LINE:
                raise ValueError("a chunk without a size")
            if end >= 0:
                self._take_line(bytes(self._line).strip())
                self._line.clear()
        return at

    def _take_line(self, line: bytes) -> None:
        if self._is_last:
            self.is_done = not line
        elif line:
            digits = line.partition(b";")[0].strip()
            if not _SIZE.fullmatch(digits):
                raise ValueError("a chunk whose size is no number")
            size = int(digits, 16)
            self._is_last = size == 0
            self._left = size + 2 if size else 0  # its line end belongs to it


def request_body(head: Head) -> Body:
    """Returns the body that follows the head of a request. Raises ValueError."""
    return Body(head.length or 0, is_chunked=head.is_chunked)


class Answer:
    """What a server says to one request, kept whole where `keeps`, else only counted through."""

    def __init__(self, method: str, *, keeps: bool) -> None:
        self._has_no_body = method == "HEAD"
        self._keeps = keeps
        self._body: Body | None = None
        self._pending = bytearray()
        self.head: Head | None = None
        self.head_bytes = b""
        self.body = bytearray()

    @property
    def is_complete(self) -> bool:
        return self._body is not None and self._body.is_done

    def feed(self, data: bytes) -> None:
        """Takes what the server sent next. Raises ValueError."""
        if self._body is None:
            self._pending += data
            self._read_head()
        else:
            self._read_body(data)

    def end(self) -> None:
        """The server has closed: whatever came is all there is."""
        if self._body is None:
            self._body = Body(0)
        self._body.end()

    def _read_head(self) -> None:
        while self._body is None:
            head = parse_head(self._pending)
            if head is None:
                return
            raw = bytes(self._pending[: head.size])
            del self._pending[: head.size]
            if 100 <= head.status < 200 and head.status != 101:
                continue  # an interim answer; the real one follows
            self.head, self.head_bytes = head, raw
            bodiless = self._has_no_body or head.status in (101, 204, 304)
            self._body = Body(0 if bodiless else head.length, is_chunked=head.is_chunked and not bodiless)
        rest, self._pending = bytes(self._pending), bytearray()
        if rest:
            self._read_body(rest)

    def _read_body(self, data: bytes) -> None:
        if self._body is not None:
            taken = self._body.take(data)
            if self._keeps:
                self.body += data[:taken]
