"""The processes of the interop tests: a Chromium, and participants whose lines are awaited with a deadline."""

import collections
import itertools
import json
import os
import queue
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

DEADLINE = 30  # seconds for anything to happen: a Python peer alone takes 1.5 to join
PATIENCE = 5  # seconds for a process to end by itself
TAIL = 30  # lines of a log that a failure shows
# What Chromium says of a machine without a desktop and without the internet.
NOISE = "dbus/|Failed to resolve address for .*stun"


def located(variable):
    path = Path(told(variable))
    assert path.exists(), f"{variable}: there is no {path}"
    return path


def words(variable):
    """Those of a command, one a line."""
    return told(variable).splitlines()


def told(variable):
    return os.environ.get(variable) or pytest.fail(f"set {variable}", pytrace=False)


class Browser:
    """One Chromium for all pages, started when the first is wanted."""

    name = "Chromium"

    def __init__(self, folder):
        self.folder, self.log, self.process = folder, folder / "chromium.log", None

    def endpoint(self):
        if self.process is None:
            self.start()
        return self.address

    def start(self):
        command = [shutil.which("chromium") or pytest.fail("there is no chromium: cargo tasks setup"), *FLAGS]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [*command, f"--user-data-dir={self.folder / 'profile'}"], stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + DEADLINE
        while not (found := re.search(r"DevTools listening on (\S+)", self.log.read_text())):
            assert time.monotonic() < deadline and self.process.poll() is None, f"Chromium does not listen:\n{self.tail()}"
            time.sleep(0.02)
        self.address = found[1]

    def kill(self):
        if self.process:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def tail(self):
        return last_lines(self.log) if self.process else ""


FLAGS = [
    "--headless=new",
    "--remote-debugging-port=0",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    # Loopback without a camera's permission, and under its own name.
    "--allow-loopback-in-peer-connection",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
    # All pages but one are in the background.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]


class Process:
    """A participant. What it says on standard output are objects of JSON, a line each; the rest are remarks."""

    def __init__(self, name, command, environment):
        self.name, pipe = name, subprocess.PIPE
        command = [str(part) for part in command]
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        self.data, self.remarks, self.early = queue.Queue(), queue.Queue(), collections.deque()
        self.said = collections.deque(maxlen=1000)
        for stream, lines in ((self.process.stdout, self.data), (self.process.stderr, self.remarks)):
            threading.Thread(target=self.read, args=(stream, lines), daemon=True).start()

    def read(self, stream, lines):
        for line in stream:
            text = line.decode(errors="replace").rstrip()
            self.said.append(text)
            lines.put(text)
        lines.put(None)

    def write(self, text):
        """A line, or bytes as they are."""
        self.process.stdin.write(f"{text}\n".encode() if isinstance(text, str) else text)
        self.process.stdin.flush()

    def send(self, frame):
        """A frame to a publisher with `--framing length`."""
        self.write(struct.pack(">I", len(frame)) + frame)

    def line(self, timeout=DEADLINE):
        """The next line of data as what it stands for, None at the end."""
        if self.early:
            return self.early.popleft()
        deadline = time.monotonic() + timeout
        while (line := self.data.get(timeout=max(deadline - time.monotonic(), 0))) is not None:
            if line[:1] in ("{", "["):
                return json.loads(line)
            # Native code has words of its own: webrtc-java's, when its JVM ends.
        return None

    def line_until(self, deadline):
        """The next line of data as an object, None when there is none by then."""
        try:
            return self.line(timeout=max(deadline - time.monotonic(), 0.001))
        except queue.Empty:
            return None

    def until_event(self, event, seconds=DEADLINE, **fields):
        """The next event of this kind with these fields; what comes before it is passed over."""
        wanted, deadline = {"event": event, **fields}, time.monotonic() + seconds
        while (line := self.line_until(deadline)) is not None:
            if wanted.items() <= line.items():
                return line
        pytest.fail(f"{self.name}: no {wanted} within {seconds} s")

    def wait_until_joined(self):
        """Keeps what is said before: there may be tracks already."""
        early = []
        while (line := self.line()) != {"event": "joined"}:
            assert line is not None, f"{self.name} does not join"
            early.append(line)
        self.early.extend(early)

    def until_remark(self, text, seconds=DEADLINE):
        """Waits until stderr says so."""
        deadline = time.monotonic() + seconds
        try:
            while (line := self.remarks.get(timeout=max(deadline - time.monotonic(), 0.001))) is not None:
                if text in line:
                    return line
        except queue.Empty:
            pytest.fail(f"{self.name}: no {text!r} within {seconds} s")
        pytest.fail(f"{self.name}: no {text!r} until it ended")

    def status(self, seconds=DEADLINE):
        """The exit status, when it has ended."""
        self.process.stdin.close()
        return self.process.wait(timeout=seconds)

    def kill(self):
        """Without a word to the server."""
        self.process.terminate()
        try:
            self.process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def tail(self):
        return "\n".join(line[:300] for line in list(self.said)[-TAIL:])


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


def is_listening(address):
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


def last_lines(path):
    lines = [line for line in path.read_text(errors="replace").splitlines() if not re.search(NOISE, line)]
    return "\n".join(line[:300] for line in lines[-TAIL:])
