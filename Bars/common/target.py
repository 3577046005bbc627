"""A server that a forward sink sends to: one that takes each event and closes, or one that answers for ever."""
import socket
import threading

ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"


class Target:
    """Takes POSTs on a free port of loopback and counts them. Use it with `with`.

    `endless` answers each of them with a body that has no end, `hangs` does not answer at all; else the answer is 204 and the connection is closed, so
    that every event takes a new one.
    """

    def __init__(self, endless=False, hangs=False):
        self.endless, self.hangs = endless, hangs
        self.taken = 0
        self.sent_bytes = 0

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/events"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection:
                self._read(connection)
                self.taken += 1
                if self.hangs:
                    connection.recv(1)  # until hookd gives up
                    return
                if not self.endless:
                    connection.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
                    return
                connection.sendall(ENDLESS)
                piece = b"1000\r\n" + b"x" * 4096 + b"\r\n"
                while True:
                    connection.sendall(piece)
                    self.sent_bytes += len(piece)
        except (OSError, ValueError):
            pass  # hookd has closed it, or is gone

    def _read(self, connection):
        """Reads one request to its end."""
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._some(connection)
        start, _, body = received.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in start.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        while len(body) < int(lengths[0]):
            body += self._some(connection)

    def _some(self, connection):
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("the request ended early")
        return piece
