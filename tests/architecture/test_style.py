"""Rules that a linter does not know."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

# The three supervisors: a stream, the session, the app. Whatever breaks below them is contained there.
SUPERVISORS = {"venues/transport/stream.py", "tui/desk/session.py", "tui/app.py"}


def sources(root: Path, *folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield str(path.relative_to(root)), parsed(path)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def test_broad_excepts_stand_only_at_the_supervisors(project_root: Path) -> None:
    strays = []
    for name, tree in sources(project_root, "tui", "venues"):
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and is_broad(node.type) and name not in SUPERVISORS:
                strays.append(f"{name}:{node.lineno}")
    assert strays == []


def is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(n, ast.Name) and n.id in {"Exception", "BaseException"} for n in names)


def test_tests_do_not_sleep(project_root: Path) -> None:
    """A sleep in a test is a guess about another thing's speed; a condition is not."""
    strays = []
    for name, tree in sources(project_root, "tests"):
        if name.startswith(("tests/benchmarks/", "tests/soak/")):
            continue  # measured programs keep a pace, and the soak's clock jumps: neither waits in a test
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "sleep"
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in {"time", "asyncio", "anyio"}
                and not is_bare_yield(node)
            ):
                strays.append(f"{name}:{node.lineno}")
    assert strays == []


def is_bare_yield(call: ast.Call) -> bool:
    """`asyncio.sleep(0)` waits for nothing: it lets the loop run once."""
    return len(call.args) == 1 and isinstance(call.args[0], ast.Constant) and call.args[0].value == 0


def test_no_read_of_a_venue_outlives_the_failure_of_another(project_root: Path) -> None:
    """What `asyncio.gather` has begun goes on when one part fails: reads are begun by `together` instead.

    Closing fails in no part.
    """
    strays = []
    for name, tree in sources(project_root, "venues"):
        if name.startswith("venues/simulators/") or name == "venues/transport/together.py":
            continue
        for function in ast.walk(tree):
            if not isinstance(function, ast.AsyncFunctionDef) or function.name == "aclose":
                continue
            strays += [
                f"{name}:{node.lineno}"
                for node in ast.walk(function)
                if isinstance(node, ast.Call)
                and called_name(node) == "gather"
                and not any(keyword.arg == "return_exceptions" for keyword in node.keywords)
            ]
    assert strays == []


def test_toasts_never_parse_markup(project_root: Path) -> None:
    """Venue text in markup crashes the app or makes a live link (`reliability`: 9 of 20 widgets)."""
    strays = []
    for name, tree in sources(project_root, "tui"):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and called_name(node) == "notify":
                markup = next((k.value for k in node.keywords if k.arg == "markup"), None)
                if not (isinstance(markup, ast.Constant) and markup.value is False):
                    strays.append(f"{name}:{node.lineno}")
    assert strays == []


def called_name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def test_no_floats_near_money(project_root: Path) -> None:
    pattern = re.compile(r"float\([^)]*(price|qty|quantity|amount|size|notional)")
    hits = [
        f"{path.relative_to(project_root)}:{number}"
        for path in sorted((project_root / "venues").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        # The book sorts by a float beside the venue's text, and computes no money from it.
        if pattern.search(line) and path.name != "book.py"
    ]
    assert hits == []


@pytest.mark.parametrize("folder", ["tui", "venues"])
def test_every_module_says_what_it_is(project_root: Path, folder: str) -> None:
    silent = [name for name, tree in sources(project_root, folder) if not ast.get_docstring(tree)]
    assert silent == []
