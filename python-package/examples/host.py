"""A whole host in a page. It owns the transport, the two managers do the rest: copy it, and put your own there.

Here the transport is the plain protocol of `datatracks sfu --plain` and `datatracks bridge --plain`: one TCP connection, each
message a kind (0 hello, 1 signal, 2 packet, 3 a refusal), a length (32 bits, big-endian) and its bytes. In an SDK, signals are the
binary messages of the WebSocket, and packets those of the data channel `_data_track`.
"""

import contextlib
import json
import socket
import struct
import threading

import datatracks as dt

HELLO, SIGNAL, PACKET, CONTROL = 0, 1, 2, 3
JOIN, LEAVE, RECONNECT = 1, 8, 19  # fields of SignalResponse; a LeaveRequest has the same number in SignalRequest
PATIENCE = 10  # seconds for the SFU to let us in


class Sending(dt.LocalDataTrackManagerDelegate):
    def __init__(self, host):
        self.host = host

    def on_signal_request(self, request):
        self.host.send(SIGNAL, request)  # an exception tells the manager that it was not sent

    def on_packets_available(self, packets):
        for packet in packets:
            self.host.send(PACKET, packet)

    def on_track_published(self, track):
        self.host.event("local published", track)

    def on_track_unpublished(self, track, reason):
        self.host.event("local unpublished", track, reason)


class Receiving(dt.RemoteDataTrackManagerDelegate):
    def __init__(self, host):
        self.host = host

    def on_signal_request(self, request):
        self.host.send(SIGNAL, request)

    def on_track_published(self, track):
        self.host.event("published", track)

    def on_track_unpublished(self, track, reason):
        self.host.event("unpublished", track, reason)

    def on_subscription_changed(self, track, state):
        self.host.event("subscription", track, state)


class Host:
    """`with Host(…) as host:` leaves at the end, and raises a ConnectionError if the connection ended before."""

    def __init__(self, address, hello, encryption=None, decryption=None):
        self.address, self.hello = address, hello
        self.failure, self.leaves = None, False
        self.sending, self.joined = threading.Lock(), threading.Event()
        self.local = dt.LocalDataTrackManager(Sending(self), encryption, hello["identity"])
        self.remote = dt.RemoteDataTrackManager(Receiving(self), decryption, hello["identity"])
        self.connect(resume=False)

    def connect(self, resume):
        self.socket, self.resuming = socket.create_connection(self.address), resume
        self.send(HELLO, json.dumps({**self.hello, "resume": resume}).encode())
        self.receiver = threading.Thread(target=self.receive, args=(self.socket,), daemon=True)
        self.receiver.start()

    def send(self, kind, data):
        with self.sending:
            self.socket.sendall(struct.pack(">BI", kind, len(data)) + data)

    def wait_until_joined(self):
        """Raises a ConnectionError when the SFU does not let us in."""
        if not self.joined.wait(PATIENCE):
            raise ConnectionError("the SFU does not answer")
        if self.failure:
            raise self.failure

    def receive(self, connection):
        try:
            stream = connection.makefile("rb")
            while True:
                kind, length = struct.unpack(">BI", read(stream, 5))
                data = read(stream, length)
                if connection is self.socket:  # what a replaced connection still says is out of date
                    self.handle(kind, data)
        except dt.SignalError.Closed:
            pass  # we were shut down
        except (OSError, dt.SignalError) as error:
            if connection is self.socket and not self.leaves:
                self.lost(error)

    def lost(self, error):
        """An SDK comes back here: `self.connect(resume=True)`. This host ends, and with it every wait and every stream."""
        self.failure = ConnectionError(f"the connection has ended: {error}")
        self.shutdown()

    def handle(self, kind, data):
        if kind == CONTROL:
            raise ConnectionError(f"the SFU refuses us: {json.loads(data)['error']}")
        if kind == PACKET:
            self.remote.handle_packet_received(data)
        elif kind == SIGNAL:
            self.local.handle_signal_response(data)  # each takes what is its own and ignores the rest
            self.remote.handle_signal_response(data)
            self.after_reconnect(field_number(data))

    def after_reconnect(self, message):
        if message == JOIN and self.joined.is_set():  # a full reconnect: the SFU knows nothing of us any more
            self.local.republish_tracks()
            self.remote.resend_subscription_updates()
        elif message == RECONNECT:  # a quick one: the SFU wants to know what we think is published
            tracks = self.local.publish_responses_for_sync_state()
            sync_state = b"".join(length_delimited(8, track) for track in tracks)
            self.send(SIGNAL, length_delimited(12, sync_state))
            self.remote.resend_subscription_updates()
        elif message == LEAVE and self.resuming:  # the quick one was refused
            self.connect(resume=False)
            return
        elif message == LEAVE:
            raise ConnectionError("the SFU says goodbye")
        self.resuming = False
        self.joined.set()

    def event(self, *what):
        """Override: these are for the application."""

    def shutdown(self):
        self.local.shutdown()
        self.remote.shutdown()
        self.joined.set()  # who waits for it waits no longer

    def close(self):
        self.leaves = True
        self.shutdown()
        with contextlib.suppress(OSError):  # the connection may be gone already
            self.send(SIGNAL, length_delimited(LEAVE, b""))  # a LeaveRequest; without it the SFU waits for us to come back
            self.socket.shutdown(socket.SHUT_RDWR)
        if self.receiver is not threading.current_thread():
            self.receiver.join(5)  # Python must not end below a thread that is in one of our calls

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
        if self.failure:
            raise self.failure  # the cause of whatever else went wrong


def read(stream, length):
    data = stream.read(length)
    if len(data) < length:
        raise ConnectionError("the SFU has closed it")
    return data


def field_number(message):
    """Which field of the oneof a SignalResponse holds: the first varint, without its three type bits."""
    key = shift = 0
    for byte in message:
        key |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return key >> 3


def length_delimited(number, data):
    """One protobuf field of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(value):
    return bytes([value]) if value < 0x80 else bytes([value & 0x7F | 0x80]) + varint(value >> 7)
