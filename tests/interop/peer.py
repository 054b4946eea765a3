"""A participant by the Python SDK of LiveKit, as a process: publishes or reads one data track.

publish    says {"event": "published"}, waits for a line on standard input, sends --count frames of --size bytes at --rate a second
           over and over, since servers drop packets when they are busy, and leaves after another line, or 20 rounds
subscribe  says {"event": "joined"}, then a line a frame ({"len", "sha", "ts"}), until the track ends: {"event": "ended"}

Where the server is and its key and secret come from LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, the passphrase from
DATATRACKS_E2EE_PASSPHRASE. Byte k of frame i is (31*i + 7*k) mod 256, its timestamp is 1000 + i.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import os
import sys

from livekit import api, rtc

ROUNDS = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=["publish", "subscribe"])
    parser.add_argument("--room", required=True)
    parser.add_argument("--identity", required=True)
    parser.add_argument("--name", required=True, help="of the track")
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--rate", type=float, default=20)
    arguments = parser.parse_args()
    role = {"publish": publish, "subscribe": subscribe}[arguments.role]
    asyncio.run(role(arguments))


async def publish(arguments):
    room = await join(arguments)
    track = await room.local_participant.publish_data_track(name=arguments.name)
    say(event="published", encrypted=track.info.uses_e2ee)
    await line()
    enough = asyncio.create_task(line())
    for index in itertools.islice(itertools.cycle(range(arguments.count)), ROUNDS * arguments.count):
        if enough.done():
            break
        payload = frame(index, arguments.size)
        track.try_push(rtc.DataTrackFrame(payload=payload, user_timestamp=1000 + index))
        await asyncio.sleep(1 / arguments.rate)
    await enough
    await room.disconnect()


async def subscribe(arguments):
    found = asyncio.get_running_loop().create_future()

    def published(track):
        if track.info.name == arguments.name and not found.done():
            found.set_result(track)

    room = await join(arguments, data_track_published=published)
    say(event="joined")
    async for received in (await found).subscribe(buffer_size=256):
        payload = bytes(received.payload)
        sha = hashlib.sha256(payload).hexdigest()[:16]
        say(len=len(payload), sha=sha, ts=received.user_timestamp)
    say(event="ended")
    await room.disconnect()


async def join(arguments, **handlers):
    room = rtc.Room()
    for event, handler in handlers.items():
        room.on(event, handler)
    grants = api.VideoGrants(room_join=True, room=arguments.room)
    token = api.AccessToken().with_identity(arguments.identity).with_grants(grants).to_jwt()
    options = rtc.RoomOptions()
    if passphrase := os.environ.get("DATATRACKS_E2EE_PASSPHRASE"):
        key = rtc.KeyProviderOptions(shared_key=passphrase.encode())
        options.encryption = rtc.E2EEOptions(key_provider_options=key)
    await room.connect(os.environ["LIVEKIT_URL"], token, options)
    return room


async def line():
    await asyncio.to_thread(sys.stdin.readline)


def frame(index, size):
    return bytes((31 * index + 7 * k) % 256 for k in range(size))


def say(**what):
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
