"""What stands between the program and the person: ssh, mosh, tmux, screen, and what ends it at a logout."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
_MOST_ANCESTORS = 64
_SECONDS = 1.0  # that tmux or systemd may take to answer
_LINGER = Path("/var/lib/systemd/linger")
_SYSTEMD = Path("/run/systemd/system")


class Link(NamedTuple):
    """How the terminal is reached. `multiplexer` keeps programs when it is not looked at any more."""

    is_ssh: bool = False
    is_mosh: bool = False
    multiplexer: str = ""  # "tmux", "screen", "zellij", or empty


class TmuxState(NamedTuple):
    """What a tmux server says of itself; None where it does not tell."""

    version: str
    escape_time: int | None = None  # milliseconds that it waits after an Esc
    default_terminal: str = ""
    is_utf8: bool | None = None  # whether it draws more than ASCII for who looks at it


class Logout(NamedTuple):
    """What systemd does with programs that are left running at a logout; None where it does not tell."""

    kills: bool | None
    lingers: bool
    is_in_user_manager: bool = False  # started below `systemd --user`, which a logout spares while it lingers


def ancestors(pid: int | None = None, proc: Path = PROC) -> list[str]:
    """Returns the names of the processes above this one, the nearest first; none where there is no /proc."""
    names: list[str] = []
    pid = os.getpid() if pid is None else pid
    while pid > 0 and len(names) < _MOST_ANCESTORS:
        try:
            text = (proc / str(pid) / "stat").read_text(errors="replace")
        except OSError:
            break
        # "12 (a name, with any character) S 11 ..."
        before, _, after = text.rpartition(")")
        names.append(before.partition("(")[2])
        fields = after.split()
        pid = int(fields[1]) if len(fields) > 1 and fields[1].isdecimal() else 0
    return names[1:]


def find_link(environ: Mapping[str, str], names: Sequence[str]) -> Link:
    """Says how the terminal is reached, by the environment and the processes above (which sudo does not hide)."""
    multiplexer = ""
    if environ.get("TMUX") or any(name.startswith("tmux") for name in names):
        multiplexer = "tmux"
    elif environ.get("STY") or any(name.lower() == "screen" for name in names):
        multiplexer = "screen"
    elif environ.get("ZELLIJ") or "zellij" in names:
        multiplexer = "zellij"
    return Link(
        is_ssh=any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT"))
        or any(name.startswith("sshd") for name in names),
        is_mosh="mosh-server" in names,
        multiplexer=multiplexer,
    )


def read_tmux(environ: Mapping[str, str]) -> TmuxState | None:
    """Asks the tmux that we run in; None where there is none, or it is gone."""
    socket, pane = environ.get("TMUX", "").rsplit(",", 2)[0], environ.get("TMUX_PANE", "")
    program = shutil.which("tmux", path=environ.get("PATH"))
    if not socket or program is None:
        return None
    target = ("-t", pane) if pane else ()
    ask = (program, "-S", socket)
    told = _answer(*ask, "display-message", "-p", *target, "#{version} #{client_utf8}")
    if told is None:
        return None
    version, _, utf8 = told.partition(" ")
    escape_time = _answer(*ask, "show-options", "-sv", "escape-time")
    return TmuxState(
        version=version,
        escape_time=int(escape_time) if escape_time is not None and escape_time.isdecimal() else None,
        default_terminal=_answer(*ask, "show-options", "-gv", "default-terminal") or "",
        is_utf8=None if utf8 not in {"0", "1"} else utf8 == "1",
    )


def read_logout(
    user: str, *, systemd: Path = _SYSTEMD, linger: Path = _LINGER, proc: Path = PROC
) -> Logout | None:
    """Asks systemd what becomes of a user's programs at a logout; None where it does not run this machine."""
    if not systemd.is_dir():
        return None
    kills = None
    if (program := shutil.which("busctl")) is not None:
        name, path = "org.freedesktop.login1", "/org/freedesktop/login1"
        told = _answer(
            program, "--system", "get-property", name, path, f"{name}.Manager", "KillUserProcesses"
        )  # fmt: skip
        kills = {"b true": True, "b false": False}.get(told or "")
    try:
        group = (proc / "self" / "cgroup").read_text(errors="replace")
    except OSError:
        group = ""
    return Logout(kills, bool(user) and (linger / user).exists(), "/user@" in group)


def _answer(*command: str, start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen) -> str | None:
    """Returns the first line of what a command says, None where it fails or is slow."""
    quiet = subprocess.DEVNULL
    try:
        # A session of its own: nothing of it can reach our terminal.
        child = start(command, stdin=quiet, stdout=subprocess.PIPE, stderr=quiet, start_new_session=True)
    except OSError:
        return None
    with child:
        try:
            answer, _ = child.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            return None
    return answer.decode(errors="replace").partition("\n")[0].strip() if child.returncode == 0 else None
