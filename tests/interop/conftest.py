"""A livekit-server on free ports, and processes in its rooms. `cargo tasks test` sets the variables that say where things are."""

import itertools
import json
import os
import queue
import random
import secrets
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

KEY, SECRET = "testkey", "0123456789abcdef0123456789abcdef"
DEADLINE = 30  # seconds for anything to happen: a Python peer alone takes 1.5 to join

CONFIGURATION = """
port: {http}
bind_addresses: ["127.0.0.1"]
keys: {{{key}: {secret}}}
enable_data_tracks: true
rtc:
  tcp_port: {tcp}
  udp_port: {udp}
  use_external_ip: false
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {{includes: ["lo"]}}
"""


def located(variable):
    path = Path(os.environ.get(variable) or pytest.fail(f"set {variable}", pytrace=False))
    assert path.exists(), f"{variable}: there is no {path}"
    return path


def free_ports(count):
    """Below those that Linux gives to sockets that connect, so that nobody takes them in between."""
    ports = (port for port in random.sample(range(20_000, 32_000), 1000) if is_free(port))
    return itertools.islice(ports, count)


def is_free(port):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """Its address."""
    binary = located("DATATRACKS_LIVEKIT_SERVER")
    http, tcp, udp = free_ports(3)
    configuration = tmp_path_factory.mktemp("livekit") / "config.yaml"
    configuration.write_text(CONFIGURATION.format(http=http, tcp=tcp, udp=udp, key=KEY, secret=SECRET))
    process = subprocess.Popen(
        [binary, "--config", configuration], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_until_listening(http, process)
    yield f"ws://127.0.0.1:{http}"
    process.kill()
    process.wait()


def wait_until_listening(port, process):
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    pytest.fail("livekit-server does not listen")


@pytest.fixture
def room(server):
    """Starts participants in a room of this test's own; ends those that still run."""
    room = Room(server, f"room-{secrets.token_hex(4)}")
    yield room
    room.end()


class Room:
    def __init__(self, server, name):
        self.name, self.started = name, []
        self.environment = {
            **os.environ,
            "LIVEKIT_URL": server,
            "LIVEKIT_API_KEY": KEY,
            "LIVEKIT_API_SECRET": SECRET,
        }
        self.environment.pop("LIVEKIT_TOKEN", None)

    def datatracks(self, command, *arguments, passphrase=None):
        """The command line."""
        return self.start([located("DATATRACKS_BIN"), command, "--room", self.name, *arguments], passphrase)

    def python(self, role, *arguments, identity="python", passphrase=None):
        """The Python SDK."""
        script = Path(__file__).with_name("peer.py")
        return self.start(
            [sys.executable, script, role, "--room", self.name, "--identity", identity, *arguments], passphrase
        )

    def start(self, command, passphrase):
        environment = {**self.environment, "DATATRACKS_E2EE_PASSPHRASE": passphrase or ""}
        process = Process([str(part) for part in command], environment)
        self.started.append(process)
        return process

    def end(self):
        for process in self.started:
            process.process.kill()
            process.process.wait()


class Process:
    """A process whose lines are awaited with a deadline."""

    def __init__(self, command, environment):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        self.data, self.remarks, self.said = queue.Queue(), queue.Queue(), []
        for stream, lines in ((self.process.stdout, self.data), (self.process.stderr, self.remarks)):
            threading.Thread(target=self.read, args=(stream, lines), daemon=True).start()

    def read(self, stream, lines):
        for line in stream:
            self.said.append(line.decode().rstrip())
            lines.put(self.said[-1])
        lines.put(None)

    def write(self, text="\n"):
        """A line, or bytes as they are."""
        self.process.stdin.write(text.encode() if isinstance(text, str) else text)
        self.process.stdin.flush()

    def send(self, frame):
        """A frame to a publisher with `--framing length`."""
        self.write(struct.pack(">I", len(frame)) + frame)

    def line(self, timeout=DEADLINE):
        """The next line of data as an object, None at the end."""
        line = self.data.get(timeout=timeout)
        return None if line is None else json.loads(line)

    def line_until(self, deadline):
        """The next line of data as an object, None when there is none by then."""
        try:
            return self.line(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            return None

    def until_event(self, event):
        while (line := self.line()) is not None:
            if line.get("event") == event:
                return line
        pytest.fail(f"no {event}: {self.said}")

    def until_remark(self, text):
        """Waits until stderr says so."""
        while (line := self.remarks.get(timeout=DEADLINE)) is not None:
            if text in line:
                return
        pytest.fail(f"no {text!r}: {self.said}")

    def status(self):
        """The exit status, when it has ended."""
        self.process.stdin.close()
        return self.process.wait(timeout=DEADLINE)
