"""Reads what the sensor publishes until it ends. Arguments: port of `datatracks sfu --plain`, name of the room."""

import asyncio
import struct
import sys

from host import Host


async def main(port, room):
    with Host(("127.0.0.1", int(port)), {"identity": "subscriber", "room": room}) as host:
        await asyncio.to_thread(host.wait_until_joined)
        track = await host.remote.wait_for_track("position", publisher_identity=None, timeout_ms=30_000)
        print(f"reading {track.info().name} of {track.publisher_identity()}", flush=True)
        stream, frames = await track.subscribe(), 0
        while frame := await stream.next():
            x, y, z = struct.unpack(">3d", frame.payload)
            frames += 1
            if frames % 10 == 1:
                print(f"{x:.3f} {y:.3f} {z:.3f}", flush=True)
        print(f"{frames} frames, ended: {stream.end_reason().name}")


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except ConnectionError as error:
        sys.exit(str(error))
