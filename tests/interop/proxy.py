"""A TCP proxy of the tests' own between a client and the server's WebSocket: it can be cut. Media goes past it, over UDP."""

import contextlib
import socket
import threading


class Proxy:
    def __init__(self, port):
        self.port, self.pairs, self.is_open = port, [], True
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def url(self):
        return f"ws://127.0.0.1:{self.listener.getsockname()[1]}"

    def accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client = self.listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.port)) if self.is_open else None
                if server is None:
                    client.close()
                    continue
                self.pairs.append((client, server))
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self.forward, args=(source, sink), daemon=True).start()

    def forward(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        """Ends every connection; new ones are let through."""
        pairs, self.pairs = self.pairs, []
        for end in (end for pair in pairs for end in pair):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def ask_server(self, request):
        """Puts a SignalRequest of below 126 bytes between those of the client: a masked binary message of the WebSocket."""
        self.pairs[-1][1].sendall(bytes([0x82, 0x80 | len(request)]) + bytes(4) + request)

    def tell_client(self, response):
        """Puts a SignalResponse of below 126 bytes between those of the server: a binary message of the WebSocket."""
        self.pairs[-1][0].sendall(bytes([0x82, len(response)]) + response)

    def close(self):
        self.listener.close()
        self.cut()


# SignalRequest.simulate, of it node_failure: the server forgets the participant, without a word.
SIMULATE_NODE_FAILURE = bytes([13 << 3 | 2, 2, 2 << 3, 1])
# SignalResponse.trickle of a candidate, and SignalResponse.offer of an SDP, that are neither.
NONSENSE = {"trickle": bytes([4 << 3 | 2, 3, 1 << 3 | 2, 1, ord("{")]), "offer": bytes([3 << 3 | 2, 3, 2 << 3 | 2, 1, ord("?")])}
