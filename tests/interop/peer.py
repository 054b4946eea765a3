"""A participant by the Python SDK of LiveKit, as a process that is told by lines what to do, and says what happens in lines of JSON.

    it is told                      it says
    publish NAME                    {"event": "published", "name", "encrypted"}, or "refused" with "error"
    send NAME TIMESTAMP|- PAYLOAD   nothing, or "not sent" with "error"; the payload in base64
    generate NAME SIZE RATE COUNT   nothing: sends so many frames of so many bytes, so many a second, as it goes on listening
    unpublish NAME                  "unpublished"
    subscribe NAME                  when there is such a track: "frame" with "name", "len", "sha", "ts", "latency_ms" for each; "ended"
    (end of input)                  "left"

Untold it says "joined", "track" and "untrack" (one of another appears or ends), "gone" (another participant), "reconnected", "disconnected". `sha` is the first 16
digits of the SHA-256. Room and identity come from LIVEKIT_URL and LIVEKIT_TOKEN, what it encrypts with from DATATRACKS_E2EE_PASSPHRASE
(key by PBKDF2) or DATATRACKS_E2EE_KEY (base64, key by HKDF). `browser/peer.mjs` is the same with livekit-client, without `generate`.
"""

import asyncio
import base64
import contextlib
import hashlib
import json
import os
import sys
import time

from livekit import rtc


async def main():
    await Peer().run()  # made here, since a room belongs to the loop that runs


class Peer:
    def __init__(self):
        self.room, self.published, self.found, self.wanted, self.tasks = rtc.Room(), {}, {}, set(), set()
        self.room.on("data_track_published", self.appeared)
        self.room.on("data_track_unpublished", self.vanished)
        self.room.on("participant_disconnected", lambda participant: say("gone", identity=participant.identity))
        self.room.on("disconnected", lambda reason: say("disconnected"))
        self.room.on("reconnected", lambda: say("reconnected"))

    async def run(self):
        await self.room.connect(os.environ["LIVEKIT_URL"], os.environ["LIVEKIT_TOKEN"], rtc.RoomOptions(encryption=encryption()))
        say("joined")
        while line := await asyncio.to_thread(sys.stdin.readline):
            command, *words = line.split()
            await getattr(self, command)(*words)
        await self.room.disconnect()
        say("left")

    async def publish(self, name):
        try:
            track = await self.room.local_participant.publish_data_track(name=name)
        except Exception as error:
            say("refused", name=name[:100], error=str(error)[:200])
            return
        self.published[name] = track
        say("published", name=name, encrypted=track.info.uses_e2ee)

    async def send(self, name, timestamp, payload):
        timestamp = None if timestamp == "-" else int(timestamp)
        try:
            self.published[name].try_push(rtc.DataTrackFrame(payload=base64.b64decode(payload), user_timestamp=timestamp))
        except rtc.PushFrameError as error:
            say("not sent", name=name, error=str(error.message)[:200])

    async def generate(self, name, size, rate, count):
        self.start(self.send_all(name, bytes(int(size)), float(rate), int(count)))

    async def send_all(self, name, payload, rate, count):
        start = time.monotonic()
        for number in range(count):
            await asyncio.sleep(max(start + number / rate - time.monotonic(), 0))
            with contextlib.suppress(rtc.PushFrameError):  # a full queue: the frame is lost
                stamp = int(time.time() * 1000)
                self.published[name].try_push(rtc.DataTrackFrame(payload=payload, user_timestamp=stamp))

    async def unpublish(self, name):
        await self.published[name].unpublish()
        say("unpublished", name=name)

    async def subscribe(self, name, besides=None):
        track = next((track for track in self.found.values() if track.info.name == name and track is not besides), None)
        self.read(track) if track else self.wanted.add(name)

    def appeared(self, track):
        info = track.info
        self.found[info.sid] = track
        say("track", publisher=track.publisher_identity, name=info.name, sid=info.sid, encrypted=info.uses_e2ee)
        if info.name in self.wanted:
            self.wanted.discard(info.name)
            self.read(track)

    def vanished(self, sid):
        track = self.found.pop(sid, None)
        say("untrack", name=track and track.info.name)

    def read(self, track):
        self.start(self.follow(track))

    async def follow(self, track):
        """After a reconnect of its own the SDK still has tracks that are not there any more: another one comes, or has come."""
        if not await read(track):
            await self.subscribe(track.info.name, besides=track)

    def start(self, work):
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def read(track):
    """False when it has read nothing of a track that is not there any more."""
    name, error, begun = track.info.name, {}, False
    try:
        async for frame in track.subscribe(buffer_size=256):
            payload, stamp = bytes(frame.payload), frame.user_timestamp
            latency = stamp and int(time.time() * 1000) - stamp
            sha = hashlib.sha256(payload).hexdigest()[:16]
            begun = True
            say("frame", name=name, len=len(payload), sha=sha, ts=stamp, latency_ms=latency)
    except rtc.SubscribeDataTrackError as refused:
        error["error"] = str(refused.message)[:200]
    say("ended", name=name, **error)
    return begun or error.get("error", UNKNOWN) != UNKNOWN


UNKNOWN = "Cannot subscribe to unknown track"


def encryption():
    if key := os.environ.get("DATATRACKS_E2EE_KEY"):
        options = rtc.KeyProviderOptions(shared_key=base64.b64decode(key))
        options.key_derivation_function = rtc.KeyDerivationFunction.HKDF
    elif passphrase := os.environ.get("DATATRACKS_E2EE_PASSPHRASE"):
        options = rtc.KeyProviderOptions(shared_key=passphrase.encode())
    else:
        return None
    return rtc.E2EEOptions(key_provider_options=options)


def say(event, **what):
    print(json.dumps({"event": event, **what}), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
    # Threads of the SDK call the interpreter until the last, and abort a process in which it has ended.
    os._exit(0)
