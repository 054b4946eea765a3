"""Encryption fails closed (P4): what was asked to be encrypted leaves sealed or not at all, and ciphertext reaches nobody."""

import asyncio
import os
import struct

import datatracks as dt
import pytest
from peer import connected, frame, options, publish_response, subscribed, until

SECRET = b"nobody else may read this"


def ring(passphrase=b"passphrase", **more):
    ring = dt.KeyRing(dt.KeyRingOptions(derivation=dt.KeyDerivation.HKDF, **more))
    if passphrase:
        ring.set_shared_key(passphrase, 0)
    return ring


def sealed_by(ring, identity=None):
    return {"encryption": ring.encryption_provider(identity), "decryption": ring.decryption_provider()}


class Mirror(dt.EncryptionProvider, dt.DecryptionProvider):
    """No cipher at all, but plain to see: the bytes are turned round, and a tag tells whose they are."""

    def __init__(self):
        self.opened_for = []

    def encrypt(self, payload):
        return dt.EncryptedPayload(payload=payload[::-1] + b"tag", iv=os.urandom(12), key_index=3)

    def decrypt(self, payload, publisher_identity):
        self.opened_for.append(publisher_identity)
        assert payload.key_index == 3 and len(payload.iv) == 12
        if not payload.payload.endswith(b"tag"):
            raise dt.DecryptionError.Failed()
        return payload.payload[:-3][::-1]


@pytest.mark.parametrize("size", [0, 1, 20_000, 1 << 20])
async def test_a_key_ring_seals_and_opens(join, size):
    alice, bob = join("alice", **sealed_by(ring())), join("bob", **sealed_by(ring()))
    track, stream = await connected(alice, bob)
    payload = (SECRET * (size // len(SECRET) + 1))[:size]
    track.try_push(frame(payload, 5))
    assert await stream.next() == frame(payload, 5)
    assert track.info().uses_e2ee
    assert all(SECRET not in packet for packet in alice.sent_packets + bob.received_packets)


async def test_a_provider_that_answers_text_instead_of_bytes_has_failed(join):
    class Careless(Mirror):
        def decrypt(self, payload, publisher_identity):
            return super().decrypt(payload, publisher_identity).decode()

    alice, bob = join("alice", encryption=Mirror()), join("bob", decryption=Careless())
    track, _ = await connected(alice, bob)
    track.try_push(frame(SECRET))
    await until(lambda: bob.remote.tracks()[0].stats().frames_dropped_undecryptable == 1)
    assert bob.remote.stats().delegate_errors == 1


async def test_a_provider_in_python_seals_and_opens(join):
    mirror = Mirror()
    alice, bob = join("alice", encryption=Mirror()), join("bob", decryption=mirror)
    track, stream = await connected(alice, bob)
    track.try_push(frame(SECRET))
    assert (await stream.next()).payload == SECRET
    assert mirror.opened_for == ["alice"]
    assert all(SECRET not in packet for packet in alice.sent_packets)


async def test_each_participant_may_have_a_key_of_its_own(join):
    keys = ring(passphrase=None)
    keys.set_participant_key("alice", b"of alice", 0)
    keys.set_participant_key("bob", b"of bob", 0)
    alice, bob = join("alice", **sealed_by(keys, "alice")), join("bob", **sealed_by(keys, "bob"))
    there, from_alice = await connected(alice, bob, "there")
    back, from_bob = await connected(bob, alice, "back")
    there.try_push(frame(b"to bob"))
    back.try_push(frame(b"to alice"))
    assert (await from_alice.next()).payload == b"to bob"
    assert (await from_bob.next()).payload == b"to alice"


async def test_another_key_opens_nothing_and_is_counted(join):
    alice, bob = join("alice", **sealed_by(ring())), join("bob", **sealed_by(ring(b"another")))
    track, stream = await connected(alice, bob)
    track.try_push(frame(SECRET))
    remote = bob.remote.tracks()[0]
    await until(lambda: remote.stats().frames_dropped_undecryptable == 1)
    assert stream.stats().frames_waiting == 0


async def test_a_ratcheted_key_is_found_inside_the_window(join):
    ours = ring()
    alice, bob = join("alice", **sealed_by(ours)), join("bob", **sealed_by(ring(ratchet_window=4)))
    track, stream = await connected(alice, bob)
    ours.ratchet_shared_key(0)
    ours.ratchet_shared_key(0)
    track.try_push(frame(SECRET))
    assert (await stream.next()).payload == SECRET


async def test_a_provider_that_throws_lets_nothing_out(join):
    class Throws(Mirror):
        def encrypt(self, payload):
            raise RuntimeError("no keys today")

    alice, bob = join("alice", encryption=Throws()), join("bob", decryption=Mirror())
    track, stream = await connected(alice, bob)
    plain = await alice.local.publish_track(options("plain", encryption=dt.EncryptionMode.PLAIN))
    open_stream = await subscribed(bob, "plain")
    with pytest.raises(dt.PushFrameError.EncryptionFailed):
        track.try_push(frame(SECRET))
    with pytest.raises(dt.PushFrameError.EncryptionFailed):
        await track.send(frame(SECRET))
    plain.try_push(frame(b"as ever"))
    assert (await open_stream.next()).payload == b"as ever"
    assert track.stats().frames_accepted == 0
    assert alice.local.stats().delegate_errors == 2
    assert all(SECRET not in packet for packet in alice.sent_packets)
    assert stream.stats().frames_waiting == 0


async def test_a_provider_that_cannot_open_costs_that_frame_only(join):
    class Stumbles(Mirror):
        def decrypt(self, payload, publisher_identity):
            if not self.opened_for:
                self.opened_for.append(publisher_identity)
                raise RuntimeError("stumbled")
            return super().decrypt(payload, publisher_identity)

    alice, bob = join("alice", encryption=Mirror()), join("bob", decryption=Stumbles())
    track, stream = await connected(alice, bob)
    track.try_push(frame(b"first"))
    track.try_push(frame(b"second"))
    assert (await stream.next()).payload == b"second"
    assert bob.remote.tracks()[0].stats().frames_dropped_undecryptable == 1
    assert bob.remote.stats().delegate_errors == 1


async def test_a_plain_track_is_plain_in_spite_of_a_provider_when_asked_for(join):
    alice, bob = join("alice", **sealed_by(ring())), join("bob", **sealed_by(ring()))
    track, stream = await connected(alice, bob, encryption=dt.EncryptionMode.PLAIN)
    track.try_push(frame(b"for all to read"))
    assert (await stream.next()).payload == b"for all to read"
    assert not track.info().uses_e2ee
    assert any(b"for all to read" in packet for packet in alice.sent_packets)


async def test_without_a_provider_an_encrypted_track_cannot_be_read(join):
    alice, bob = join("alice", **sealed_by(ring())), join("bob")
    await alice.local.publish_track(options("sealed"))
    track = await bob.remote.wait_for_track("sealed", "alice", 10_000)
    assert track.info().uses_e2ee
    with pytest.raises(dt.SubscribeError.DecryptionUnavailable):
        await track.subscribe()


async def test_a_plain_frame_on_an_encrypted_track_is_refused(join):
    alice, bob = join("alice", **sealed_by(ring())), join("bob", **sealed_by(ring()))
    track, stream = await connected(alice, bob)
    track.try_push(frame(b"sealed"))
    assert (await stream.next()).payload == b"sealed"
    handle, sequence, number = struct.unpack(">HHH", bob.received_packets[-1][2:8])
    single = 0x18  # version 0, start and final, no extensions: plain
    forged = struct.pack(">BxHHHI", single, handle, sequence + 1 & 0xFFFF, number + 1 & 0xFFFF, 0) + b"forged"
    bob.remote.handle_packet_received(forged)
    await until(lambda: bob.remote.tracks()[0].stats().frames_dropped_encryption_mismatch == 1)
    assert stream.stats().frames_waiting == 0


class Outlet(dt.LocalDataTrackManagerDelegate):
    """A host that keeps what it is to send."""

    def __init__(self):
        self.signals, self.packets = [], []

    def on_signal_request(self, request):
        self.signals.append(request)

    def on_packets_available(self, packets):
        self.packets += map(bytes, packets)

    def on_track_published(self, track):
        pass

    def on_track_unpublished(self, track, reason):
        pass


async def test_a_process_and_its_fork_use_no_iv_twice():
    outlet = Outlet()
    manager = dt.LocalDataTrackManager(outlet, ring().encryption_provider(None), "alice")
    publishing = asyncio.create_task(manager.publish_track(options("pose")))
    await until(lambda: outlet.signals)
    manager.handle_signal_response(publish_response(1, "DTR_1", "pose", encrypted=True))
    track = await publishing
    track.try_push(frame(b"before"))  # random numbers are fetched in blocks, and some are left
    end, begin = os.pipe()
    if (child := os.fork()) == 0:
        track.try_push(frame(b"child"))
        os.write(begin, outlet.packets[-1])
        os._exit(0)
    os.waitpid(child, 0)
    track.try_push(frame(b"parent"))
    ivs = [packet[15:27] for packet in (*outlet.packets, os.read(end, 1 << 16))]
    assert len(ivs) == len(set(ivs)) == 3
    manager.shutdown()
