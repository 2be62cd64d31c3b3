"""Bytes that terminals send, and what becomes of them by mutation. As a program it feeds them to the parser.

    python -m tests.e2e.terminal_bytes SEED COUNT

prints how many messages came of COUNT inputs. It runs as a child: what Textual reads from the environment must
be set before it is imported, and a test runner's plugins import it first.
"""

from __future__ import annotations

import codecs
import random
import sys

SEEDS = [
    # Keys.
    b"a", b"\r", b"\x7f", b"\x1b", b"\x00", b"\x1ba", b"\x1b[A", b"\x1bOP", b"\x1b[15~", b"\x1b[1;5C", b"\x1b[Z",
    b"\x1b[3;2~", b"\x1b[24;8~", b"\x1b[200~pasted text\x1b[201~", b"\x1b[200~no end", b"\x1b[201~",
    # The kitty protocol, modifyOtherKeys.
    b"\x1b[97u", b"\x1b[97:65;2;65u", b"\x1b[97;5:3u", b"\x1b[27;5;13~", b"\x1b[57344;1;99999999u", b"\x1b[?1u",
    # Mouse: X10, urxvt, SGR, pixels; focus.
    b"\x1b[M !!", b"\x1b[32;10;20M", b"\x1b[<0;10;20M", b"\x1b[<35;99999;99999m", b"\x1b[<64;1;1M",
    b"\x1b[<0;-1;0M", b"\x1b[I", b"\x1b[O",
    # Reports: cursor, mode, device, in-band size, colours, clipboard, DCS, APC.
    b"\x1b[12;40R", b"\x1b[?2026;2$y", b"\x1b[?2048;1$y", b"\x1b[?64;1;2c", b"\x1b[0n",
    b"\x1b[48;40;120;800;1200t", b"\x1b[48;0;0;0;0t", b"\x1b[8;40;120t", b"\x1b]52;c;YWJj\x07",
    b"\x1b]11;rgb:0000/0000/0000\x1b\\", b"\x1bP>|xterm(380)\x1b\\", b"\x1b_Gi=1;OK\x1b\\", b"\x1bP1$r0m\x1b\\",
    # Text in all its shapes.
    "漢字 e\u0301 👍 ａ".encode(), b"\xff\xfe\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc2\x9b1;2A",
]  # fmt: skip
NUMBERS = [
    b"0", b"1", b"-1", b"27", b"255", b"65536", b"99999999", b"4294967296", b"1114112", b"9" * 25, b"",
    "٣".encode(),
]  # fmt: skip
PARTS = [
    b"\x1b", b"\x1b[", b"\x1bO", b"\x1b]", b"\x1bP", b"[", b"<", b"?", b";", b":", b"$", b"~", b"u", b"M", b"m",
    b"t", b"R", b"y", b"\x07", b"\x1b\\", b"\x9b", b"\x18", b"\x1a",
]  # fmt: skip
# A paste that was begun and not ended swallows all that follows; after so many inputs the parser is a new one.
_PARSER_INPUTS = 100


def mutated(choose: random.Random) -> bytes:
    """Returns a few sequences after one another, some with numbers, parts or bytes replaced, cut or doubled."""
    data = b"".join(choose.choice(SEEDS) for _ in range(choose.randint(1, 3)))
    for _ in range(choose.randint(0, 4)):
        at = choose.randrange(len(data) + 1)
        until = min(len(data), at + choose.randint(0, 4))
        kind = choose.randrange(5)
        if kind == 0:
            data = data[:at] + choose.choice(NUMBERS) + data[until:]
        elif kind == 1:
            data = data[:at] + choose.choice(PARTS) + data[until:]
        elif kind == 2:
            data = data[:at] + choose.randbytes(choose.randint(1, 3)) + data[until:]
        elif kind == 3:
            data = data[:at] + data[until:]
        else:
            data = data[:until] + data[at:]
    return data


def main(seed: int, count: int) -> int:
    """Feeds `count` inputs to the desk's parser and returns how many messages came of them."""
    from textual import constants
    from textual.message import Message

    from tui.terminal.driver import DeskParser

    assert constants.DISABLE_KITTY_KEY
    choose = random.Random(seed)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    messages = 0
    for number in range(count):
        if number % _PARSER_INPUTS == 0:
            parser = DeskParser()
        data = mutated(choose)
        # In pieces, as a slow line delivers it.
        cut = choose.randrange(len(data) + 1)
        for piece in (data[:cut], data[cut:]):
            text = decoder.decode(piece)
            for message in parser.feed(text) if text else ():
                assert isinstance(message, Message)
                messages += 1
    return messages


if __name__ == "__main__":
    sys.stdout.write(str(main(int(sys.argv[1]), int(sys.argv[2]))))
