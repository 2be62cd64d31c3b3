"""Looks for secrets where they must not be: in files, on terminals, in what the machine tells of its processes."""

from __future__ import annotations

import base64
import html
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

_PIECE = 9  # characters: less of a secret is found by chance
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class Scanner:
    """Finds secrets, or any piece of one, in whatever bytes: plain, wrapped, escaped, in base64 or in hex."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._pieces = {piece: secret for secret in secrets for piece in _pieces_of(secret)}
        self.looked_at = 0

    def hits(self, raw: bytes) -> set[str]:
        """Returns the secrets of which something is there."""
        self.looked_at += len(raw)
        text = raw.decode("utf-8", "replace").lower()
        texts = [text]
        if "\x1b" in text or "<" in text or "\n" in text or "%" in text:
            # A screen is painted in parts and wraps lines; an SVG has each line as an element of its own.
            plain = re.sub(r"<[^>]*>", "", _ESCAPES.sub("", text))
            texts.append(re.sub(r"[\s\x00-\x20\xa0│┃]+", "", html.unescape(plain)))
        return {secret for piece, secret in self._pieces.items() if any(piece in each for each in texts)}

    def files_with(self, folder: Path) -> dict[str, set[str]]:
        """Returns the files below a folder in which there is something, by name."""
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        found = {str(path.relative_to(folder)): self.hits(path.read_bytes()) for path in files}
        return {name: hits for name, hits in found.items() if hits}


def _pieces_of(secret: str) -> Iterator[str]:
    text = re.sub(r"\s", "", secret).lower()
    for form in (text, secret.lower(), secret.lower().replace(" ", "%20")):
        yield from (form[at : at + _PIECE] for at in range(len(form) - _PIECE + 1))
    yield secret.encode().hex()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + secret.encode()).decode().lower()
        yield encoded[4:-4]


class Lookout:
    """Looks at the command line and the environment of every process of this machine that begins meanwhile."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._known = set(_processes())
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="lookout", daemon=True)
        self.commands: set[str] = set()
        self.hits: set[tuple[str, str]] = set()
        self.environments = 0

    def __enter__(self) -> Lookout:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join(10)

    def _look(self) -> None:
        looks: dict[int, int] = {}
        while not self._is_over.wait(0.01):
            for pid in set(_processes()) - self._known:
                # Twice at least: it may not have become another program yet.
                looks[pid] = looks.get(pid, 0) + 1
                if looks[pid] <= 20 or not looks[pid] % 50:
                    self._look_at(pid)

    def _look_at(self, pid: int) -> None:
        for what in ("cmdline", "environ"):
            try:
                raw = Path(f"/proc/{pid}/{what}").read_bytes()
            except OSError:
                continue  # it has ended
            if what == "cmdline":
                self.commands.add(raw.replace(b"\0", b" ").decode(errors="replace").strip())
            else:
                self.environments += bool(raw)
            self.hits |= {(what, secret) for secret in self._scanner.hits(raw)}


def _processes() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
