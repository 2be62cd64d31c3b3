"""A D-Bus session bus and gnome-keyring of our own, for the moment that keys are read or written. Linux only.

It is for logins that have none, over SSH. Both programs are children of this process, and the kernel ends them
with it: an unlocked keyring must not outlive the one who typed its password. The kernel forgets that where the
file has capabilities, as some distributions give them to gnome-keyring, so that a third child sees to it as well.
Only this user can connect.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import NoReturn

BUS_PROGRAM = "dbus-daemon"
KEYRING_PROGRAM = "gnome-keyring-daemon"
_PR_SET_PDEATHSIG = 1
_ENDING = 0.4  # seconds until a program that was told to end is killed
_DESCRIPTORS = 256  # more than the one process that starts a bus has open, which is a dozen
# Nothing can be activated on it, so that no prompter comes up; the abstract address leaves no file behind. The
# policy is that of every session bus: without "eavesdrop" nobody but root receives anything.
_CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:abstract=pitside-{name}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/>
<allow own="*"/></policy></busconfig>
"""
# What the two need of the environment; no display, so that neither could ask on one.
_KEPT = ("HOME", "PATH", "LANG", "LC_ALL", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR")


class PrivateBusError(Exception):
    """The bus or the keyring could not be started."""


class NotPermitted(PrivateBusError):
    """A program may not be run. `program` is its path."""

    def __init__(self, program: str, why: str) -> None:
        super().__init__(f"{program}: {why}")
        self.program = program
        self.why = why


def find_program(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """Returns the path of a program, empty where it is not installed."""
    return shutil.which(name, path=environment.get("PATH", os.defpath)) or ""


def die_with_parent(number: int = signal.SIGKILL) -> None:
    """Has the kernel send this process a signal when its parent dies. Linux only; elsewhere nothing.

    The kernel forgets it when a file with capabilities is executed.
    """
    if hasattr(os, "memfd_create"):  # that is, on Linux
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def _die_with(parent: int, number: int) -> None:
    """Runs between fork and exec. A parent that is dead by now has sent nothing, nor will it."""
    die_with_parent(number)
    if os.getppid() != parent:
        os._exit(1)


@contextmanager
def private_bus(
    scratch: str,
    *,
    until: float,
    is_up: Callable[[str], bool],
    environment: Mapping[str, str] = os.environ,
    start: Callable[..., subprocess.Popen[bytes]] = subprocess.Popen,
    sleep: Callable[[float], object] = time.sleep,
) -> Iterator[str]:
    """Starts a bus with gnome-keyring on it, yields its address, and ends both.

    `scratch` is an empty folder for the keyring's socket; `until` is in seconds of the monotonic clock; `is_up`
    says whether the keyring answers at an address.

    Raises:
        PrivateBusError: a program is missing, may not be run, or did not come up in time.
    """
    kept = {name: environment[name] for name in _KEPT if name in environment}
    programs: list[subprocess.Popen[bytes]] = []
    with _guarded_group():
        try:
            bus, address = _start_bus(start, kept, until)
            programs.append(bus)
            command = (
                _program(KEYRING_PROGRAM, environment),
                "--foreground",
                "--components=secrets",
                f"--control-directory={scratch}",
            )
            kept["DBUS_SESSION_BUS_ADDRESS"] = address
            # SIGTERM, at which it takes its socket away; that its bus is gone ends it too, once it was there.
            keyring = _start(start, command, kept, signal.SIGTERM)
            programs.append(keyring)
            while not is_up(address):
                if keyring.poll() is not None:
                    raise PrivateBusError(f"{KEYRING_PROGRAM} ended with {keyring.returncode}")
                if time.monotonic() > until:
                    raise PrivateBusError(f"{KEYRING_PROGRAM} did not come up in time")
                sleep(0.005)
            yield address
        finally:
            for program in reversed(programs):
                _end(program)


@contextmanager
def _guarded_group() -> Iterator[None]:
    """Has a fork of this process end all of its process group, should it die within the block.

    Where this process does not lead its group, others are in there, and nothing is done.
    """
    if os.getpgrp() != os.getpid():
        yield
        return
    awaited, held = os.pipe()
    guard = os.fork()
    if not guard:
        os.close(held)
        _guard_group(awaited)
    os.close(awaited)
    try:
        yield
    finally:
        with suppress(BrokenPipeError):  # somebody killed it
            os.write(held, b".")
        os.close(held)
        with suppress(ChildProcessError):  # nobody is told of ended children where SIGCHLD was ignored
            os.waitpid(guard, 0)


def _guard_group(awaited: int) -> NoReturn:
    """Waits for a byte, or for the death of whoever has the pipe's other end."""
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.dup2(awaited, 0)
        os.closerange(1, _DESCRIPTORS)  # the parent's output among them, whose reader waits for its end
        if not os.read(0, 1):
            os.killpg(0, signal.SIGTERM)
            time.sleep(_ENDING)
            os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(0)


def _start_bus(
    start: Callable[..., subprocess.Popen[bytes]], environment: Mapping[str, str], until: float
) -> tuple[subprocess.Popen[bytes], str]:
    descriptor = os.memfd_create("pitside-bus")
    try:
        os.write(descriptor, _CONFIGURATION.format(name=secrets.token_hex(16)).encode())
        command = (
            _program(BUS_PROGRAM, environment),
            f"--config-file=/dev/fd/{descriptor}",
            "--nofork",
            "--nopidfile",
            "--print-address=1",
        )
        bus = _start(start, command, environment, signal.SIGKILL, stdout=subprocess.PIPE, pass_fds=(descriptor,))
    finally:
        os.close(descriptor)
    if bus.stdout is None:
        raise PrivateBusError(f"{BUS_PROGRAM} has no output")
    with bus.stdout as output:
        if select.select([output], [], [], max(0.0, until - time.monotonic()))[0]:
            address = output.readline().decode(errors="replace").strip()
            if address:
                return bus, address
    _end(bus)
    raise PrivateBusError(f"{BUS_PROGRAM} did not come up")


def _program(name: str, environment: Mapping[str, str]) -> str:
    if not (path := find_program(name, environment)):
        raise PrivateBusError(f"{name} is not installed")
    return path


def _start(
    start: Callable[..., subprocess.Popen[bytes]],
    command: tuple[str, ...],
    environment: Mapping[str, str],
    death: int,
    *,
    stdout: int = subprocess.DEVNULL,
    pass_fds: tuple[int, ...] = (),
) -> subprocess.Popen[bytes]:
    # The same process group as ours: whoever kills that kills them as well. This process has one thread, so that
    # code may run between fork and exec.
    parent = os.getpid()
    try:
        return start(
            command,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            env=dict(environment),
            pass_fds=pass_fds,
            preexec_fn=lambda: _die_with(parent, death),
        )
    except PermissionError as error:
        raise NotPermitted(command[0], error.strerror or str(error)) from error
    except (OSError, subprocess.SubprocessError) as error:
        raise PrivateBusError(f"{command[0]}: {error}") from error


def _end(program: subprocess.Popen[bytes]) -> None:
    program.terminate()
    try:
        program.wait(_ENDING)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
