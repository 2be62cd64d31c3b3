"""The configuration of a profile: one TOML file that a person writes and the desk only ever reads."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import UNSET, UnsetType

from tui.paths import ACCOUNT_RULE, UnsafePath, check_private, is_account_name
from venues.registry import key_parts, readings, venue_names

Level: TypeAlias = Literal["none", "preview", "confirm"]
DetachPolicy: TypeAlias = Literal["leave", "cancel_session", "cancel_all"]
KeyStoreName: TypeAlias = Literal["keyring", "file"]
_LARGEST = 1_000_000  # bytes; a real file has a few thousand
_LARGEST_RATIO = 100  # of assets to debts
_ENDLESS = Decimal("Infinity")
_is_header = re.compile(r"[A-Za-z0-9-]{1,40}", re.ASCII).fullmatch
_is_path = re.compile(r"(?:/[A-Za-z0-9_-]+)+", re.ASCII).fullmatch
_is_contract = re.compile(r"[a-z0-9]{2,24}", re.ASCII).fullmatch
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class ConfigError(Exception):
    """The configuration can not be used; the message names file, line or key, and the remedy."""


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: a key that nobody reads is a mistake, and is said."""


class DeskSection(Section, frozen=True, kw_only=True):
    venue: str | tuple[str, ...] = "paper"  # one, or a list of those that are opened together
    account: str = "main"
    theme: str = "dark"
    clock: Literal["utc", "local"] = "utc"
    size_presets: tuple[Decimal, ...] = ()  # base units; empty: by the instrument's lot
    seed: int | None = None  # of the paper market
    rate: float | None = None  # of the paper market, market events a second

    @property
    def venues(self) -> tuple[str, ...]:
        """The venues that are opened together, each once."""
        return (self.venue,) if isinstance(self.venue, str) else tuple(dict.fromkeys(self.venue))


class ConfirmSection(Section, frozen=True, kw_only=True):
    """How much is asked before each kind of action. `C`, `X` and `t` always ask: CapsLock makes them."""

    cancel: Literal["none", "confirm"] = "none"
    panic: Literal["none", "confirm"] = "confirm"


class GuardsSection(Section, frozen=True, kw_only=True):
    """Limits that no dialog lifts, but for `band_asks`. Amounts in the account's currency; None: the default."""

    max_quantity: dict[str, Decimal] | None = None  # symbol -> base units an order may have
    max_notional: Decimal | None = None  # of one order
    session_budget: Decimal | None = None  # notional sent in one UTC day: a restart does not renew it
    day_loss: Decimal | None = None  # in the account's currency; reached, nothing that adds risk until 00:00 UTC
    band_asks: Decimal | None = None  # fraction of the mid from which on an order is asked about
    band_denies: Decimal | None = None  # and from which on it is not sent


class MarginSection(Section, frozen=True, kw_only=True):
    """The ratios of assets to debts below which a margin wallet is warned about, where its venue names none."""

    warn_below: Decimal = Decimal("1.5")
    alarm_below: Decimal = Decimal("1.25")


class LockSection(Section, frozen=True, kw_only=True):
    idle: int = 900  # seconds without a key after which a LIVE desk locks; 0: never
    stall: float = 2.0  # seconds of a stalled screen after which a LIVE desk locks


class DetachSection(Section, frozen=True, kw_only=True):
    """What becomes of the orders when the terminal hangs up, and in which other cases; in seconds, 0 for never."""

    policy: DetachPolicy = "leave"
    idle: int = 0  # without a key
    tmux_seconds: int = 0  # without a tmux client attached to the desk's session


class CredentialsSection(Section, frozen=True, kw_only=True):
    """Where API keys are kept, and what may be done with one that could do more than trade. No key stands here."""

    store: KeyStoreName = "keyring"  # "file" is an encrypted one, whose password is asked for
    allow_withdrawal: bool = False  # whether a desk with a key that may withdraw can be armed


class NetworkSection(Section, frozen=True, kw_only=True):
    """How venues are reached. Nothing of it is taken from the environment."""

    proxy: str = ""  # "http://host:port" or "https://host:port", which tunnels; empty for none


class ContractSection(Section, frozen=True, kw_only=True):
    """What is stated of one contract where its venue may list none: base units, and rates as fractions."""

    base: str | None = None
    quote: str | None = None
    settle: str | None = None
    tick: Decimal | None = None
    step: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    maximum_market: Decimal | None = None
    maker_fee: Decimal | None = None  # below zero where it is paid to the maker
    taker_fee: Decimal | None = None
    maximum_leverage: Decimal | None = None
    maintenance_margin: Decimal | None = None

    @property
    def given(self) -> dict[str, str | Decimal]:
        """What it says."""
        return {key: value for key in self.__struct_fields__ if (value := getattr(self, key)) is not None}


class VenueSection(Section, frozen=True, kw_only=True):
    """Where a venue is reached, if not where it is by itself, and how what its document leaves open is read.

    Both addresses or neither. A venue takes those of the readings that `venues.registry.readings` names. With any
    of them its addresses may have paths, and an empty `ws_url` means that all is polled.
    """

    rest_url: str = ""
    ws_url: str | UnsetType = UNSET
    user_ws_url: str = ""
    position_model: Literal["AGGREGATION", "DISAGGREGATION"] | None = None
    trigger_price: Literal["mark", "last"] | None = None
    signs_encoded: bool | None = None
    signs_public: bool | None = None
    minute_quota: int | None = None
    day_quota: int | None = None
    brackets_in_contracts: bool | None = None
    profile: Literal["fairdesk", "documented"] | None = None
    spot_ws_url: str | None = None  # empty: no spot market
    header_prefix: str | None = None
    secret_decoding: Literal["raw", "base64url"] | None = None
    signed_path: Literal["url", "bare"] | None = None
    product_path: str | None = None  # empty: no product list
    token_path: str | None = None  # empty: no private stream
    private_stream: Literal["subscribe", "query", "none"] | None = None
    depth: Literal["auto", "replace", "diff"] | None = None
    depth_levels: Literal[10, 20, 100] | None = None
    text_ping: bool | None = None
    expiry_proof: Literal["probe", "none"] | None = None
    margin_mode: Literal["isolated", "cross"] | None = None
    maintenance_margin: Decimal | None = None
    instruments: dict[str, ContractSection] | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What it says, as the venue's own settings are called."""
        every = {name: getattr(self, name) for name in self.__struct_fields__}
        if self.instruments is not None:
            every["instruments"] = {symbol: one.given for symbol, one in self.instruments.items()}
        absent = {key for key, value in every.items() if value is None or value is UNSET}
        absent |= {key for key in ("rest_url", "user_ws_url") if not every[key]}
        return {key: value for key, value in every.items() if key not in absent}


class Config(Section, frozen=True, kw_only=True):
    """All settings, with defaults for whatever the file does not say."""

    desk: DeskSection = DeskSection()
    confirm: ConfirmSection = ConfirmSection()
    guards: GuardsSection = GuardsSection()
    margin: MarginSection = MarginSection()
    lock: LockSection = LockSection()
    detach: DetachSection = DetachSection()
    credentials: CredentialsSection = CredentialsSection()
    network: NetworkSection = NetworkSection()
    venues: dict[str, VenueSection] = {}
    keys: dict[str, str | list[str]] = {}


def load_config(path: Path) -> Config:
    """Reads the configuration; a file that is not there means the defaults.

    Raises:
        ConfigError: it is unsafe, unreadable, no TOML, or holds a wrong setting. It is never written to.
    """
    try:
        check_private(path.parent)
        check_private(path)
        size = path.stat().st_size
        text = path.read_text(encoding="utf-8") if size <= _LARGEST else None
    except FileNotFoundError:
        return Config()
    except UnsafePath as error:
        raise ConfigError(str(error)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: can not be read ({error.strerror}); check its permissions") from error
    if text is None:
        raise ConfigError(f"{path}: is larger than {_LARGEST:,} bytes; this can not be a configuration")
    return parse_config(text, path)


def parse_config(text: str, path: Path) -> Config:
    """Parses the file's text; `path` is only named in errors. Raises ConfigError."""
    try:
        # The file's numbers become money, so they are never floats on the way.
        raw: dict[str, Any] = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is no TOML: {error}. Mend that line; nothing was changed or lost") from error
    try:
        config = msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(_explain(str(error), text, path)) from error
    _check_ranges(config, text, path)
    return config


def _check_ranges(config: Config, text: str, path: Path) -> None:
    guards = config.guards
    amounts = {
        f"guards.{name}": value
        for name in guards.__struct_fields__
        if isinstance(value := getattr(guards, name), Decimal)
    }
    amounts |= {f"guards.max_quantity.{symbol}": size for symbol, size in (guards.max_quantity or {}).items()}
    amounts |= {f"desk.size_presets[{n}]": preset for n, preset in enumerate(config.desk.size_presets)}
    for key, value in amounts.items():
        if not value.is_finite() or value <= 0:
            raise ConfigError(_located(text, path, key, "must be above zero; remove it for the default"))
    if fault := _margin_fault(config.margin):
        key, remedy = fault
        raise ConfigError(_located(text, path, f"margin.{key}", remedy))
    if not config.desk.venues:
        raise ConfigError(_located(text, path, "desk.venue", 'must name a venue, as in ["coinex"]'))
    if not is_account_name(config.desk.account):
        raise ConfigError(_located(text, path, "desk.account", f"is no account's name: use {ACCOUNT_RULE}"))
    if config.lock.idle < 0:
        raise ConfigError(_located(text, path, "lock.idle", "must be 0 (never) or a number of seconds"))
    if config.lock.stall <= 0:
        raise ConfigError(_located(text, path, "lock.stall", "must be above zero"))
    for name in ("idle", "tmux_seconds"):
        seconds = getattr(config.detach, name)
        if seconds < 0:
            raise ConfigError(_located(text, path, f"detach.{name}", "must be 0 (never) or a number of seconds"))
        if seconds and config.detach.policy == "leave":
            # The trader would count on orders being cancelled that are left.
            remedy = 'does nothing with the policy "leave"; set detach.policy to cancel_session or cancel_all'
            raise ConfigError(_located(text, path, f"detach.{name}", remedy))
    if remedy := _proxy_fault(config.network.proxy):
        raise ConfigError(_located(text, path, "network.proxy", remedy))
    for name, section in config.venues.items():
        if fault := _venue_fault(name, section):
            key, remedy = fault
            raise ConfigError(_located(text, path, f"venues.{name}{key}", remedy))


def _margin_fault(levels: MarginSection) -> tuple[str, str] | None:
    """Returns the key that is wrong and the remedy; None where nothing is."""
    for key, level in (("warn_below", levels.warn_below), ("alarm_below", levels.alarm_below)):
        if not level.is_finite() or not 1 < level <= _LARGEST_RATIO:
            return key, (
                f"must be above 1, where what is held is worth what is owed, and {_LARGEST_RATIO} at most; "
                "remove it for the default"
            )
    if levels.alarm_below >= levels.warn_below:
        return "alarm_below", f"must be below margin.warn_below, which is {levels.warn_below:f}"
    return None


def _proxy_fault(proxy: str) -> str:
    """Returns the remedy for a proxy that can not be used. It quotes nothing: there may be a password in it."""
    if not proxy:
        return ""
    url = _split(proxy)
    if url is not None and url.scheme.startswith("socks"):
        return 'must be an http or https proxy, as in "http://proxy.example:3128": socks is not spoken here'
    if "@" in proxy:
        return "must hold no user and no password: a file is no place for one; use a proxy that knows this host"
    if url is None or not _is_origin(url, {"http", "https"}) or url.port is None:
        return 'must be a scheme, a host and a port, as in "http://proxy.example:3128"'
    return ""


def _venue_fault(name: str, section: VenueSection) -> tuple[str, str] | None:
    """Returns the key, within the venue's table, that is wrong and the remedy; None where nothing is."""
    takers = [known for known in venue_names() if key_parts(known)]
    if name not in takers:
        return "", f"can not be set; the venues that can be reached elsewhere are: {', '.join(takers)}"
    own = readings(name)
    known = {"rest_url", "ws_url", *own}
    if foreign := [key for key in section.given if key not in known]:
        return f".{foreign[0]}", f"is no setting of {name}; remove the line"
    stream = "" if section.ws_url is UNSET else section.ws_url
    given = {"rest_url": section.rest_url, "ws_url": stream}
    missing = [key for key, value in given.items() if not value]
    # A desk would watch the market of one place and trade at another.
    is_half = len(missing) == 1 or (missing and section.ws_url is not UNSET)
    if is_half and not (own and section.ws_url == ""):
        return f".{missing[0]}", "is missing: name both addresses, or neither"
    further = {"user_ws_url": section.user_ws_url, "spot_ws_url": section.spot_ws_url or ""}
    for key, value in (given | further).items():
        if value and (fault := _address_fault(key, value, may_have_path=bool(own))):
            return fault
    for key in ("minute_quota", "day_quota", "maintenance_margin"):
        if (figure := getattr(section, key)) is not None and not 0 < figure < _ENDLESS:
            return f".{key}", "must be above zero; remove it for the default"
    return _signing_fault(section) or _contracts_fault(section.instruments or {})


def _signing_fault(section: VenueSection) -> tuple[str, str] | None:
    """Returns what of how calls are signed and where can not be sent."""
    if section.header_prefix is not None and not _is_header(section.header_prefix):
        return ".header_prefix", 'must be the beginning of a header\'s name, as in "x-fairdesk-"'
    for key in ("product_path", "token_path"):
        if (path := getattr(section, key)) and not _is_path(path):
            return f".{key}", 'must be a path below rest_url, as in "/user/v1/private/token"; empty for none'
    return None


def _contracts_fault(contracts: dict[str, ContractSection]) -> tuple[str, str] | None:
    for symbol, contract in contracts.items():
        key = f".instruments.{symbol}"
        if not _is_contract(symbol):
            return key, 'must be named as the venue names it, as in "btcusdt"'
        for name, value in contract.given.items():
            if isinstance(value, str):
                continue
            if not value.is_finite() or (value <= 0 and not name.endswith("_fee")):
                return f"{key}.{name}", "must be above zero; remove it where it is not known"
    return None


def _address_fault(key: str, value: str, *, may_have_path: bool) -> tuple[str, str] | None:
    plain, secure = ("http", "https") if key == "rest_url" else ("ws", "wss")
    url = _split(value)
    if url is None or not _is_origin(url._replace(path="") if may_have_path else url, {plain, secure}):
        rest = "a host, with a path if need be" if may_have_path else "a host and nothing more"
        return f".{key}", f'must be {rest}, as in "{secure}://exchange.example"'
    if url.scheme == plain and url.hostname not in _LOOPBACK:
        return f".{key}", f"must begin with {secure}://; {plain}:// is for this machine only"
    return None


def _split(text: str) -> SplitResult | None:
    """Returns the parts of a URL; None where it is none, or holds what no address has."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        url = urlsplit(text)
        return url if url.port != 0 else None
    except ValueError:
        return None


def _is_origin(url: SplitResult, schemes: set[str]) -> bool:
    rest = url.path.strip("/") or url.query or url.fragment
    return url.scheme in schemes and bool(url.hostname) and "@" not in url.netloc and not rest


def _explain(message: str, text: str, path: Path) -> str:
    words, _, where = message.partition(" - at ")
    key = where.strip("`").removeprefix("$").removeprefix(".")
    remedy = f"is wrong: {words[0].lower()}{words[1:]}"
    if unknown := re.match(r"Object contains unknown field `(.+?)`", words):
        name = unknown[1]
        key = f"{key}.{name}" if key else name
        remedy = "is no setting; correct its name or remove the line"
    if "[...]" in key:  # of a table whose names are free, the parser tells only what is below
        pattern = re.escape(key).replace(re.escape("[...]"), r"\.[^.]+") + r"\Z"
        key = next((full for _, full in _keys(text) if re.match(pattern, full)), key)
    return _located(text, path, key, remedy)


def _located(text: str, path: Path, key: str, remedy: str) -> str:
    number = find_line(text, key)
    place = f"{path}, line {number}" if number else str(path)
    return f"{place}: {key} {remedy}. Nothing was changed or lost"


def find_line(text: str, key: str) -> int | None:
    """Returns the 1-based line where the dotted `key` of a TOML text stands, or None when it is not found."""
    wanted = re.sub(r"\[.*", "", key)
    tables = {full for _, full in _keys(text, are_tables=True)}
    for number, full in _keys(text):
        if full == wanted or (full not in tables and wanted.startswith(full + ".")):
            return number
    return None


def _keys(text: str, *, are_tables: bool = False) -> Iterator[tuple[int, str]]:
    """Yields the line and the dotted name of each table and, unless `are_tables`, of each key."""
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if header := re.match(r"\[+\s*([^\]]+?)\s*\]+", stripped):
            section = header[1].replace('"', "")
            yield number, section
        elif not are_tables and (pair := re.match(r"""["']?([\w.-]+)["']?\s*=""", stripped)):
            yield number, f"{section}.{pair[1]}" if section else pair[1]
