"""The Python participant of the room of test_room.py, where the lines are that it takes and gives."""

import asyncio
import base64
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "python-package/examples"))
sys.path.insert(0, os.environ.get("DATATRACKS_PYTHON", str(ROOT / "target/bindings/python")))

import datatracks as dt  # noqa: E402
from host import Host  # noqa: E402


async def participate(address, room, identity, passphrase, *others):
    host, _, port = address.rpartition(":")
    participant = Host((host, int(port)), {"identity": identity, "room": room}, **providers(passphrase))
    track = await participant.local.publish_track(dt.DataTrackOptions(name=identity))
    tracks = [await participant.remote.wait_for_track(other, other, 30_000) for other in others]
    async with asyncio.TaskGroup() as reading:
        for other in tracks:
            reading.create_task(read(other.publisher_identity(), await other.subscribe()))
        say("ready")
        while line := (await asyncio.to_thread(sys.stdin.readline)).rstrip("\n"):
            match line.split(" "):
                case ["send", timestamp, payload]:
                    await track.send(dt.DataTrackFrame(payload=base64.b64decode(payload), user_timestamp=int(timestamp)))
                case ["tell"]:
                    for other in tracks:
                        sealed = "sealed" if other.info().uses_e2ee else "plain"
                        say("track", other.publisher_identity(), sealed, other.stats().frames_dropped_undecryptable)
        panics = participant.local.stats().panics + participant.remote.stats().panics
        participant.close()
    say("left", panics)


def providers(passphrase):
    if not passphrase:
        return {}
    keys = dt.KeyRing(dt.KeyRingOptions(derivation=dt.KeyDerivation.HKDF))
    keys.set_shared_key(passphrase.encode(), 0)
    return {"encryption": keys.encryption_provider(None), "decryption": keys.decryption_provider()}


async def read(publisher, stream):
    while (frame := await stream.next()) is not None:
        say("frame", publisher, frame.user_timestamp, base64.b64encode(frame.payload).decode())


def say(*words):
    print(*words, flush=True)


asyncio.run(participate(*sys.argv[1:]))
