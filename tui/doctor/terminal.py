"""What a desk would be drawn on: the terminal, and what is between it and the person."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import NamedTuple

from tui.config import DetachPolicy
from tui.doctor.ancestry import Link, Logout, TmuxState
from tui.doctor.findings import Finding, Topic, fault, note, ok, warning
from tui.doctor.latency import Latency
from tui.terminal.environment import terminal_problem

_FULL, _LEAST = (80, 24), (40, 10)  # columns, rows
_SLOW_ESCAPE = 50  # milliseconds
_SLOW = 0.150  # seconds
_TRUE_COLOUR = frozenset({"truecolor", "24bit"})
_POLICIES = {
    "leave": "your orders stay, and nobody watches them",
    "cancel_session": "the session's orders are cancelled",
    "cancel_all": "all your orders are cancelled",
}
_IN_TMUX = "tmux new -A -s desk   and start pitside in there; the same command comes back to it"


class Screen(NamedTuple):
    """The terminal as the process has it; `size` is columns and rows, None where it is not told."""

    is_terminal: bool
    size: tuple[int, int] | None = None


def check_screen(environ: Mapping[str, str], screen: Screen) -> list[Finding]:
    """Says whether a desk can be drawn, in how many colours, and what its size leaves out."""
    term = environ.get("TERM", "")
    if not screen.is_terminal:
        words = "standard input or output is no terminal here, so that none was looked at"
        return [note(Topic.TERMINAL, words, "run it in the terminal that the desk is for; over ssh by  ssh -t")]
    if problem := terminal_problem(term, is_tty=True):
        words, _, remedy = problem.rstrip(".").partition(". ")
        return [fault(Topic.TERMINAL, words, f"{remedy[:1].lower()}{remedy[1:]}")]
    return [_check_size(screen.size), *_check_colours(environ, term)]


def _check_size(size: tuple[int, int] | None) -> Finding:
    if size is None or not all(size):
        words = "the terminal does not tell its size: the desk can not know where to draw"
        return warning(Topic.TERMINAL, words, "stty rows 24 columns 80   with the numbers of your window")
    columns, rows = size
    at = f"{columns}x{rows}"
    if columns < _LEAST[0] or rows < _LEAST[1]:
        words = f"{at} is too small: below {_LEAST[0]}x{_LEAST[1]} the desk shows that and sends no orders"
        return warning(Topic.TERMINAL, words, "make the window larger, or its font smaller")
    if columns < _FULL[0] or rows < _FULL[1]:
        words = f"{at} is below {_FULL[0]}x{_FULL[1]}: some panes are left out"
        return note(Topic.TERMINAL, words, "make the window larger, or its font smaller")
    return ok(Topic.TERMINAL, f"{at} is large enough")


def _check_colours(environ: Mapping[str, str], term: str) -> list[Finding]:
    if "NO_COLOR" in environ:
        return [note(Topic.TERMINAL, "NO_COLOR is set: the desk is drawn in greys", "unset NO_COLOR")]
    if environ.get("COLORTERM", "").strip().lower() in _TRUE_COLOUR:
        return [ok(Topic.TERMINAL, f"true colour (TERM={term}, COLORTERM={environ['COLORTERM']})")]
    ending = term.rpartition("-")[2].lower()
    if ending == "256color" or ending == "kitty":
        return [ok(Topic.TERMINAL, f"256 colours (TERM={term}); with COLORTERM=truecolor all of them")]
    words = f"16 colours only (TERM={term}): shades are lost, nothing else"
    if environ.get("TMUX"):
        remedy = "in ~/.tmux.conf:  set -g default-terminal tmux-256color"
    else:
        remedy = "export TERM=xterm-256color   where the terminal can do that, as nearly all can"
    return [note(Topic.TERMINAL, words, remedy)]


def check_link(
    link: Link, policy: DetachPolicy, *, tmux: TmuxState | None = None, has_tmux: bool | None = None
) -> list[Finding]:
    """Says what becomes of a desk when the link to it drops. `has_tmux` is whether tmux is installed."""
    then = f"by its detach policy ({policy}): {_POLICIES[policy]}"
    if link.multiplexer:
        name = f"tmux {tmux.version}" if tmux is not None and link.multiplexer == "tmux" else link.multiplexer
        found = [ok(Topic.TERMINAL, f"in {name}: a dropped link leaves the desk running")]
        return found + (_check_tmux(tmux) if tmux is not None else [])
    if link.is_mosh:
        return [ok(Topic.TERMINAL, "over mosh: a dropped link leaves the desk running while mosh-server runs")]
    if link.is_ssh:
        is_there = shutil.which("tmux") is not None if has_tmux is None else has_tmux
        remedy = _IN_TMUX if is_there else f"install tmux (as in  sudo apt install tmux), then:  {_IN_TMUX}"
        words = f"over SSH and not in tmux: a dropped link ends the desk, {then}"
        return [warning(Topic.TERMINAL, words, remedy)]
    return [ok(Topic.TERMINAL, f"a local terminal: closing it ends the desk, {then}")]


def _check_tmux(tmux: TmuxState) -> list[Finding]:
    found = []
    if tmux.escape_time is not None and tmux.escape_time > _SLOW_ESCAPE:
        words = f"tmux holds every Esc back for {tmux.escape_time} ms, to see whether more follows"
        found.append(warning(Topic.TERMINAL, words, "tmux set -s escape-time 20   and the same in ~/.tmux.conf"))
    if tmux.is_utf8 is False:
        words = "tmux draws ASCII only for this client: lines, blocks and arrows become _"
        found.append(warning(Topic.TERMINAL, words, "attach it again by  tmux -u attach   or with LANG=C.UTF-8"))
    return found


def check_term_in_tmux(environ: Mapping[str, str], tmux: TmuxState | None) -> list[Finding]:
    """Finds a TERM that something has set in tmux's place."""
    term = environ.get("TERM", "")
    if tmux is None or not tmux.default_terminal or term in {tmux.default_terminal, "", "dumb", "unknown"}:
        return []
    words = (
        f"TERM={term} in a tmux that calls itself {tmux.default_terminal}: keys and colours may be taken wrongly"
    )
    remedy = "take the line that sets TERM out of your shell's start file, or let it be with tmux's"
    return [note(Topic.TERMINAL, words, remedy)]


def check_logout(link: Link, logout: Logout | None) -> list[Finding]:
    """Says whether systemd would end a desk that was left in a multiplexer."""
    if logout is None or not (link.multiplexer or link.is_ssh):
        return []
    remedy = (
        "sudo loginctl enable-linger $USER   and start tmux by  systemd-run --user --scope tmux new -A -s desk"
    )
    lingers = "yes" if logout.lingers else "no"
    if logout.kills is None:
        words = f"systemd did not tell whether a logout ends what is left running (linger: {lingers})"
        return [note(Topic.TERMINAL, words, remedy)]
    if not logout.kills:
        words = f"systemd leaves programs running after a logout (KillUserProcesses=no, linger: {lingers})"
        return [ok(Topic.TERMINAL, words)]
    if logout.is_in_user_manager and logout.lingers:
        return [
            ok(Topic.TERMINAL, "systemd ends a login's programs with it, but not this one: it runs on its own")
        ]
    words = "systemd ends everything that you left running when you log out, tmux too (KillUserProcesses=yes, "
    return [warning(Topic.TERMINAL, f"{words}linger: {lingers})", remedy)]


def check_latency(latency: Latency | None, link: Link) -> list[Finding]:
    """Judges how long the terminal took to answer."""
    if latency is None:
        return [
            note(Topic.TERMINAL, "its latency was not measured: this runs in the background, or it is no terminal")
        ]
    behind = link.multiplexer or ("mosh" if link.is_mosh else "")
    if not latency.answers:
        return [note(Topic.TERMINAL, "the terminal gave no answer in 1 s, so that its latency is not known")]
    milliseconds = f"{latency.median * 1000:,.0f} ms" if latency.median >= 0.001 else "less than 1 ms"
    times = f"median of {latency.answers}"
    if behind:
        words = f"{behind} itself answers in {milliseconds} ({times}); the link behind it can not be measured here"
        return [ok(Topic.TERMINAL, words)]
    words = f"the terminal answers in {milliseconds} ({times}); every key is seen so much later"
    if latency.median > _SLOW:
        remedy = "a host nearer to you, or a better line; mosh shows typing earlier, not the desk"
        return [warning(Topic.TERMINAL, words, remedy)]
    return [ok(Topic.TERMINAL, words)]
