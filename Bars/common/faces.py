"""A server with many faces: each is a port of loopback where forward sinks send to, and misbehaves in its own way until
it is told to be good. Runs in a process of its own, so that it does not slow the clients down."""
import multiprocessing
import socket
import ssl
import struct
import subprocess
import threading
import time

BAD = ["refuse", "hang", "reset", "drip", "endless", "redirect", "busy", "broken", "wrong-name"]
GOOD = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"
ANSWERS = {
    "redirect": b"HTTP/1.1 301 Moved Permanently\r\nLocation: http://169.254.169.254/latest/meta-data/\r\n"
                b"Content-Length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n",
    "broken": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
}


def certificate(directory, name, host):
    """A certificate for `host` that vouches for itself. Returns the paths of certificate and key."""
    paths = f"{directory}/{name}.pem", f"{directory}/{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days",
               "2", "-subj", "/CN=hookd-bar", "-addext", f"subjectAltName={host}",
               "-keyout", paths[1], "-out", paths[0]]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return paths


class Face:
    """One of them: what it was asked, and the events that it took with a 2xx, in their order."""

    def __init__(self, name, directory):
        self.name, self.is_good = name, name == "good"
        self.asked, self.taken, self.early = 0, [], 0
        self.not_before = 0
        self.context = None
        if name == "wrong-name":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(f"{directory}/wrong.pem", f"{directory}/wrong.key")
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        if name != "refuse":  # bound, and with nobody who listens: refused
            self.listen()

    def listen(self):
        self.listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def become_good(self, directory):
        self.is_good = True
        if self.name == "refuse":
            self.listen()
        if self.name == "wrong-name":
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(f"{directory}/right.pem", f"{directory}/right.key")

    def _accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            with connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                received = b""
                while True:
                    sequence, received = self._read(connection, received)
                    self.asked += 1
                    self._answer(connection, sequence)
        except (OSError, ValueError):
            pass

    def _read(self, connection, received):
        """The sequence of the next request's event, and what was received behind it."""
        while b"\r\n\r\n" not in received:
            received += self._some(connection)
        start, _, body = received.partition(b"\r\n\r\n")
        lines = (line.partition(b":") for line in start.split(b"\r\n")[1:])
        fields = {name.lower(): value.strip() for name, _, value in lines}
        length = int(fields[b"content-length"])
        while len(body) < length:
            body += self._some(connection)
        return int(fields[b"ce-sequence"]), body[length:]

    def _some(self, connection):
        piece = connection.recv(65536)
        if not piece:
            raise ValueError("the connection ended")
        return piece

    def _answer(self, connection, sequence):
        if self.is_good:
            self.taken.append(sequence)
            connection.sendall(GOOD)
        elif self.name in ANSWERS:
            if self.name == "busy":
                # Whoever was told to wait for five seconds should.
                self.early += time.monotonic() < self.not_before - 0.05
                self.not_before = time.monotonic() + 5
            connection.sendall(ANSWERS[self.name])
        elif self.name == "hang":
            connection.recv(1)  # until hookd gives up
            raise ValueError
        elif self.name == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise ValueError
        elif self.name == "drip":
            for byte in GOOD:
                connection.sendall(bytes([byte]))
                time.sleep(1)
        elif self.name == "endless":
            self.taken.append(sequence)  # a 2xx counts, whatever is behind it
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                connection.sendall(b"1000\r\n" + b"x" * 4096 + b"\r\n")
                time.sleep(0.02)


def _run(names, directory, pipe):
    faces = {name: Face(name, directory) for name in names}
    pipe.send({name: face.port for name, face in faces.items()})
    while True:
        command = pipe.recv()
        if command == "good":
            for face in faces.values():
                if not face.is_good:
                    face.become_good(directory)
            pipe.send(None)
        elif command == "report":
            pipe.send({name: (face.asked, list(face.taken), face.early) for name, face in faces.items()})


class Faces:
    """The server. Use it with `with`; `ports` are by the faces' names."""

    def __init__(self, directory, names):
        certificate(directory, "wrong", "DNS:elsewhere.example")
        certificate(directory, "right", "IP:127.0.0.1")
        # hookd is to believe both, so that it is the name that is wrong.
        with open(f"{directory}/both.pem", "wb") as both:
            for name in ("wrong", "right"):
                with open(f"{directory}/{name}.pem", "rb") as one:
                    both.write(one.read())
        self.directory, self.names = directory, names

    def __enter__(self):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=_run, args=(self.names, self.directory, other), daemon=True)
        self.process.start()
        self.ports = self.pipe.recv()
        return self

    def sink(self, name, **more):
        """The configuration of a sink that sends to a face."""
        tls = name == "wrong-name"
        sink = {"type": "forward", "url": f"{'https' if tls else 'http'}://127.0.0.1:{self.ports[name]}/events",
                "timeout": "2s", "retry": {"initial": "250ms", "maximum": "2s"}, **more}
        return {**sink, "tls": {"ca": f"{self.directory}/both.pem"}} if tls else sink

    def become_good(self):
        self.pipe.send("good")
        self.pipe.recv()

    def report(self):
        """By name: how often it was asked, the sequences that it took, and how often it was asked too early."""
        self.pipe.send("report")
        return self.pipe.recv()

    def __exit__(self, *_):
        self.process.kill()
        self.process.join()
