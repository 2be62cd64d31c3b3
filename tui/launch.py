"""Puts the parts together and runs them: the engine on its thread, the screens here, the signals watched."""

from __future__ import annotations

import contextlib
import gc
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, cast

import click

from tui.cli import Options
from tui.config import Config, GuardsSection, MarginSection, load_config
from tui.desk.attendance import Attendance, AttendanceWatch, find_tmux
from tui.desk.engine import Engine
from tui.desk.frame import Fact, FactKind, Severity
from tui.desk.guards import Limits
from tui.desk.inert import sanitise
from tui.desk.inheritance import Inherited
from tui.desk.journal import JournalError
from tui.desk.key_entries import KeyEntry, KeyName
from tui.desk.margin import MarginLevels
from tui.desk.roster import mode_of
from tui.desk.session import Session
from tui.desk.signals import SignalWatch, mask_signals
from tui.holding import UNKEPT, Holding
from tui.keyed_settings import choices_of, learn, open_with, vault_of
from tui.keymap import build_keymap
from tui.logs import open_log
from tui.opening import (
    NO_KEYS,
    account_of,
    chosen_venues,
    keys_wanted,
    modes_of,
    offers_beside,
    open_watching,
    opened,
    practice_arguments,
    venue_settings,
)
from tui.redaction import Redactor
from tui.terminal.environment import prepare
from venues.errors import ConfigurationError
from venues.port import Mode, Venue
from venues.registry import create_venue

if TYPE_CHECKING:
    from tui.desk.key_service import KeyService
    from tui.practice import PracticeChild

# Seconds after which the venues are opened even if nothing could be painted yet.
HOLD_SECONDS = 0.5
_WHY = {int(signal.SIGHUP): "the terminal hung up", int(signal.SIGTERM): "pitside was terminated"}


def run_desk(options: Options) -> int:
    """Runs the desk until it is left; returns the exit code.

    Raises:
        UnusableTerminal: there is no terminal to draw on.
        UsageError, ConfigError, VenueError, UnsafePath: what must be mended before a desk can be opened.
    """
    prepare()
    # Importing and styling make objects that stay; looking for cycles among them is a twentieth of the start.
    gc.disable()
    config = load_config(options.paths.config_file)
    with contextlib.ExitStack() as beside:
        return _run_desk(options, config, beside)


def _run_desk(options: Options, config: Config, beside: contextlib.ExitStack) -> int:
    names = chosen_venues(options, config)
    account = account_of(options, config)
    unlocked, key_notices = keys_of_desk(names, options, config)
    redactor = Redactor()
    for entry in unlocked.values():
        learn(redactor, entry)
    venues = [] if options.is_practice else opened(names, options, config, unlocked)
    modes = modes_of(names, venues)
    holding = Holding(options.paths.state_dir)
    holding.take(modes, account)
    beside.callback(holding.release)
    if holding.read_only_reason:
        venues = [open_watching(name, options, config) for name in names]
    # It starts while the screens are imported.
    children = start_practice(names, options, holding.read_only_reason, beside) if options.is_practice else []
    # Before any thread: all of them inherit the mask.
    mask_signals()
    beside.enter_context(open_log(options.paths.state_dir, redactor))
    from tui.app import PitsideApp
    from tui.terminal.attach import attach
    from tui.theming import THEMES, failure_notice, load_themes

    for child in children:
        venues.append(create_venue(child.venue, child.site().settings(account) | choices_of(child.venue, config)))
    keymap, problems = build_keymap(config.keys)
    themes, failures = load_themes((THEMES, options.paths.themes_dir))
    attendance = attendance_of(config)

    def take_profile(modes: Mapping[str, Mode]) -> Callable[[], Inherited]:
        holding.take_later(modes, account)
        opener = journal_opener(options, account, modes)
        return opener if opener is not None else Inherited

    def open_more(name: str) -> Venue:
        if holding.read_only_reason:
            return open_watching(name, options, config)
        return create_venue(name, venue_settings(name, options, config))

    def make_session(tell: Callable[[Fact], None]) -> Session:
        session = Session(
            venues,
            tell=tell,
            limits=limits_of(config.guards),
            margin_levels=levels_of(config.margin),
            account=account,
            detach_policy=config.detach.policy,
            detach_when=attendance.words(),
            inherit=None if holding.read_only_reason else journal_opener(options, account, modes),
            read_only_reason=holding.read_only_reason,
            panic_elsewhere=holding.panic_elsewhere,
            open_more=open_more,
            take_profile=take_profile,
            allows_withdrawal=config.credentials.allow_withdrawal,
            offers=offers_beside(modes),
        )

        def make_keys() -> KeyService:
            from tui.desk_keys import DeskKeys

            used = () if holding.read_only_reason else unlocked
            return DeskKeys(session, account, open_with(config, redactor), used).service(
                vault_of(options.paths, config)
            )

        session.make_keys = make_keys
        for name, entry in unlocked.items():
            if name.venue in session.links:
                session.note_permissions(session.links[name.venue], entry.permissions)
        for notice in key_notices:
            session.store.log(notice, Severity.WARNING)
        for child in children:
            session.store.log(child.words())
            child.watch(lambda text: tell(notice_of(text)))
        return session

    engine = Engine(make_session, make_door=holding.make_door)
    engine.start(hold=HOLD_SECONDS)
    try:
        app = PitsideApp(
            engine,
            config=config,
            keymap=keymap,
            themes=themes,
            theme=options.theme,
            notices=[
                notice
                for notice in (*problems, failure_notice(failures), attendance.fault, *key_notices)
                if notice
            ],
            note_key=attendance.note_key,
            clean=redactor.clean,
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
    if watch.exit_code is None:
        return app.return_code or 0
    if watch.policy_error:
        say(f"pitside: the detach policy {config.detach.policy} failed: {watch.policy_error}")
    return watch.exit_code


def keys_of_desk(
    names: Sequence[str], options: Options, config: Config
) -> tuple[Mapping[KeyName, KeyEntry], Sequence[str]]:
    """Reads the keys that a desk on these venues would use, asking for the keyring's password where it must.

    Returns them, and why others could not be read.
    """
    wanted = keys_wanted(names, options, config)
    if not wanted:
        return NO_KEYS, ()
    from tui.unlocking import keys_for

    found = keys_for(wanted, vault_of(options.paths, config))
    return found.entries, found.notices


def say(line: str) -> None:
    """Writes a last line on stderr, which may be a terminal that is gone."""
    with contextlib.suppress(OSError):
        click.echo(sanitise(line, 1_000), err=True)


def start_practice(
    names: Sequence[str], options: Options, read_only_reason: str, beside: contextlib.ExitStack
) -> list[PracticeChild]:
    """Starts the practice exchange of each venue, to be ended with `beside`.

    Raises:
        ConfigurationError: another desk holds the profile: what that one trades on is an exchange of its own.
    """
    from tui.practice import PracticeChild

    if read_only_reason:
        raise ConfigurationError("practice", read_only_reason)
    arguments = practice_arguments(options)
    return [beside.enter_context(PracticeChild(name, arguments=arguments)) for name in names]


def notice_of(text: str) -> Fact:
    """Returns the alarm that something beside the desk has ended."""
    return Fact(ts=time.time_ns(), kind=FactKind.NOTICE, severity=Severity.ALARM, text=text)


def painted_first(engine: Engine) -> None:
    """Lets everything go on that the first paint did not need."""
    # What was made so far stays to the end: a full collection would walk over it, with every thread waiting.
    gc.freeze()
    gc.enable()
    engine.release()


def journal_opener(options: Options, account: str, modes: Mapping[str, Mode]) -> Callable[[], Inherited] | None:
    """Returns what opens the profile's journal and reads what the runs before left.

    None for a desk whose orders do not outlive it, or that can send none.
    """
    if UNKEPT.issuperset(modes.values()):
        return None
    path = options.paths.state_dir
    mode = mode_of(modes.values())
    desk = f"{mode}/{account}"
    is_anew = mode is Mode.PRACTICE or (options.is_fresh and mode is Mode.PAPER)

    def take_over() -> Inherited:
        from tui.desk.journal_store import SqliteJournal, journal_path
        from tui.desk.takeover import inherit
        from tui.gone import let_go

        journal = SqliteJournal(journal_path(path), desk=desk)
        found = inherit(journal, desk, time.time_ns, ",".join(sorted(modes)))
        if is_anew:
            try:
                let_go(found, journal, desk, time.time_ns())
            except JournalError:
                journal.close()
                raise
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


def levels_of(section: MarginSection) -> MarginLevels:
    """Returns the ratios below which margin wallets are warned about."""
    return MarginLevels(warn_below=section.warn_below, alarm_below=section.alarm_below)


def limits_of(section: GuardsSection) -> Limits:
    """Returns the guards' limits: what the configuration says, and the defaults for the rest."""
    said = {name: getattr(section, name) for name in section.__struct_fields__}
    return Limits(**{name: value for name, value in said.items() if value is not None})
