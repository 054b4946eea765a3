"""Frames over a poor link (`network.py`) between a real livekit-server and its participants: how many arrive, how late, what becomes of the rest.

Not a test: figures depend on the machine. `cargo tasks poor` runs it and prints the table. Every publisher sends to every reader alone,
one after the other; every packet of a frame crosses the link twice, from the publisher to the server and on to the reader.
"""

import base64
import hashlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

from conftest import Room
from network import Link, Network
from processes import DEADLINE
from servers import Livekit

# Bytes a frame, frames a second, how many.
LOADS = [(1_000, 100, 2_000), (262_144, 5, 100)]
LINKS = {"2 % loss": Link(), "no loss": Link(loss=0)}
SETTLE = 6  # seconds for readers to come, and for the last frame to arrive: a lost packet of TCP takes one
NAME = "track"
HEADER = "| link | frame | a second | publisher | reader | arrived | p50, p99 | damaged | lost |\n|---|---|---|---|---|---|---|---|---|"
DROP = "could not send data track message"  # a line of the server's log for each packet


def main():
    print(HEADER, flush=True)
    for name, link in LINKS.items():
        network = Network(link)
        server = Livekit(Path(tempfile.mkdtemp()), network.server)
        try:
            for load in LOADS:
                for publish in (ours, python):
                    for reader in ("ours", "Python SDK"):
                        print(f"| {name} | {row(server, network, publish, reader, *load)}", flush=True)
        finally:
            server.kill()
            network.close()


def row(server, network, publish, reader, size, rate, count):
    room, before = Room(server, None, network.people), drops(server)
    try:
        reading = read(room, reader)
        reasons = publish(room, size, rate, count)
        frames = [line for line in lines(reading) if line.get("event", "frame") == "frame"]
        reasons += told(reading, " frames ") + [f"{drops(server) - before} packets dropped by the server"]
        who = "ours" if publish is ours else "Python SDK"
        damaged = sum(line["sha"] not in made(size) for line in frames)
        return f"{size} B | {rate} | {who} | {reader} | {len(frames)} of {count} | {latency(frames)} | {damaged} | {', '.join(reasons)} |"
    finally:
        room.end()


def read(room, reader):
    if reader == "ours":
        return room.datatracks("subscribe", "--name", NAME, "--json")
    reading = room.python("reader")
    reading.write(f"subscribe {NAME}")
    return reading


def ours(room, size, rate, count):
    """The command line, with its defaults; answers what it says of losses."""
    load = f"size={size},rate={rate},count={count}"
    waits = ["--wait-ms", SETTLE * 1000, "--linger-ms", SETTLE * 1000]
    publisher = room.datatracks("publish", "--name", NAME, "--generate", load, *waits)
    publisher.status(seconds=DEADLINE * 2 + count / rate)
    return told(publisher, "could not be sent")


def python(room, size, rate, count):
    publisher = room.python("publisher")
    publisher.write(f"publish {NAME}")
    publisher.until_event("published", name=NAME)
    time.sleep(SETTLE)
    payloads, start = [base64.b64encode(payload).decode() for payload in pattern(size)], time.monotonic()
    for number in range(count):
        time.sleep(max(start + number / rate - time.monotonic(), 0))
        publisher.write(f"send {NAME} {int(time.time() * 1000)} {payloads[number % len(payloads)]}")
    time.sleep(SETTLE)
    publisher.status()
    refused = sum('"not sent"' in line for line in publisher.said)
    return [f"{refused} refused by its sender"] if refused else []


def pattern(size):
    """What the command line generates; it begins again after 256 frames."""
    ramp = bytes(7 * k % 256 for k in range(256)) * (size // 256 + 1)
    return [bytes((byte + 31 * i) % 256 for byte in ramp[:256]) * (size // 256) + bytes((byte + 31 * i) % 256 for byte in ramp[: size % 256]) for i in range(256)]


def made(size, known={}):
    if size not in known:
        known[size] = {hashlib.sha256(payload).hexdigest()[:16] for payload in pattern(size)}
    return known[size]


def told(process, words):
    return [line for line in process.said if words in line and not line.startswith(("{", "sent "))]


def drops(server):
    return server.log.read_text(errors="replace").count(DROP)


def latency(frames):
    late = sorted(line["latency_ms"] for line in frames)
    return f"{statistics.median(late):.0f}, {late[len(late) * 99 // 100]} ms" if late else ""


def lines(process):
    """What it has said until the track's end."""
    while (line := process.line(timeout=DEADLINE)) is not None and line.get("event") != "ended":
        yield line


if __name__ == "__main__":
    sys.exit(main())
