"""The house stays as it was planned: its top level, the size of its files, what its imports cost and may touch."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP_LEVEL = {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "tui", "venues", "themes", "tests"}
LONGEST_FILE = 500
LONGEST_APP = 300

# module prefix -> the only files below the root that may import it
SOLE_IMPORTERS = {
    "httpx": {"venues/transport/http.py"},
    "websockets": {"venues/transport/stream.py"},
    "keyring": {"tui/desk/credentials.py"},
    "keyrings": {"tui/desk/credentials.py"},
    "secretstorage": {"tui/desk/secret_service.py"},
    "jeepney": {"tui/desk/secret_service.py"},
}


def tracked_files(root: Path) -> list[Path]:
    """Lists what git tracks or would track; without git (an unpacked sdist) everything that is not hidden."""
    git = shutil.which("git")
    if git and (root / ".git").exists():
        listing = subprocess.run(
            [git, "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=root, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return [root / line for line in listing.stdout.splitlines() if (root / line).is_file()]
    return [path for path in root.rglob("*") if path.is_file() and "/." not in str(path.relative_to(root))]


@pytest.fixture(scope="module")
def files(project_root: Path) -> list[Path]:
    return tracked_files(project_root)


def python_files(project_root: Path, files: list[Path], *folders: str) -> list[Path]:
    return [path for path in files if path.suffix == ".py" and path.relative_to(project_root).parts[0] in folders]


def test_top_level_is_the_agreed_one(project_root: Path, files: list[Path]) -> None:
    names = {path.relative_to(project_root).parts[0] for path in files}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_themes_hold_no_python(project_root: Path, files: list[Path]) -> None:
    assert python_files(project_root, files, "themes") == []


def test_no_file_is_too_long(project_root: Path, files: list[Path]) -> None:
    lengths = {
        str(path.relative_to(project_root)): len(path.read_text().splitlines())
        for path in python_files(project_root, files, "tui", "venues", "tests")
    }
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}
    assert lengths["tui/app.py"] <= LONGEST_APP


def test_each_wire_has_one_importer(project_root: Path, files: list[Path]) -> None:
    strays = []
    for path in python_files(project_root, files, "tui", "venues"):
        name = str(path.relative_to(project_root))
        for imported in imported_modules(path):
            allowed = SOLE_IMPORTERS.get(imported.split(".")[0])
            if allowed is not None and name not in allowed:
                strays.append(f"{name} imports {imported}")
    assert strays == []


def imported_modules(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
    return names


def test_simulators_and_adapters_do_not_know_each_other(project_root: Path, files: list[Path]) -> None:
    """One misreading of a venue's document must not be able to hide in both."""
    strays = []
    for path in python_files(project_root, files, "venues"):
        parts = path.relative_to(project_root).parts
        for imported in imported_modules(path):
            target = imported.split(".")
            if len(target) < 2 or target[0] != "venues":
                continue
            in_simulator = parts[1] == "simulators"
            if in_simulator and target[1] in {"coinex", "max", "mayex", "pumpkin"}:
                strays.append(f"{'/'.join(parts)} imports {imported}")
            if not in_simulator and target[1] == "simulators":
                strays.append(f"{'/'.join(parts)} imports {imported}")
    assert strays == []


@pytest.mark.parametrize("module", ["venues.registry", "tui.desk.session", "tui.desk.engine", "tui.cli"])
def test_headless_import_loads_no_screen_no_wire_and_no_keyring(module: str, project_root: Path) -> None:
    unwanted = {"textual", "rich", "keyring", "httpx", "websockets"}
    loaded = run_python(
        f"import {module}, sys, json; print(json.dumps(sorted(n.split('.')[0] for n in sys.modules)))",
        project_root,
    )
    assert unwanted & set(json.loads(loaded)) == set()


def test_importing_everything_opens_nothing(project_root: Path, files: list[Path]) -> None:
    """No I/O at import: every module is imported with opening files for writing, sockets and threads trapped."""
    modules = [
        ".".join(path.relative_to(project_root).with_suffix("").parts).removesuffix(".__init__")
        for path in python_files(project_root, files, "tui", "venues")
        if path.name != "__main__.py"
    ]
    program = f"""
import importlib, sys, threading
trapped = []
def hook(event, arguments):
    if event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
        if not str(arguments[0]).endswith((".pyc",)) and "__pycache__" not in str(arguments[0]):
            trapped.append(f"open {{arguments[0]}} {{arguments[1]}}")
    elif event in ("socket.connect", "socket.bind", "subprocess.Popen", "sqlite3.connect"):
        trapped.append(event)
sys.addaudithook(hook)
before = threading.active_count()
for name in {modules!r}:
    importlib.import_module(name)
assert trapped == [], trapped
assert threading.active_count() == before, threading.enumerate()
"""
    run_python(program, project_root)


def run_python(program: str, project_root: Path) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=project_root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout
