"""Memory of a reader that is left running; the full form has it."""

import re
import time
from pathlib import Path

from sending import sending

MINUTES = 10
PACE = 30  # seconds between two looks
BOUND = 2 << 20  # bytes: a leak of a byte in a hundred that come would be more


def test_a_subscribe_left_running_holds_after_ten_minutes_what_it_held_after_one(room):
    peer = room.python()
    peer.write("publish pose")
    publisher = room.datatracks("publish", "--name", "load", "--generate", "size=20000,rate=50")
    publisher.until_remark('published "load"')
    readers = {name: room.datatracks("subscribe", "--name", name, "--json") for name in ("load", "pose")}
    for name, reader in readers.items():
        reader.until_remark(f'subscribed to "{name}"')
    held, arrived = {name: [] for name in readers}, dict.fromkeys(readers, 0)
    with sending(peer, "pose"):
        start = time.monotonic()
        for look in range(1, MINUTES * 60 // PACE + 1):
            for name, reader in readers.items():
                while reader.line_until(start + look * PACE - (0.1 if name == "load" else 0)):
                    arrived[name] += 1
                held[name].append(resident(reader))
    for name, values in held.items():
        print(f"{name}: {arrived[name]} frames, KiB after each {PACE} s: {[value >> 10 for value in values]}")
    for name, (_, after_a_minute, *later) in held.items():
        assert max(later) - after_a_minute < BOUND, f"{name} has grown: {held[name]}"
    assert arrived["load"] > MINUTES * 60 * 50 * 0.8 and arrived["pose"] > MINUTES * 60 * 5, arrived


def resident(process):
    """Bytes of memory."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) << 10
