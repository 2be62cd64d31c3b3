"""Secrets are asked for without echo, on a real terminal, and whatever ends that leaves it as it was."""

from __future__ import annotations

import io
import signal
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.pty_session import PtySession
from tui.asking import LONGEST, Lines, NoTerminal, Refused, Terminal, credentials_of_line, has_terminal, part_of
from tui.desk.key_control import KeyField
from tui.desk.key_service import key_fields

CANARY = "CANARY0OF0ASKING"
PASTED = f"\x1b[200~ {CANARY}\n\x1b[201~"

# Asks as the commands do; says how long each answer was, and which lines follow for the shell.
PROGRAM = """
import sys
from tui.asking import Refused, Terminal, credentials_from
from tui.cli import cli
from tui.desk.key_service import key_fields

@cli.command()
def asked():
    with Terminal() as terminal:
        print("READY", flush=True)
        found = credentials_from(terminal, key_fields("coinex"))
    print(f"{found.key.reveal() == sys.argv[1]} {len(found.secret.reveal())} {found!r}", flush=True)

from tui.cli import run
sys.exit(run(["asked"]))
"""


def asking(home: Path, *arguments: str) -> PtySession:
    return PtySession([sys.executable, "-c", PROGRAM, *arguments], home=home, columns=80, rows=10)


def is_echoing(session: PtySession) -> bool:
    return bool(termios.tcgetattr(session._slave)[3] & termios.ECHO)


@pytest.mark.pty
def test_nothing_that_is_typed_or_pasted_is_echoed(tmp_path: Path) -> None:
    with asking(tmp_path, CANARY) as session:
        session.wait_for("API key (not shown):")
        assert not is_echoing(session)
        session.send_bytes(b"\r")  # a paste may begin with an empty line
        session.wait_for("the API key is needed")
        session.send_bytes(PASTED.replace("\n", "").encode() + b"\r")
        session.wait_for("secret (not shown):")
        session.type("another secreX")
        session.send("backspace")
        session.type("t")
        session.send_bytes(b"\x15")  # Ctrl+U takes it all back
        session.type(CANARY * 2)
        session.send("enter")
        session.wait_for(f"True {len(CANARY) * 2} Credentials(***)")
        assert session.wait_exit().code == 0
        assert CANARY.encode() not in session.bytes_written() and b"another" not in session.bytes_written()
        assert session.modes().is_restored and is_echoing(session)


@pytest.mark.pty
@pytest.mark.parametrize(
    ("end", "code"), [("\x03", 1), ("\x04\x04", 1), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_whatever_ends_it_the_terminal_is_restored(end: str | signal.Signals, code: int, tmp_path: Path) -> None:
    with asking(tmp_path) as session:
        session.wait_for("API key (not shown):")
        session.type(CANARY)
        if isinstance(end, str):
            session.type(end)  # after some text the first Ctrl+D only hands the line over
        else:
            session.signal(end)
        assert session.wait_exit().code == code
        assert session.modes().is_restored and is_echoing(session)
        assert CANARY.encode() not in session.bytes_written() and b"Traceback" not in session.bytes_written()


@pytest.mark.pty
def test_the_rest_of_a_paste_never_reaches_the_shell(tmp_path: Path) -> None:
    with asking(tmp_path) as session:
        session.wait_for("API key (not shown):")
        session.send_bytes(f"KEY\x1a\x1c!\nsecret\n{CANARY}\n".encode())  # Ctrl+Z and Ctrl+\ are no way out
        session.wait_for("holds control characters")
        assert session.wait_exit().code == 1
        assert session.unread_bytes() == 0
        assert session.modes().is_restored


def test_without_a_terminal_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("a line"))
    assert not has_terminal("/nowhere/tty")
    with pytest.raises(NoTerminal, match="no terminal to ask on"):
        Terminal("/nowhere/tty")


def test_an_ordinary_file_is_no_terminal_and_none_is_left_open(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(NoTerminal), Terminal(str(tmp_path / "file")):
        pass
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (PASTED, CANARY),
        (f"  {CANARY}\t\r\n", CANARY),
        (f"\ufeff\u200b {CANARY} \u200b", CANARY),
        (f"\x1b[200~\r\n{CANARY}\r\n\x1b[201~\n", CANARY),
        ("", ""),
        ("\x1b[200~\x1b[201~", ""),
        ("x" * LONGEST, "x" * LONGEST),
    ],
)
def test_what_a_paste_puts_around_a_key_is_taken_away(text: str, kept: str) -> None:
    assert part_of(text, "API key").reveal() == kept


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("QX\x1b[Acd", "control characters"),
        ("QX\x00cd", "control characters"),
        ("QX\ncd", "control characters"),
        ("QX\u200bcd", "invisible"),
        ("QX cd", "white space"),
        ("QX\u00a0cd", "white space"),
        ("x" * (LONGEST + 1), "longer than 1,000"),
    ],
)
def test_what_can_not_be_a_key_is_refused_without_being_shown(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why) as refused:
        part_of(text, "API key")
    assert "QX" not in refused.value.message.replace("QXle", "")


def test_a_password_is_kept_as_it_is_but_for_the_line_end() -> None:
    assert part_of(" open  sesame \n", "password", is_key=False).reveal() == " open  sesame "
    with pytest.raises(Refused):
        part_of("open\x1b[Dsesame", "password", is_key=False)


@given(st.text())
def test_whatever_is_entered_is_one_clean_word_or_refused(text: str) -> None:
    try:
        kept = part_of(text, "API key").reveal()
    except Refused as refused:
        assert refused.message.isprintable()
    else:
        assert len(kept) <= LONGEST and kept.isprintable() and len(kept.split()) == bool(kept)


def lines_of(said: bytes) -> Lines:
    return Lines(io.BytesIO(said))


def test_standard_input_is_read_a_line_at_a_time() -> None:
    lines = lines_of(b"KEY SECRET\r\nopen sesame\n")
    found = credentials_of_line(lines.next("key"), key_fields("coinex"))
    assert (found.key.reveal(), found.secret.reveal()) == ("KEY", "SECRET")
    assert part_of(lines.next("password"), "password", is_key=False).reveal() == "open sesame"
    with pytest.raises(Refused, match="ended before the password"):
        lines.next("password")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"", "ended before the key"),
        (b"KEY\xff SECRET\n", "no UTF-8"),
        (b"x" * 10_000, "too long"),
    ],
)
def test_a_line_that_can_not_be_read_is_refused(said: bytes, why: str) -> None:
    with pytest.raises(Refused, match=why):
        lines_of(said).next("key")


FULL = (
    *key_fields("coinex"),
    KeyField(attribute="passphrase", label="passphrase"),
    KeyField(attribute="sub_account", label="sub-account", is_hidden=False, is_optional=True),
)


@pytest.mark.parametrize(
    ("fields", "line", "words"),
    [
        (key_fields("coinex"), "KEY", "1 word"),
        (key_fields("coinex"), "", "0 words"),
        (key_fields("coinex"), "KEY SECRET MORE", "3 words"),
        (key_fields("max"), "KEY SECRET SUB MORE", "4 words"),
        (FULL, "KEY SECRET", "2 words"),
    ],
)
def test_a_line_with_another_number_of_parts_is_refused(fields: Sequence[KeyField], line: str, words: str) -> None:
    with pytest.raises(Refused, match=f"holds {words}, and should hold: API key, then secret") as refused:
        credentials_of_line(line, fields)
    assert not any(word in refused.value.message for word in ("KEY ", "SECRET", "MORE"))


def test_every_part_of_a_line_has_its_place() -> None:
    full = credentials_of_line("\ufeffKEY  SECRET\tPASS sub-1\n", FULL)
    assert [full.key.reveal(), full.secret.reveal(), full.passphrase.reveal(), full.sub_account] == [
        "KEY", "SECRET", "PASS", "sub-1",
    ]  # fmt: skip
    assert credentials_of_line("KEY SECRET PASS", FULL).sub_account == ""


def test_a_refusal_is_an_error_and_no_wrong_usage() -> None:
    assert (
        issubclass(Refused, click.ClickException) and Refused("x").exit_code == 1 and NoTerminal().exit_code == 1
    )
