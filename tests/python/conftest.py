"""Where the module, the SFU and the servers of these tests come from. `cargo tasks test` sets the variables."""

import asyncio
import functools
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, os.environ.get("DATATRACKS_PYTHON", str(ROOT / "target/bindings/python")))
sys.path.insert(0, str(ROOT / "python-package/examples"))

from peer import Peer  # noqa: E402

LOGS = []  # of servers that others wrote: a test that fails shows their end
TAIL = 30  # lines


def binary():
    path = Path(os.environ.get("DATATRACKS_BIN", ROOT / "target/debug/datatracks"))
    assert path.exists(), f"{path} is missing: cargo build --features host, or set DATATRACKS_BIN"
    return path


class Plain:
    """A process that serves the plain protocol and says where in its first line: `plain 127.0.0.1:PORT`."""

    def __init__(self, *arguments, **environment):
        command = [binary(), *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env={**os.environ, **environment}
        )
        word, _, address = self.process.stdout.readline().strip().partition(" ")
        assert word == "plain", f"{command} said {word!r} instead of where it serves"
        host, _, port = address.rpartition(":")
        self.address = (host, int(port))

    def stop(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="session")
def sfu():
    """One embedded SFU for all tests; each test has a room of its own."""
    process = Plain("sfu", "--plain", "127.0.0.1:0")
    yield process
    process.stop()


@pytest.fixture
def join(sfu):
    """Joins a room of this test's own. At the end all leave, and no panic may have been caught."""
    room, peers = f"room-{uuid.uuid4().hex[:8]}", []

    def join(identity, permissions=None, address=None, **providers):
        hello = {"identity": identity, "room": room}
        if permissions:
            hello["permissions"] = {"can_publish_data": True, "can_subscribe": True, **permissions}
        peers.append(Peer(address or sfu.address, hello, **providers))
        return peers[-1]

    yield join
    for peer in peers:
        assert peer.local.stats().panics == 0, peer.identity
        assert peer.remote.stats().panics == 0, peer.identity
        peer.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for log in LOGS:
            last = log.read_text(errors="replace").splitlines()[-TAIL:]
            report.sections.append((f"last words of {log.stem}", "\n".join(line[:300] for line in last)))
    return report


def pytest_collection_modifyitems(items):
    """Async tests run in a loop of their own and end within a minute."""
    for item in items:
        if asyncio.iscoroutinefunction(item.obj):
            item.obj = bounded(item.obj)


def bounded(test):
    @functools.wraps(test)
    def run(*arguments, **fixtures):
        asyncio.run(asyncio.wait_for(test(*arguments, **fixtures), 60))

    return run
