"""A real sshd on this machine, and a trader who comes in over it with a key.

    with ssh_server(person) as server, server.login(tmp_path) as line:
        line.wait_for("$ ")
        line.type("pitside keys list\r")

The user's home is the person's, so that tests do not disturb each other; there is no PAM, thus no session bus and
no runtime folder, as on a box without a desktop.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.pty_session import PtySession
from tests.keyring.people import PATIENCE, USER, Person, until

SSHD = "/usr/sbin/sshd"  # it insists on being started by its whole path
PROMPT = "over ssh> "
_CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {base}/host_key
AuthorizedKeysFile {base}/authorized_keys
PidFile none
AllowUsers {user}
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PrintMotd no
PrintLastLog no
UseDNS no
SetEnv HOME={home}
"""
# As the system's own does with ~/.local/bin; a prompt that can be told from what programs write.
_PROFILE = """\
PATH={installation}/bin:$PATH
PS1='{prompt}'
"""


class SshServer:
    """A server that runs, and the key that lets one in."""

    def __init__(self, person: Person, port: int, process: subprocess.Popen[bytes], key: Path) -> None:
        self.person = person
        self.port = port
        self._process = process
        self._key = key

    def login(self, home: Path, *, rows: int = 40, columns: int = 120) -> PtySession:
        """Comes in as the person, on a terminal of one's own; `home` is the client's.

        The client says nothing itself: after a line that broke it would do so in the midst of an escape sequence.
        """
        return PtySession(
            [
                "ssh", "-tt", "-F", "none", "-e", "none", "-i", str(self._key), "-p", str(self.port),
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=QUIET",
                f"{USER}@127.0.0.1",
            ],
            home=home, rows=rows, columns=columns, has_network=True,
        )  # fmt: skip

    def sessions(self) -> list[int]:
        """Returns the server's processes that each serve one connection."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def drop_connections(self) -> None:
        """Breaks all connections as a network does: neither end says goodbye."""
        for pid in self.sessions():
            for child in (*_descendants(pid), pid):
                if _is_server(child):
                    with suppress(ProcessLookupError):
                        os.kill(child, signal.SIGKILL)


@contextmanager
def ssh_server(person: Person) -> Iterator[SshServer]:
    """Runs a server that lets the person in by a key, and nobody else."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it separates its privileges
    keys = person.base / "keys"
    keys.mkdir(mode=0o700)
    for name in ("login", "host"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
    (keys / "host").rename(person.base / "host_key")
    person.write_file(person.base / "authorized_keys", (keys / "login.pub").read_bytes())
    person.write_file(person.home / ".profile", _PROFILE.format(installation=person.installation, prompt=PROMPT))
    log = person.base / "sshd.log"
    port = _free_port()
    configuration = person.base / "sshd_config"
    configuration.write_text(_CONFIGURATION.format(port=port, base=person.base, user=USER, home=person.home))
    with log.open("wb") as said:
        process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(configuration)],
            stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip
    server = SshServer(person, port, process, keys / "login")
    try:
        until(lambda: process.poll() is not None or b"listening on" in log.read_bytes(), what="sshd")
        assert process.poll() is None, log.read_text()
        yield server
    finally:
        server.drop_connections()
        process.terminate()
        process.wait(PATIENCE)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def _is_server(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().startswith("sshd")
    return False
