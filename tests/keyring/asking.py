"""What a person asks of the vault, each time in a process of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from tests.keyring.people import Person

Wish: TypeAlias = Mapping[str, Any]
LONGEST = 5.0  # seconds that any answer may take, a prompt that hangs included
# What the interpreter's own start may take besides, with all others of the tests on two cores.
_START = 15.0


class Kept(msgspec.Struct, frozen=True):
    """A key as it was read back; `created_at` in nanoseconds UTC."""

    key: str
    secret: str
    passphrase: str
    trade: bool | None
    withdraw: bool | None
    created_at: int


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What `driver` prints; what a question has no answer for is left out there.

    `seconds` of the call alone, and those of a `processor` that it used.
    """

    seconds: float
    processor: float
    fault: bool = False
    code: str = ""
    words: str = ""
    remedy: str = ""
    needs_password: bool = False
    creates: bool = False
    names: list[str] = []
    removed: bool = False
    keys: dict[str, Kept] = {}  # by account


def ask(person: Person, extra: Mapping[str, str] | None, *wishes: Wish) -> list[Answer]:
    """Asks the vault, one thing after another, in a new process; it may say nothing besides, and all in time."""
    done = person.run([person.python, str(_driver(person))], extra, given=encode(wishes), timeout=_longest(wishes))
    assert (done.code, done.err) == (0, b""), done.err.decode()
    return _understood(done.out, wishes)


def ask_together(person: Person, extra: Mapping[str, str] | None, *wishes: Wish) -> list[Answer]:
    """Asks the vault by as many processes at once."""
    with ThreadPoolExecutor(len(wishes)) as askers:
        return [answers[0] for answers in askers.map(lambda wish: ask(person, extra, wish), wishes)]


@contextmanager
def asking(person: Person, extra: Mapping[str, str] | None, *wishes: Wish) -> Iterator[subprocess.Popen[bytes]]:
    """Has a process begin to ask the vault; it is killed in the end."""
    with person.start([person.python, str(_driver(person))], extra) as process:
        assert process.stdin is not None
        process.stdin.write(encode(wishes))
        process.stdin.close()
        try:
            yield process
        finally:
            process.kill()


def ask_at_terminal(person: Person, extra: Mapping[str, str] | None, wish: Wish) -> tuple[Answer, bytes]:
    """Asks the vault from a program that has a terminal; returns what was written to that as well.

    The program's standard error is the terminal, and so is /dev/tty for it and all that it starts.
    """
    request = person.write_file(person.base / "asked" / "request", encode([wish]))
    answer = person.write_file(person.base / "asked" / "answer", "")
    files = [str(path) for path in (_driver(person), request, answer)]
    with person.terminal(["sh", "-c", '"$0" "$1" <"$2" >"$3"', person.python, *files], extra) as terminal:
        end = terminal.wait_exit(_longest([wish]))
        written = terminal.bytes_written()
    assert end.code == 0, written.decode()
    said = answer.read_bytes()
    request.unlink()
    answer.unlink()
    return _understood(said, [wish])[0], written


def encode(wishes: Sequence[Wish]) -> bytes:
    return msgspec.json.encode(wishes)


def _longest(wishes: Sequence[Wish]) -> float:
    return 3 * LONGEST * len(wishes) + _START


def _understood(said: bytes, wishes: Sequence[Wish]) -> list[Answer]:
    answers = msgspec.json.decode(said, type=list[Answer])
    for answer, wish in zip(answers, wishes, strict=True):
        # Deriving the file's key is work, of 1 s of a processor; how long that takes is up to who else works here.
        took = answer.processor if wish.get("store") == "file" else answer.seconds
        assert took < LONGEST, answer
    return answers


def _driver(person: Person) -> Path:
    path = person.base / "driver.py"
    if not path.exists():
        person.write_file(path, Path(__file__).with_name("driver.py").read_bytes())
    return path
