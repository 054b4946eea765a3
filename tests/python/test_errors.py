"""Every error of the surface: raised once for real and caught by its own type, or named here with the reason why not (P2, P6)."""

import asyncio
import inspect

import datatracks as dt
import pytest
from host import SIGNAL, field_number
from peer import (
    STORE_DATA_BLOB,
    connected,
    frame,
    options,
    publish_response,
    request_id,
    request_response,
    subscription_permission,
    until,
)
from test_waits import LARGE

RAISED = set()

ONLY_HOSTS_THROW_IT = {
    "DelegateError.Failed": "what an exception of a delegate becomes; the library never raises it",
    "EncryptionError.Failed": "what an exception of a provider becomes; the built-in provider fails for want of a key only",
}


class caught:
    """As `pytest.raises`, by the class `dt.Kind.Variant`, and remembered as raised."""

    def __init__(self, name, **fields):
        self.name, self.fields = name, fields

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        family, variant = self.name.split(".")
        assert kind is not None, f"{self.name} was not raised"
        assert kind is getattr(getattr(dt, family), variant), f"{kind} instead of {self.name}"
        assert issubclass(kind, getattr(dt, family)) and issubclass(kind, Exception)
        text = str(error)
        for field, value in self.fields.items():
            assert getattr(error, field) == value
            assert str(value) in text
        assert " " in text or family == "DelegateError", f"{self.name} shows {text!r}"
        RAISED.add(self.name)
        return True


SCHEMA = dt.DataTrackSchemaId(name="Pose", encoding=dt.DataTrackSchemaEncoding.PROTOBUF())


async def test_options_that_make_no_sense(join):
    publish = join("alice").local.publish_track
    with caught("PublishError.InvalidName", length=0):
        await publish(options(""))
    with caught("PublishError.InvalidName", length=257):
        await publish(options("n" * 257))
    with caught("PublishError.FrameEncodingMissing"):
        await publish(options("track", schema=SCHEMA))
    with caught("PublishError.SchemaMissing"):
        await publish(options("track", frame_encoding=dt.DataTrackFrameEncoding.ROS1()))
    with caught("PublishError.SchemaMismatch"):
        await publish(options("track", schema=SCHEMA, frame_encoding=dt.DataTrackFrameEncoding.JSON()))
    with caught("PublishError.InvalidEncoding", length=33):
        await publish(options("track", frame_encoding=dt.DataTrackFrameEncoding.CUSTOM("e" * 33)))
    with caught("PublishError.EncryptionUnavailable"):
        await publish(options("track", encryption=dt.EncryptionMode.REQUIRED))


async def test_what_the_sfu_refuses(join):
    alice = join("alice")
    await alice.local.publish_track(options("taken"))
    with caught("PublishError.DuplicateName"):
        await alice.local.publish_track(options("taken"))
    alice.control("refuse_next", reason=3)
    with caught("PublishError.LimitReached"):
        await alice.local.publish_track(options("one too many"))
    alice.control("refuse_next", reason=6)
    with caught("PublishError.Rejected", code=6):
        await alice.local.publish_track(options("unlucky"))
    with caught("PublishError.NotAllowed"):
        await join("mute", permissions={"can_publish_data": False}).local.publish_track(options("track"))


async def test_an_answer_that_contradicts_the_request(join):
    alice = join("alice")
    alice.held_back = []
    publishing = asyncio.create_task(alice.local.publish_track(options("plain")))
    await until(lambda: alice.held_back)
    alice.local.handle_signal_response(publish_response(1, "DTR_forged", "plain", encrypted=True))
    with caught("PublishError.UnexpectedAnswer"):
        await publishing


async def test_what_the_host_cannot_send(join):
    alice, bob = join("alice"), join("bob")
    await alice.local.publish_track(options("there"))
    track = await bob.remote.wait_for_track("there", None, 10_000)
    alice.broken = bob.broken = {SIGNAL}
    with caught("PublishError.SignalNotSent"):
        await alice.local.publish_track(options("track"))
    with caught("SubscribeError.SignalNotSent"):
        await track.subscribe()
    with caught("SchemaError.SignalNotSent"):
        await alice.local.define_schema(SCHEMA, b"syntax")
    alice.broken = bob.broken = set()  # or else they could not say that they leave


async def test_what_is_never_answered(join):
    alice, bob = join("alice"), join("bob")
    await alice.local.publish_track(options("there"))
    track = await bob.remote.wait_for_track("there", None, 10_000)
    deaf = join("deaf", permissions={"can_subscribe": False})
    alice.control("lose_next")
    publishing = asyncio.create_task(alice.local.publish_track(options("lost")))
    unheard = await deaf.remote.wait_for_track("there", None, 10_000)
    bob.held_back = []
    defining = asyncio.create_task(bob.local.define_schema(SCHEMA, b"syntax"))
    subscribing = asyncio.create_task(unheard.subscribe())
    with caught("SchemaError.TimedOut"):
        await defining
    with caught("SubscribeError.TimedOut"):
        await subscribing
    with caught("PublishError.TimedOut"):
        await publishing
    with caught("WaitError.TimedOut"):
        await bob.remote.wait_for_track("never", None, 50)


async def test_what_is_cancelled(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob, max_waiting_bytes=1, drop_policy=dt.DropPolicy.REFUSE)
    await alice.local.publish_track(options("another"))
    another = await bob.remote.wait_for_track("another", None, 10_000)
    alice.local.handle_buffered_amount(1 << 30)
    track.try_push(LARGE)
    token = dt.CancelToken()
    token.cancel()
    with caught("PublishError.Cancelled"):
        await alice.local.publish_track(options("track"), token)
    with caught("PushFrameError.Cancelled"):
        await track.send(frame(b"no room"), token)
    with caught("SubscribeError.Cancelled"):
        await another.subscribe(token)
    with caught("SchemaError.Cancelled"):
        await alice.local.define_schema(SCHEMA, b"syntax", token)
    with caught("WaitError.Cancelled"):
        await stream.next(token)


async def test_pushes_that_are_not_accepted(join):
    alice, bob = join("alice"), join("bob")
    refusing = await alice.local.publish_track(
        options("refusing", max_waiting_bytes=1, drop_policy=dt.DropPolicy.REFUSE)
    )
    alice.local.handle_buffered_amount(1 << 30)
    refusing.try_push(LARGE)
    with caught("PushFrameError.QueueFull"):
        refusing.try_push(frame(b"no room"))
    with caught("PushFrameError.QueueFull"):
        refusing.try_push_bytes(b"no room")
    assert refusing.stats().frames_refused == 2
    with caught("PushFrameError.FrameTooLarge", max=128 * (16_000 - 12)):
        refusing.try_push(frame(bytes(128 * (16_000 - 12) + 1)))
    refusing.unpublish()
    with caught("PushFrameError.TrackUnpublished"):
        refusing.try_push(frame(b"too late"))
    with caught("PushFrameError.TrackUnpublished"):
        await refusing.send(frame(b"too late"))


async def test_a_provider_that_throws(join):
    class Throws(dt.EncryptionProvider):
        def encrypt(self, payload):
            raise RuntimeError

    track = await join("alice", encryption=Throws()).local.publish_track(options("track"))
    with caught("PushFrameError.EncryptionFailed"):
        track.try_push(frame(b"never plain"))


async def test_subscriptions_that_cannot_be(join):
    keys = dt.KeyRing(dt.KeyRingOptions())
    alice, bob = join("alice", encryption=keys.encryption_provider()), join("bob")
    ours = await alice.local.publish_track(options("plain", encryption=dt.EncryptionMode.PLAIN))
    await alice.local.publish_track(options("sealed"))
    sealed = await bob.remote.wait_for_track("sealed", None, 10_000)
    plain = await bob.remote.wait_for_track("plain", None, 10_000)
    with caught("SubscribeError.DecryptionUnavailable"):
        await sealed.subscribe()
    with caught("SubscribeError.InvalidOptions"):
        await plain.subscribe_with_options(dt.DataTrackSubscribeOptions(buffer_frames=0))
    with caught("SubscribeError.InvalidOptions"):
        await plain.subscribe_with_options(dt.DataTrackSubscribeOptions(reorder_window_ms=10_001))
    bob.held_back = []
    subscribing = asyncio.create_task(plain.subscribe())
    await until(lambda: plain.subscription_state() == dt.SubscriptionState.PENDING)
    bob.remote.handle_signal_response(subscription_permission(plain.info().sid, allowed=False))
    with caught("SubscribeError.NotPermitted"):
        await subscribing
    held, bob.held_back = bob.held_back, None
    for data in held:
        bob.remote.handle_signal_response(data)
    ours.unpublish()
    await plain.wait_for_unpublish()
    with caught("SubscribeError.Unpublished"):
        await plain.subscribe()


async def test_after_a_shutdown(join):
    alice, bob = join("alice"), join("bob")
    track, stream = await connected(alice, bob)
    remote = bob.remote.tracks()[0]
    waiting = asyncio.create_task(bob.remote.wait_for_track("never", None, 0))
    await asyncio.sleep(0)
    alice.local.shutdown()
    bob.remote.shutdown()
    with caught("PublishError.Closed"):
        await alice.local.publish_track(options("track"))
    with caught("SchemaError.Closed"):
        await alice.local.define_schema(SCHEMA, b"syntax")
    with caught("SubscribeError.Closed"):
        await remote.subscribe()
    with caught("WaitError.Closed"):
        await waiting
    with caught("SignalError.Closed"):
        alice.local.handle_signal_response(publish_response(1, "DTR_1", "x", encrypted=False))


async def test_signals_that_are_none(join):
    alice = join("alice")
    answer = publish_response(9, "DTR_9", "nine", encrypted=False)
    for handle in (alice.local.handle_signal_response, alice.remote.handle_sfu_join_response):
        with caught("SignalError.Malformed"):
            handle(b"\xff\xff\xff")
    with caught("SignalError.UnexpectedMessage", tag=27):
        alice.remote.handle_sfu_subscriber_handles(answer)
    with caught("SignalError.UnexpectedMessage", tag=0):
        alice.local.handle_sfu_publish_response(b"")
    assert alice.remote.handle_signal_response(answer) == dt.SignalOutcome.IGNORED


def test_keys_that_are_none():
    keys = dt.KeyRing(dt.KeyRingOptions(derivation=dt.KeyDerivation.HKDF))
    with caught("KeyRingError.InvalidOptions"):
        dt.KeyRing(dt.KeyRingOptions(ring_size=0))
    with caught("KeyRingError.InvalidKeyIndex", key_index=16, ring_size=16):
        keys.set_shared_key(b"key", 16)
    with caught("KeyRingError.EmptyKey"):
        keys.set_shared_key(b"", 0)
    with caught("KeyRingError.KeyMissing", key_index=3):
        keys.ratchet_shared_key(3)
    with caught("EncryptionError.KeyMissing", key_index=0):
        keys.encryption_provider().encrypt(b"payload")
    sealed = dt.EncryptedPayload(payload=bytes(32), iv=bytes(12), key_index=5)
    with caught("DecryptionError.KeyMissing", key_index=5):
        keys.decryption_provider().decrypt(sealed, "alice")
    keys.set_shared_key(b"key", 5)
    with caught("DecryptionError.Failed"):
        keys.decryption_provider().decrypt(sealed, "alice")


async def test_schemas_that_cannot_be_stored_or_found(join):
    alice = join("alice")
    with caught("SchemaError.InvalidSchema"):
        await alice.local.define_schema(SCHEMA, b"")
    with caught("SchemaError.NotFound"):
        await alice.local.get_schema("nobody", SCHEMA)
    other = dt.DataTrackSchemaId(name="Other", encoding=dt.DataTrackSchemaEncoding.PROTOBUF())
    await alice.local.define_schema(other, bytes(40_000))
    with caught("SchemaError.LimitReached"):
        await alice.local.define_schema(SCHEMA, bytes(40_000))


@pytest.mark.parametrize("reason, name", [(2, "NotAllowed"), (6, "Rejected")])
async def test_schemas_that_the_sfu_refuses(join, reason, name):
    alice = join("alice")
    alice.held_back = []
    defining = asyncio.create_task(alice.local.define_schema(SCHEMA, b"syntax"))
    await until(lambda: alice.held_back)
    request = alice.sent_signals[-1]
    assert field_number(request) == STORE_DATA_BLOB
    alice.local.handle_signal_response(request_response(request_id(request), reason, "in words"))
    with caught(f"SchemaError.{name}", **({"code": 6, "detail": "in words"} if name == "Rejected" else {})):
        await defining


def test_errors_that_only_hosts_throw_are_of_their_family():
    for name in ONLY_HOSTS_THROW_IT:
        family, variant = name.split(".")
        with caught(name):
            raise getattr(getattr(dt, family), variant)()


def test_errors_say_in_words_what_went_wrong():
    assert str(dt.WaitError.TimedOut()) == "the time given is over"
    refused = dt.SchemaError.Rejected(code=6, detail="no, sorry")
    assert str(refused) == "the SFU refused: no, sorry (code: 6)"
    assert repr(refused) == "SchemaError.Rejected(the SFU refused: no, sorry (code: 6))"


def test_no_error_of_the_surface_is_left_out(request):
    if request.config.option.keyword or request.session.testscollected < 15:
        pytest.fail("counts what the tests above raised: run this whole file")
    everything = set()
    for family, kind in inspect.getmembers(dt, inspect.isclass):
        if family.endswith("Error") and family != "InternalError" and issubclass(kind, Exception):
            variants = inspect.getmembers(kind, lambda one: inspect.isclass(one) and issubclass(one, kind))
            everything |= {f"{family}.{variant}" for variant, _ in variants if not variant.startswith("_")}
    assert len(everything) > 50
    assert everything - RAISED == set()
