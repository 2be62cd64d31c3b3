"""The configuration: what is wrong is named with its line and a remedy, and the file is never touched."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from tui.config import Config, ConfigError, find_line, load_config, parse_config
from tui.launch import levels_of
from tui.paths import profile_paths

PATH = Path("config.toml")

GOOD = """\
[desk]
theme = "light"
size_presets = [0.01, 0.05, 1]

[guards]
max_notional = 5000
band_asks = 0.03
max_quantity = { BTCUSDT = 0.5 }

[keys]
"order.buy" = "n"
"""


def write(home: Path, text: str, mode: int = 0o600) -> Path:
    path = profile_paths().config_file
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_no_file_means_the_defaults(home: Path) -> None:
    assert load_config(profile_paths().config_file) == Config()


def test_numbers_are_never_floats(home: Path) -> None:
    config = load_config(write(home, GOOD))
    assert config.desk.theme == "light"
    assert config.desk.size_presets == (Decimal("0.01"), Decimal("0.05"), Decimal(1))
    assert config.guards.max_notional == Decimal(5000)
    assert config.guards.max_quantity == {"BTCUSDT": Decimal("0.5")}
    assert config.keys == {"order.buy": "n"}


def test_the_detach_policy_and_the_day_loss_are_read() -> None:
    text = "[guards]\nday_loss = 250.5\n[detach]\npolicy = 'cancel_all'\nidle = 900\ntmux_seconds = 60\n"
    config = parse_config(text, PATH)
    assert config.guards.day_loss == Decimal("250.5")
    assert (config.detach.policy, config.detach.idle, config.detach.tmux_seconds) == ("cancel_all", 900, 60)
    assert (Config().detach.idle, Config().detach.tmux_seconds, Config().guards.day_loss) == (0, 0, None)


def test_the_levels_of_a_margin_wallet_are_read() -> None:
    config = parse_config('[margin]\nwarn_below = "1.8"\nalarm_below = 1.3\n', PATH)
    assert (config.margin.warn_below, config.margin.alarm_below) == (Decimal("1.8"), Decimal("1.3"))
    assert (Config().margin.warn_below, Config().margin.alarm_below) == (Decimal("1.5"), Decimal("1.25"))
    levels = levels_of(config.margin)
    assert (levels.warn_below, levels.alarm_below) == (Decimal("1.8"), Decimal("1.3"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[desk]\ntheme = 3\n", ["config.toml, line 2", "desk.theme", "expected `str`"]),
        ("[desk]\n\nvenu = 'x'\n", ["line 3", "desk.venu", "is no setting"]),
        ("[guards]\nmax_notional = -1\n", ["line 2", "guards.max_notional", "above zero"]),
        ("[guards]\nmax_quantity = { BTC = 0 }\n", ["line 2", "guards.max_quantity.BTC", "above zero"]),
        ("[detach]\npolicy = 'panic'\n", ["line 2", "detach.policy"]),
        ("[detach]\nidle = -1\n", ["line 2", "detach.idle", "0 (never)"]),
        ("[detach]\n\ntmux_seconds = 60\n", ["line 3", "detach.tmux_seconds", '"leave"', "cancel_session"]),
        ("[detach]\npolicy = 'leave'\nidle = 60\n", ["line 3", "detach.idle", "cancel_all"]),
        ("[detach]\npolicy = 'cancel_all'\nidle = 1.5\n", ["line 3", "detach.idle", "expected `int`"]),
        ("[guards]\nday_loss = 0\n", ["line 2", "guards.day_loss", "above zero"]),
        ("[guards]\nday_loss = -500\n", ["line 2", "guards.day_loss", "above zero"]),
        ("[guards]\nday_loss = nan\n", ["line 2", "guards.day_loss", "above zero"]),
        ("[desk\n", ["is no TOML", "line 1"]),
        ("[lock]\nidle = -5\n", ["line 2", "lock.idle"]),
        ("[desk]\nsize_presets = [1, 0]\n", ["line 2", "desk.size_presets[1]"]),
        ("[margin]\nwarn_below = 1\n", ["line 2", "margin.warn_below", "above 1"]),
        ("[margin]\nwarn_below = 'nan'\n", ["line 2", "margin.warn_below", "above 1"]),
        ("[margin]\nalarm_below = 0.9\n", ["line 2", "margin.alarm_below", "above 1"]),
        ("[margin]\nwarn_below = 1000\n", ["line 2", "margin.warn_below", "100 at most"]),
        ("[margin]\nwarn_below = 1.2\n", ["margin.alarm_below", "below margin.warn_below, which is 1.2"]),
        ("[colour]\n", ["line 1", "colour", "is no setting"]),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(text: str, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_config(text, PATH)
    assert all(word in str(caught.value) for word in words), str(caught.value)
    assert "othing was changed or lost" in str(caught.value)


def test_a_broken_file_is_left_as_it_is(home: Path) -> None:
    path = write(home, "[desk\nprecious = 1\n")
    with pytest.raises(ConfigError):
        load_config(path)
    assert path.read_text() == "[desk\nprecious = 1\n"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(home: Path, mode: int) -> None:
    path = write(home, GOOD, mode)
    with pytest.raises(ConfigError, match="chmod go-w"):
        load_config(path)


def test_a_folder_that_others_may_write_is_refused(home: Path) -> None:
    path = write(home, GOOD)
    path.parent.chmod(0o777)
    with pytest.raises(ConfigError, match="written by others"):
        load_config(path)


def test_a_link_is_not_followed(home: Path) -> None:
    path = write(home, GOOD)
    real = path.with_name("real.toml")
    path.rename(real)
    path.symlink_to(real)
    with pytest.raises(ConfigError, match="symbolic link"):
        load_config(path)


def test_bytes_that_are_no_text_are_an_error_in_words(home: Path) -> None:
    path = write(home, "")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(path)


def test_find_line_knows_sections_and_quoted_keys() -> None:
    assert find_line(GOOD, "desk.theme") == 2
    assert find_line(GOOD, "keys.order.buy") == 11
    assert find_line(GOOD, "guards") == 5
    assert find_line(GOOD, "lock.idle") is None
