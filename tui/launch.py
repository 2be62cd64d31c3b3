"""Puts the parts together and runs them: the engine on its thread, the screens here, the signals watched."""

from __future__ import annotations

import contextlib
import gc
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any, cast

import click

from tui.cli import Options
from tui.config import Config, GuardsSection, load_config
from tui.desk.attendance import Attendance, AttendanceWatch, find_tmux
from tui.desk.engine import Engine
from tui.desk.guards import Limits
from tui.desk.inert import sanitise
from tui.desk.inheritance import Inherited
from tui.desk.session import Session
from tui.desk.signals import SignalWatch, mask_signals
from tui.holding import Holding
from tui.keymap import build_keymap
from tui.paths import make_private_dir
from tui.terminal.environment import prepare
from venues.port import Mode, Venue
from venues.registry import create_venue

# Seconds after which the venues are opened even if nothing could be painted yet.
HOLD_SECONDS = 0.5
_WHY = {int(signal.SIGHUP): "the terminal hung up", int(signal.SIGTERM): "pitside was terminated"}


def run_desk(options: Options) -> int:
    """Runs the desk until it is left; returns the exit code.

    Raises:
        UnusableTerminal: there is no terminal to draw on.
        ConfigError, VenueError, UnsafePath: what must be mended before a desk can be opened.
    """
    prepare()
    # Importing and styling make objects that stay; looking for cycles among them is a twentieth of the start.
    gc.disable()
    config = load_config(options.paths.config_file)
    venue = create_venue(options.venue or config.desk.venue, venue_settings(options, config))
    account = options.account or config.desk.account
    holding = Holding(options.paths.state_dir)
    holding.take(venue, account)
    if holding.read_only_reason:
        venue = create_venue(venue.name, watching_settings(venue_settings(options, config)))
    # Before any thread: all of them inherit the mask.
    mask_signals()
    from tui.app import PitsideApp
    from tui.terminal.attach import attach
    from tui.theming import THEMES, failure_notice, load_themes

    keymap, problems = build_keymap(config.keys)
    themes, failures = load_themes((THEMES, options.paths.themes_dir))
    attendance = attendance_of(config)
    engine = Engine(
        lambda tell: Session(
            [venue],
            tell=tell,
            limits=limits_of(config.guards),
            account=account,
            detach_policy=config.detach.policy,
            detach_when=attendance.words(),
            inherit=None if holding.read_only_reason else journal_opener(options, account, venue),
            read_only_reason=holding.read_only_reason,
            panic_elsewhere=holding.panic_elsewhere,
        ),
        make_door=holding.make_door,
    )
    engine.start(hold=HOLD_SECONDS)
    try:
        app = PitsideApp(
            engine,
            config=config,
            keymap=keymap,
            themes=themes,
            theme=options.theme,
            notices=[notice for notice in (*problems, failure_notice(failures), attendance.fault) if notice],
            note_key=attendance.note_key,
        )
        terminal = attach(app)
        app.bytes_per_second = lambda: terminal.bytes_per_second
        terminal.call_at_first_paint(partial(painted_first, engine))
        watch = SignalWatch(
            detach=lambda number: cast("Future[object]", engine.detach(config.detach.policy, _WHY[number])),
            exit_ui=terminal.ask_exit,
            force_restore=terminal.force_restore,
            begin_close=engine.begin_stop,
            is_hung_up=terminal.is_hung_up,
        )
        watch.start()
        absence = AttendanceWatch(attendance, lambda why: engine.detach(config.detach.policy, why))
        absence.start()
        app.run(mouse=False)
        absence.stop()
        watch.ui_finished()
        engine.stop(policy=None if watch.policy_finished() else "leave")
    finally:
        engine.stop()
        holding.release()
    if watch.exit_code is None:
        return app.return_code or 0
    if watch.policy_error:
        say(f"pitside: the detach policy {config.detach.policy} failed: {watch.policy_error}")
    return watch.exit_code


def say(line: str) -> None:
    """Writes a last line on stderr, which may be a terminal that is gone."""
    with contextlib.suppress(OSError):
        click.echo(sanitise(line, 1_000), err=True)


def painted_first(engine: Engine) -> None:
    """Lets everything go on that the first paint did not need."""
    # What was made so far stays to the end: a full collection would walk over it, with every thread waiting.
    gc.freeze()
    gc.enable()
    engine.release()


def journal_opener(options: Options, account: str, venue: Venue) -> Callable[[], Inherited] | None:
    """Returns what opens the profile's journal and reads what the runs before left.

    None for a replay, whose orders do not outlive it.
    """
    mode = venue.capabilities.mode
    if mode is Mode.REPLAY:
        return None
    path = options.paths.state_dir
    desk = f"{mode}/{account}"

    def take_over() -> Inherited:
        from tui.desk.journal_store import SqliteJournal, journal_path
        from tui.desk.takeover import inherit

        found = inherit(SqliteJournal(journal_path(path), desk=desk), desk, time.time_ns, venue.name)
        if options.is_fresh:  # another account: what the old one held and was worth says nothing about it
            found.orders, found.unresolved, found.day_open = (), (), None
        return found

    return take_over


def attendance_of(config: Config) -> Attendance:
    """Returns what watches whether anybody is there, as far as the configuration wants it watched."""
    tmux = find_tmux() if config.detach.tmux_seconds else None
    return Attendance(
        idle=config.detach.idle,
        without_client=config.detach.tmux_seconds,
        has_client=tmux.has_client if tmux is not None else None,
    )


def venue_settings(options: Options, config: Config) -> dict[str, Any]:
    """Returns what the chosen venue is made with; the paper account is kept in the profile's state folder."""
    venue = options.venue or config.desk.venue
    account = options.account or config.desk.account
    if venue == "replay":
        speed = "max" if not options.speed else f"{options.speed:g}"
        return {"path": str(options.recording or ""), "speed": speed, "account": account}
    if venue != "paper":
        return {"account": account}
    folder = make_private_dir(options.paths.state_dir)
    chosen = {
        "seed": options.seed if options.seed is not None else config.desk.seed,
        "rate": options.rate if options.rate is not None else config.desk.rate,
    }
    settings: dict[str, Any] = {name: value for name, value in chosen.items() if value is not None}
    return settings | {
        "fresh": options.is_fresh,
        "state_path": str(folder / f"paper-{account}.json"),
        "account": account,
    }


def watching_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns the settings of a desk that only watches: the account's file is the other desk's."""
    return {name: value for name, value in settings.items() if name not in {"state_path", "fresh"}}


def limits_of(section: GuardsSection) -> Limits:
    """Returns the guards' limits: what the configuration says, and the defaults for the rest."""
    said = {name: getattr(section, name) for name in section.__struct_fields__}
    return Limits(**{name: value for name, value in said.items() if value is not None})
