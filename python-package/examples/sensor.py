"""A sensor that measures a hundred times a second. Arguments: port of `datatracks sfu --plain`, name of the room, samples."""

import asyncio
import math
import struct
import sys

import datatracks as dt
from host import Host


async def main(port, room, samples="1000"):
    with Host(("127.0.0.1", int(port)), {"identity": "sensor", "room": room}) as host:
        await asyncio.to_thread(host.wait_until_joined)
        track = await host.local.publish_track(dt.DataTrackOptions(name="position"))
        print(f"publishing {track.info().name}", flush=True)
        for number in range(int(samples)):
            position = struct.pack(">3d", math.sin(number / 10), 0, 1)
            await track.send(dt.DataTrackFrame(payload=position))
            await asyncio.sleep(0.01)
        track.unpublish()


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except ConnectionError as error:
        sys.exit(str(error))
