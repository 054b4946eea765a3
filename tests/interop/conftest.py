"""Rooms of a real livekit-server, and who can join them. `cargo tasks test` sets the variables that say where things are.

A test that fails shows the end of what the server, the browser and every participant of its room have said.
"""

import asyncio
import collections
import os
import secrets
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from livekit import api
from matrix import DOCUMENT, Table
from network import HERE
from processes import DEADLINE, Browser, Process, located, words
from selection import reason_against
from servers import KEY, SECRET, Embedded, Livekit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(located("DATATRACKS_PYTHON")))
sys.path.insert(0, str(ROOT / "python-package/examples"))

TABLES = pytest.StashKey[dict[str, Table]]()
LEFT_OUT = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session", params=[Livekit, Embedded], ids=lambda kind: kind.name)
def start_server(request):
    """Of either kind, so that every test runs on both."""
    return lambda folder, place=HERE: request.param(folder, place)


@pytest.fixture(scope="session")
def server(start_server, tmp_path_factory):
    """One for all tests that do it no harm."""
    server = start_server(tmp_path_factory.mktemp("server"))
    yield server
    server.kill()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.kill()


@pytest.fixture
def room(server, browser):
    """Starts participants in a room of this test's own; ends those that still run."""
    room = Room(server, browser)
    yield room
    room.end()


class Room:
    def __init__(self, server, browser, place=HERE, name=None):
        self.server, self.browser, self.place = server, browser, place
        self.name, self.started = name or f"room-{secrets.token_hex(4)}", []

    def datatracks(self, command, *arguments, identity=None, url=None, token=None, passphrase=None, outside=False):
        """The command line; in this room unless it is to stay outside."""
        environment = {"LIVEKIT_TOKEN": token} if token else {"LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
        if not token and not outside:
            arguments = ["--room", self.name, *(["--identity", identity] if identity else []), *arguments]
        return self.start(f"datatracks {command}", [located("DATATRACKS_BIN"), command, *arguments], passphrase, url, environment)

    def python(self, identity="python", **grants):
        """The Python SDK."""
        return self.peer([sys.executable, Path(__file__).with_name("peer.py")], identity, **grants)

    def javascript(self, identity="javascript", **grants):
        """livekit-client in Chromium."""
        command = ["node", Path(__file__).with_name("browser") / "peer.mjs"]
        located("DATATRACKS_BROWSER")
        return self.peer(command, identity, environment={"DATATRACKS_BROWSER_ENDPOINT": self.browser.endpoint()}, **grants)

    def kotlin(self, identity="kotlin", **grants):
        """The host in `kotlin-package/room`, on a WebRTC stack of its own."""
        return self.peer(words("DATATRACKS_KOTLIN_ROOM"), identity, **grants)

    def swift(self, identity="swift", passphrase=None, key=None):
        """The host of the Swift package, which brings no transport: it joins through a bridge."""
        address = "{}:{}".format(*self.bridge())
        secret = ["passphrase", passphrase] if passphrase else ["key", key] if key else ["plain", ""]
        command = [*words("DATATRACKS_SWIFT_HOST"), "interop", address, self.name, identity, *secret]
        host = self.start(identity, command, None, None, {})
        host.wait_until_joined()
        return host

    def bridge(self):
        """Where hosts on the bindings join this room's server."""
        process = self.datatracks("bridge", "--plain", "127.0.0.1:0", outside=True)
        word, host, port = process.data.get(timeout=DEADLINE).replace(":", " ").split()
        assert word == "plain"
        return host, int(port)

    def manage(self, call):
        """One call of the server's API."""

        async def ask():
            async with api.LiveKitAPI(self.server.url.replace("ws", "http"), KEY, SECRET) as service:
                return await call(service.room)

        return asyncio.run(ask())

    def permit(self, identity, **permissions):
        """Changes what a participant may do."""
        permission = api.ParticipantPermission(**{"can_publish": True, "can_publish_data": True, "can_subscribe": True, **permissions})
        request = api.UpdateParticipantRequest(room=self.name, identity=identity, permission=permission)
        self.manage(lambda rooms: rooms.update_participant(request))

    def remove(self, identity):
        request = api.RoomParticipantIdentity(room=self.name, identity=identity)
        self.manage(lambda rooms: rooms.remove_participant(request))

    def delete(self):
        self.manage(lambda rooms: rooms.delete_room(api.DeleteRoomRequest(room=self.name)))

    def peer(self, command, identity, url=None, passphrase=None, key=None, environment=None, **grants):
        own = {"LIVEKIT_TOKEN": self.token(identity, **grants), "DATATRACKS_E2EE_KEY": key or "", **(environment or {})}
        peer = self.start(identity, command, passphrase, url, own)
        peer.wait_until_joined()
        return peer

    def token(self, identity, seconds=600, **grants):
        token = api.AccessToken(KEY, SECRET).with_identity(identity).with_ttl(timedelta(seconds=seconds))
        return token.with_grants(api.VideoGrants(room_join=True, room=self.name, **grants)).to_jwt()

    def start(self, name, command, passphrase, url, own):
        outside = ("LIVEKIT_", "DATATRACKS_E2EE_")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(outside)}
        environment |= {"LIVEKIT_URL": url or self.server.url, **own}
        if passphrase:  # an empty one is an error
            environment["DATATRACKS_E2EE_PASSPHRASE"] = passphrase
        process = Process(name, self.place.command(command), environment)
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            process.kill()


@pytest.fixture(scope="session")
def table(request, server):
    """Of the outcome of every cell of the matrix, printed at the end."""
    tables = request.config.stash.setdefault(TABLES, {})
    return tables.setdefault(server.name, Table(server.name))


def pytest_collection_modifyitems(config, items):
    reasons = {item: reason_against(item) for item in items}
    items[:] = [item for item in items if not reasons[item]]
    left_out = [item for item in reasons if reasons[item]]
    config.hook.pytest_deselected(items=left_out)
    config.stash[LEFT_OUT] = [reasons[item] for item in left_out]


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    for table in config.stash.get(TABLES, {}).values():
        terminalreporter.write_sep("-", table.server)
        for line in table.lines():
            terminalreporter.write_line(line)
        if DOCUMENT and table.server == Livekit.name and table.is_whole():
            table.write()
    for reason, count in collections.Counter(config.stash[LEFT_OUT]).items():
        terminalreporter.write_line(f"left out, {count} tests: {reason}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        for speaker in speakers(item.funcargs.values()):
            report.sections.append((f"last words of {speaker.name}", speaker.tail()))
    return report


def speakers(fixtures):
    """Whoever among the fixtures of a test keeps what it says."""
    found = [speaker for fixture in fixtures for speaker in (fixture, getattr(fixture, "server", None), *getattr(fixture, "started", []))]
    # A server may be a fixture and a room's.
    return list({id(speaker): speaker for speaker in found if hasattr(speaker, "tail")}.values())
