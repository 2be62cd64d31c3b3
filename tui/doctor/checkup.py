"""All checks in the order of the report, on this process as it is."""

from __future__ import annotations

import asyncio
import getpass
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple, TextIO

from tui.config import Config
from tui.desk.vault_index import FILE_NAME as INDEX_NAME
from tui.doctor import program, terminal, venues
from tui.doctor.ancestry import ancestors, find_link, read_logout, read_tmux
from tui.doctor.clock import check_kernel_clock, read_kernel_clock
from tui.doctor.files import check_files
from tui.doctor.findings import Finding
from tui.doctor.keyring import Keys, check_index, check_keyring
from tui.doctor.latency import measure_latency
from tui.doctor.records import check_records
from tui.doctor.settings import check_config
from tui.hardening import Hardened
from tui.keyed_settings import vault_of
from tui.paths import Paths


class Visit(NamedTuple):
    """What is looked at: a profile, and what was said on the command line."""

    paths: Paths
    version: str
    venues: tuple[str, ...] = ()
    account: str | None = None
    is_offline: bool = False
    environ: Mapping[str, str] = os.environ
    hardened: Hardened = Hardened()


def examine(visit: Visit, vault: Keys | None = None) -> Iterator[list[Finding]]:
    """Yields what each group of checks finds, as soon as it is known. `vault` is a seam for tests."""
    settings = check_config(visit.paths.config_file)
    config = settings.config
    yield _check_program(visit, config)
    yield settings.findings
    yield check_files(visit.paths, me=os.getuid())
    yield check_records(visit.paths.state_dir)
    yield _check_terminal(visit.environ, config)
    yield check_kernel_clock(read_kernel_clock())
    account = visit.account or config.desk.account
    told = check_keyring(vault or vault_of(visit.paths, config), account)
    yield [*told.findings, *check_index(visit.paths.keys_dir / INDEX_NAME)]
    if not visit.is_offline:
        patients = venues.patients_of(config.desk.venues, visit.venues, account, config, told.keys)
        yield asyncio.run(venues.check_venues(patients))
    yield venues.check_practice()


def _check_program(visit: Visit, config: Config) -> list[Finding]:
    limit, _ = resource.getrlimit(resource.RLIMIT_CORE)
    cores = 0 if visit.hardened.is_undumpable else limit
    return [
        *program.check_versions(visit.version, program.installed_requirements(), program.installed_version),
        *program.check_locale(program.this_locale(visit.environ)),
        *program.check_environment(visit.environ, visit.hardened.removed, cores, config.network.proxy),
    ]


def _check_terminal(environ: Mapping[str, str], config: Config) -> list[Finding]:
    if not (is_terminal(sys.stdin) and is_terminal(sys.stdout)):
        return terminal.check_screen(environ, terminal.Screen(is_terminal=False))
    size: tuple[int, int] | None = None
    with suppress(OSError):
        columns, rows = os.get_terminal_size(sys.stdout.fileno())
        size = columns, rows
    tmux = read_tmux(environ)
    link = find_link(environ, ancestors())
    found = terminal.check_screen(environ, terminal.Screen(is_terminal=True, size=size))
    found += terminal.check_term_in_tmux(environ, tmux)
    found += terminal.check_link(link, config.detach.policy, tmux=tmux)
    found += terminal.check_logout(link, read_logout(_user()))
    if environ.get("TERM", "") not in {"", "dumb", "unknown"}:
        found += terminal.check_latency(measure_latency(sys.stdin.fileno()), link)
    return found


def is_terminal(stream: TextIO | None) -> bool:
    """Says whether a stream is one; None is one that was closed before we started."""
    return stream is not None and stream.isatty()


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name
        return ""
