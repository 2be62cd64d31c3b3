"""The command line. Nothing of the screens is imported here: `pitside --help` is quick and works anywhere."""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import sys
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import click
import msgspec

from tui.desk.inert import sanitise
from tui.paths import DEFAULT_PROFILE, Paths, UnsafePath, profile_paths
from venues.registry import key_parts, venue_names

OK = 0
FAILED = 1
USAGE = 2
_LONGEST_MESSAGE = 1_000

_EXIT_CODES = """\b
Exit codes:
  0    done
  1    an error, said on stderr
  2    wrong usage
  3    doctor: warnings
  4    doctor: faults
  129  the terminal hung up (after the detach policy was carried out)
  143  terminated (the same)
"""

_EXAMPLES = """\b
Examples:
  pitside                              the paper desk: nothing to set up, nothing to lose
  pitside --fresh --seed 7             a new paper account in market number 7
  pitside replay session.jsonl         a recording, at the speed it was recorded
  pitside record paper --out day.jsonl --seconds 60
  pitside panic                        cancel everything, close everything, prove it
  pitside do "sell BTC-PERP 0.01 @ ask+2t"
  pitside --venue coinex --practice    on a local exchange that speaks CoinEx's protocol
  pitside --venue paper --venue coinex the paper desk, with CoinEx's public data beside it
  pitside venues                       what each venue supports
"""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk is started with; None leaves it to the configuration."""

    paths: Paths
    venues: tuple[str, ...] = ()
    is_practice: bool = False  # on local exchanges that speak the venues' protocols
    account: str | None = None
    theme: str | None = None
    seed: int | None = None
    rate: float | None = None
    is_fresh: bool = False
    recording: Path | None = None
    speed: float = 1.0  # of the replay; 0 is as fast as it goes


def app_version() -> str:
    """Returns the installed version, or "unknown" in an unpacked tree."""
    # It brings the mail parser with it, 15 ms that no desk needs before its first paint.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("pitside")
    except PackageNotFoundError:
        return "unknown"


def _live_venues() -> list[str]:
    """Returns the venues that need no file: a recording has a command of its own."""
    return [name for name in venue_names() if name != "replay"]


def _paths(profile: str) -> Paths:
    try:
        return profile_paths(profile)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--profile") from error


def _speed(_context: click.Context, _parameter: click.Parameter, value: str) -> float:
    if value == "max":
        return 0.0
    try:
        speed = float(value)
    except ValueError:
        speed = -1.0
    if not 0 < speed <= 1000:
        raise click.BadParameter(f"{value!r} is no speed: use a number such as 1 or 5, or max")
    return speed


def _say_version(context: click.Context, _parameter: click.Parameter, is_asked: bool) -> None:
    if is_asked and not context.resilient_parsing:
        click.echo(f"pitside {app_version()}")
        context.exit()


def _start(options: Options) -> int:
    # Textual reads the environment when it is imported, so that the launch module comes last.
    from tui.launch import run_desk

    return run_desk(options)


class _Commands(click.Group):
    """The commands, of which those in other files are imported when they are asked for: a desk needs none."""

    _elsewhere: ClassVar[dict[str, str]] = {
        **dict.fromkeys(("panic", "orders", "positions", "status", "do"), "tui.desk_commands"),
        "doctor": "tui.doctor_command",
        "journal": "tui.journal_commands",
        "keys": "tui.keys_command",
        "practice": "tui.practice_command",
        "venues": "tui.venues_command",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self._elsewhere})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self._elsewhere and cmd_name not in self.commands:
            module = importlib.import_module(self._elsewhere[cmd_name])
            for command in module.COMMANDS:
                self.add_command(command)
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    help="A full-screen terminal desk for trading by hand. Without arguments it opens the PAPER desk, an "
    "embedded exchange on which everything works and nothing is at stake.\n\n" + _EXAMPLES + "\n" + _EXIT_CODES,
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_say_version,
    help="Show the version and exit.",
)  # fmt: skip
@click.option(
    "--venue", "venues", type=click.Choice(_live_venues()), multiple=True,
    help="Which exchange; repeat for several on one desk.  [default: paper]",
)  # fmt: skip
@click.option(
    "--practice", "is_practice", is_flag=True,
    help="On a local exchange that speaks the venue's own protocol: nothing is at stake.",
)  # fmt: skip
@click.option("--account", metavar="NAME", help="Which of the venue's accounts.  [default: main]")
@click.option(
    "--profile", metavar="NAME", default=DEFAULT_PROFILE, show_default=True,
    help="Whose configuration, journal and paper account.",
)  # fmt: skip
@click.option(
    "--theme", metavar="NAME", help="Colours: dark, light, high-contrast, colour-blind, red-up, your own."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), help="Which paper or practice market; another one starts anew."
)
@click.option("--rate", type=click.FloatRange(0, 100_000), help="Events a second of the paper or practice market.")
@click.option("--fresh", "is_fresh", is_flag=True, help="Start the paper account anew.")
@click.pass_context
def cli(
    context: click.Context,
    venues: tuple[str, ...],
    is_practice: bool,
    account: str | None,
    profile: str,
    theme: str | None,
    seed: int | None,
    rate: float | None,
    is_fresh: bool,
) -> None:
    options = Options(
        paths=_paths(profile),
        venues=tuple(dict.fromkeys(venues)),
        is_practice=is_practice,
        account=account,
        theme=theme,
        seed=seed,
        rate=rate,
        is_fresh=is_fresh,
    )
    context.obj = options
    if context.invoked_subcommand is None:
        context.exit(_start(options))


@cli.command(help="Play a recording on the desk, in the mode REPLAY. `--speed max` is as fast as it goes.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--speed", default="1", show_default=True, callback=_speed, metavar="N|max", help="Times the recorded speed."
)
@click.pass_context
def replay(context: click.Context, file: Path, speed: float) -> None:
    options: Options = context.obj
    context.exit(
        _start(
            msgspec.structs.replace(options, venues=("replay",), is_practice=False, recording=file, speed=speed)
        )
    )


@cli.command(help="Write a venue's live public data to a file, without any screen. Ctrl+C ends it well.")
@click.argument("venue", type=click.Choice(_live_venues()))
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="Must not exist yet.")
@click.option("--instrument", "instruments", multiple=True, metavar="SYMBOL", help="Repeat for several.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="Stop after so long.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), help="Of the paper market.")
@click.option("--rate", type=click.FloatRange(0, 100_000), help="Of the paper market, events a second.")
@click.pass_context
def record(
    context: click.Context,
    venue: str,
    out: Path,
    instruments: tuple[str, ...],
    seconds: float | None,
    seed: int | None,
    rate: float | None,
) -> None:
    from tui.config import load_config
    from tui.keyed_settings import place_of
    from tui.recorder import record_venue

    if out.exists():
        raise click.BadParameter(f"{out} exists; a recording never overwrites", param_hint="--out")
    options: Options = context.obj
    settings: dict[str, Any] = {
        name: value for name, value in (("seed", seed), ("rate", rate)) if value is not None
    }
    if key_parts(venue):
        settings |= place_of(venue, load_config(options.paths.config_file))
    done = record_venue(venue, settings, out, symbols=instruments, seconds=seconds)
    how = f"{done.rows:,} rows in {done.seconds:.1f} s" if done is not None else "ended by a signal"
    click.echo(f"{sanitise(str(out), _LONGEST_MESSAGE)}: {how}", err=True)


def run(arguments: list[str] | None = None) -> int:
    """Runs the command line and returns the exit code; every expected error is one line on stderr."""
    from tui.config import ConfigError
    from venues.errors import VenueError

    try:
        result = cli.main(args=arguments, prog_name="pitside", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        shown = StringIO()
        error.show(shown)
        # It names what was given: a file's name may hold what a terminal acts on.
        for line in shown.getvalue().splitlines():
            click.echo(sanitise(line, _LONGEST_MESSAGE), err=True)
        return error.exit_code
    except click.Abort:
        return FAILED
    except (ConfigError, UnsafePath, VenueError) as error:
        click.echo(f"pitside: {sanitise(str(error), _LONGEST_MESSAGE)}", err=True)
        return FAILED
    except OSError as error:
        return _not_written(error)
    return result if isinstance(result, int) else OK


def _not_written(error: OSError) -> int:
    """Says what the system refused; of a pipe whose reader has left (`| head`), nothing."""
    with contextlib.suppress(OSError, ValueError):
        # What is still to be written can not be, and would be tried once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if error.errno != errno.EPIPE:
        where = f": {error.filename}" if error.filename else ""
        click.echo(f"pitside: {sanitise(f'{error.strerror or error}{where}', _LONGEST_MESSAGE)}", err=True)
    return FAILED
