"""The terminal and what stands before it, judged; tmux is a real one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.doctor.ancestry import Link, Logout, TmuxState, ancestors, find_link, read_logout, read_tmux
from tui.doctor.findings import Finding, Severity, worst_of
from tui.doctor.latency import Latency
from tui.doctor.terminal import (
    Screen,
    check_latency,
    check_link,
    check_logout,
    check_screen,
    check_term_in_tmux,
)

GOOD = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}


def screen(columns: int, rows: int) -> Screen:
    return Screen(is_terminal=True, size=(columns, rows))


@pytest.mark.parametrize(
    ("size", "severity"),
    [
        ((80, 24), Severity.OK),
        ((200, 60), Severity.OK),
        ((79, 24), Severity.NOTE),
        ((80, 23), Severity.NOTE),
        ((40, 10), Severity.NOTE),
        ((39, 10), Severity.WARNING),
        ((40, 9), Severity.WARNING),
        ((0, 0), Severity.WARNING),
        (None, Severity.WARNING),
    ],
)
def test_the_size_is_judged_by_what_it_leaves_out(size: tuple[int, int] | None, severity: Severity) -> None:
    found = check_screen(GOOD, Screen(is_terminal=True, size=size))
    assert worst_of(found) is severity


@pytest.mark.parametrize(
    ("environ", "severity", "words"),
    [
        (GOOD, Severity.OK, "true colour"),
        ({"TERM": "xterm-256color"}, Severity.OK, "256 colours"),
        ({"TERM": "xterm-kitty"}, Severity.OK, "256 colours"),
        ({"TERM": "xterm"}, Severity.NOTE, "16 colours"),
        ({"TERM": "screen", "TMUX": "/x,1,0"}, Severity.NOTE, "16 colours"),
        ({**GOOD, "NO_COLOR": ""}, Severity.NOTE, "NO_COLOR"),
        ({"TERM": "dumb"}, Severity.FAULT, "TERM=dumb"),
        ({}, Severity.FAULT, "not set"),
        ({"TERM": "unknown"}, Severity.FAULT, "cannot place a cursor"),
    ],
)
def test_colours_and_terminals_that_can_not_be_drawn_on(
    environ: dict[str, str], severity: Severity, words: str
) -> None:
    found = check_screen(environ, screen(120, 40))
    assert worst_of(found) is severity
    assert any(words in each.words for each in found)
    assert all(each.remedy for each in found if each.severity is not Severity.OK)


def test_without_a_terminal_nothing_is_judged() -> None:
    (found,) = check_screen({}, Screen(is_terminal=False))
    assert found.severity is Severity.NOTE
    assert "ssh -t" in found.remedy


@pytest.mark.parametrize(
    ("environ", "names", "link"),
    [
        ({}, ["bash", "gnome-terminal-"], Link()),
        ({"SSH_CONNECTION": "a"}, ["bash"], Link(is_ssh=True)),
        ({}, ["sudo", "bash", "sshd-session"], Link(is_ssh=True)),
        ({"SSH_TTY": "/dev/pts/1", "TMUX": "/x,1,0"}, ["bash"], Link(is_ssh=True, multiplexer="tmux")),
        ({}, ["su", "bash", "tmux: server"], Link(multiplexer="tmux")),
        ({"STY": "1.pts"}, [], Link(multiplexer="screen")),
        ({"ZELLIJ": "0"}, [], Link(multiplexer="zellij")),
        ({"SSH_CLIENT": "a"}, ["bash", "mosh-server"], Link(is_ssh=True, is_mosh=True)),
    ],
)
def test_what_stands_between_is_found_by_environment_and_ancestors(
    environ: dict[str, str], names: list[str], link: Link
) -> None:
    assert find_link(environ, names) == link


def test_the_ancestors_are_the_real_ones(tmp_path: Path) -> None:
    mine = Path(f"/proc/{os.getppid()}/comm")
    assert ancestors()[0] == mine.read_text().rstrip("\n")
    assert ancestors(proc=tmp_path) == [], "no /proc"
    for pid, parent, name in ((9, 5, "odd) (name"), (5, 3, "tmux: server"), (3, 0, "init")):
        (tmp_path / f"{pid}").mkdir()
        (tmp_path / f"{pid}" / "stat").write_text(f"{pid} ({name}) S {parent} 1 1")
    assert ancestors(9, tmp_path) == ["tmux: server", "init"]


@pytest.mark.parametrize(
    ("link", "severity", "words"),
    [
        (Link(), Severity.OK, "your orders stay"),
        (Link(is_ssh=True), Severity.WARNING, "your orders stay"),
        (Link(is_ssh=True, multiplexer="tmux"), Severity.OK, "leaves the desk running"),
        (Link(is_ssh=True, is_mosh=True), Severity.OK, "mosh"),
        (Link(multiplexer="screen"), Severity.OK, "in screen"),
    ],
)
def test_a_dropped_link_is_told_by_what_it_does_to_the_desk(link: Link, severity: Severity, words: str) -> None:
    found = check_link(link, "leave", has_tmux=True)
    assert worst_of(found) is severity
    assert words in found[0].words


def test_over_ssh_the_remedy_is_tmux_and_how_to_have_it() -> None:
    link = Link(is_ssh=True)
    (with_it,) = check_link(link, "cancel_all", has_tmux=True)
    assert "all your orders are cancelled" in with_it.words
    assert with_it.remedy.startswith("tmux new -A -s desk")
    (without,) = check_link(link, "cancel_all", has_tmux=False)
    assert "apt install tmux" in without.remedy


@pytest.mark.parametrize(
    ("tmux", "severity"),
    [
        (TmuxState("3.3a", escape_time=500, is_utf8=True), Severity.WARNING),
        (TmuxState("3.5", escape_time=10, is_utf8=True), Severity.OK),
        (TmuxState("3.5", escape_time=50), Severity.OK),
        (TmuxState("3.5", escape_time=10, is_utf8=False), Severity.WARNING),
        (None, Severity.OK),
    ],
)
def test_a_tmux_that_holds_esc_back_or_draws_ascii_is_a_warning(
    tmux: TmuxState | None, severity: Severity
) -> None:
    assert worst_of(check_link(Link(multiplexer="tmux"), "leave", tmux=tmux)) is severity


def test_a_term_that_is_not_tmuxs_own_is_a_note() -> None:
    tmux = TmuxState("3.3a", default_terminal="tmux-256color")
    assert check_term_in_tmux({"TERM": "tmux-256color"}, tmux) == []
    assert check_term_in_tmux({"TERM": "xterm"}, None) == []
    (found,) = check_term_in_tmux({"TERM": "xterm-256color"}, tmux)
    assert found.severity is Severity.NOTE


@pytest.mark.parametrize(
    ("logout", "severity"),
    [
        (Logout(kills=False, lingers=False), Severity.OK),
        (Logout(kills=True, lingers=False), Severity.WARNING),
        (Logout(kills=True, lingers=True), Severity.WARNING),
        (Logout(kills=True, lingers=False, is_in_user_manager=True), Severity.WARNING),
        (Logout(kills=True, lingers=True, is_in_user_manager=True), Severity.OK),
        (Logout(kills=None, lingers=True), Severity.NOTE),
    ],
)
def test_a_logout_that_ends_tmux_is_a_warning(logout: Logout, severity: Severity) -> None:
    found = check_logout(Link(is_ssh=True, multiplexer="tmux"), logout)
    assert [each.severity for each in found] == [severity]
    assert check_logout(Link(), logout) == [], "a local desk ends with its window anyway"
    assert check_logout(Link(is_ssh=True), None) == []


def test_systemd_is_asked_only_where_it_runs_and_linger_is_a_file(tmp_path: Path) -> None:
    assert read_logout("me", systemd=tmp_path / "none") is None
    (tmp_path / "me").touch()
    proc = tmp_path / "proc" / "self"
    proc.mkdir(parents=True)
    (proc / "cgroup").write_text("0::/user.slice/user-1.slice/user@1.service/app.slice/run-1.scope\n")
    told = read_logout("me", systemd=tmp_path, linger=tmp_path, proc=tmp_path / "proc")
    assert told is not None
    assert (told.lingers, told.is_in_user_manager) == (True, True)
    other = read_logout("other", systemd=tmp_path, linger=tmp_path, proc=tmp_path)
    assert other is not None
    assert (other.lingers, other.is_in_user_manager) == (False, False)


def latencies(link: Link, latency: Latency | None) -> tuple[Severity, str]:
    (found,) = check_latency(latency, link)
    return found.severity, found.words


def test_the_latency_is_judged_and_never_taken_for_that_of_another_link() -> None:
    assert latencies(Link(), Latency(5, 0.02))[0] is Severity.OK
    assert latencies(Link(), Latency(4, 0.2)) == (
        Severity.WARNING,
        "the terminal answers in 200 ms (median of 4); every key is seen so much later",
    )
    assert latencies(Link(), Latency(0, 0.0))[0] is Severity.NOTE
    assert latencies(Link(), None)[0] is Severity.NOTE
    severity, words = latencies(Link(is_ssh=True, multiplexer="tmux"), Latency(5, 0.0004))
    assert severity is Severity.OK
    assert "tmux itself answers in less than 1 ms" in words
    assert "can not be measured" in words


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A tmux server of its own, and the environment of a program in it."""
    program = shutil.which("tmux")
    if program is None:
        pytest.skip("there is no tmux here")
    socket = str(tmp_path / "s")
    start = [program, "-S", socket, "-f", os.devnull, "new-session", "-d", "-x", "80", "-y", "24", "cat"]
    subprocess.run(start, check=True, env={**os.environ, "TERM": "xterm-256color"})
    pane = subprocess.run(
        [program, "-S", socket, "list-panes", "-a", "-F", "#{pane_id} #{pid}"],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    yield {"TMUX": f"{socket},{pane[1]},0", "TMUX_PANE": pane[0], "PATH": os.environ["PATH"]}
    subprocess.run([program, "-S", socket, "kill-server"], check=False)


def test_a_real_tmux_is_asked(tmux: dict[str, str]) -> None:
    program = shutil.which("tmux") or ""
    told = read_tmux(tmux)
    assert told is not None
    assert told.version[0].isdecimal()
    assert told.escape_time is not None
    assert told.default_terminal
    assert told.is_utf8 is None, "nobody is attached"
    socket = tmux["TMUX"].split(",")[0]
    subprocess.run([program, "-S", socket, "set-option", "-s", "escape-time", "7"], check=True)
    again = read_tmux(tmux)
    assert again is not None
    assert again.escape_time == 7


def test_a_tmux_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    assert read_tmux({}) is None
    assert read_tmux({"TMUX": f"{tmp_path}/gone,1,0", "PATH": os.environ["PATH"]}) is None


def test_every_finding_can_be_read_on_one_line() -> None:
    found: list[Finding] = [
        *check_link(Link(is_ssh=True), "cancel_session", has_tmux=False),
        *check_logout(Link(is_ssh=True), Logout(kills=True, lingers=False)),
        *check_screen({"TERM": "dumb"}, screen(80, 24)),
    ]
    assert all("\n" not in each.words + each.remedy for each in found)
