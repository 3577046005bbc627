"""Thousands of clients that are slow, in a process of their own, so that the clients that are measured have theirs.

Four kinds: `idle` have had one request answered and keep their connection; `head` send a head byte by byte, a byte a
second; `body` send a head with the first byte of its body, then some bytes a second; `reader` send requests for ever and
read no answer. A `head` or `body` that is cut off comes back at once, as an attacker would.
"""
import errno
import heapq
import multiprocessing
import select
import socket
import time

from .callbacks import head, plain_request

SOURCES = [f"127.0.{high}.{low}" for high in range(1, 11) for low in range(1, 101)]
IP_BIND_ADDRESS_NO_PORT = 24
HEAD = b"POST /callbacks HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
PIPELINED = plain_request("/absent") * 64
CONNECTING_AT_ONCE = 256
BODY_BYTES_A_SECOND = 256


class Member:
    """One client: its kind, its socket, and when its request began."""

    def __init__(self, kind, connection):
        self.kind, self.connection = kind, connection
        self.is_ready = False
        self.began = None
        self.received = b""
        self.unsent = b""


class Crowd:
    """The crowd's process. Runs an event loop that is told over a pipe what to add and what to report."""

    def __init__(self, port, pipe):
        self.port, self.pipe = port, pipe
        self.poll = select.epoll()
        self.poll.register(pipe.fileno(), select.EPOLLIN)
        self.members, self.drips = {}, []
        self.wanted = dict.fromkeys(("idle", "head", "body", "reader"), 0)
        self.to_open, self.connecting, self.source = [], 0, 0
        self.cut = {kind: [] for kind in self.wanted}
        self.ready = dict.fromkeys(self.wanted, 0)
        self.comes_back = True

    def run(self):
        while True:
            self.open_some()
            due = self.drips[0][0] - time.monotonic() if self.drips else 1
            for descriptor, events in self.poll.poll(max(0.001, min(due, 0.05) if self.to_open else min(due, 1))):
                if descriptor == self.pipe.fileno():
                    if not self.obey(*self.pipe.recv()):
                        return
                elif member := self.members.get(descriptor):
                    self.handle(member, events)
            self.drip()

    def obey(self, command, argument=None):
        if command == "add":
            kind, count = argument
            self.wanted[kind] += count
            self.to_open += [kind] * count
        elif command == "report":
            held = dict.fromkeys(self.wanted, 0)
            for member in self.members.values():
                held[member.kind] += member.is_ready
            self.pipe.send({"held": held, "cut": self.cut})
        elif command == "leave":
            return False
        return True

    def open_some(self):
        while self.to_open and self.connecting < CONNECTING_AT_ONCE:
            kind = self.to_open.pop()
            connection = socket.socket()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
            if kind == "reader":
                # Small buffers: it is hookd that is to be filled, not the kernel.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
            self.source = (self.source + 1) % len(SOURCES)
            connection.bind((SOURCES[self.source], 0))
            if connection.connect_ex(("127.0.0.1", self.port)) not in (0, errno.EINPROGRESS):
                connection.close()
                self.to_open.append(kind)
                return
            self.members[connection.fileno()] = Member(kind, connection)
            self.poll.register(connection.fileno(), select.EPOLLOUT | select.EPOLLIN)
            self.connecting += 1

    def handle(self, member, events):
        if events & (select.EPOLLERR | select.EPOLLHUP):
            self.ended(member)
        elif not member.is_ready:
            if events & select.EPOLLOUT:
                self.begin(member)
        elif member.kind == "reader":
            self.flood(member)
        elif events & select.EPOLLIN:
            self.receive(member)

    def begin(self, member):
        """Connected: sends what its kind sends first."""
        self.connecting -= 1
        member.is_ready = True
        member.began = time.monotonic()
        descriptor = member.connection.fileno()
        interest = select.EPOLLIN
        if member.kind == "reader":
            interest = select.EPOLLOUT | select.EPOLLRDHUP
        elif member.kind == "idle":
            member.connection.send(plain_request("/absent"))
        elif member.kind == "head":
            member.connection.send(HEAD)
        else:
            member.connection.send(head([b"Content-Length: 1000000"]) + b"x")
        if member.kind in ("head", "body"):
            heapq.heappush(self.drips, (member.began + 1, descriptor, id(member)))
        self.poll.modify(descriptor, interest)

    def drip(self):
        now = time.monotonic()
        while self.drips and self.drips[0][0] <= now:
            due, descriptor, name = heapq.heappop(self.drips)
            member = self.members.get(descriptor)
            if member is None or id(member) != name:
                continue
            try:
                member.connection.send(b"x" if member.kind == "head" else b"x" * BODY_BYTES_A_SECOND)
            except BlockingIOError:
                pass
            except OSError:
                self.ended(member)
                continue
            heapq.heappush(self.drips, (due + 1, descriptor, name))

    def flood(self, member):
        """Sends some more requests; where there is no room for them, it is told when there is."""
        try:
            member.unsent = member.unsent or PIPELINED
            member.unsent = member.unsent[member.connection.send(member.unsent):]
        except BlockingIOError:
            pass
        except OSError:
            self.ended(member)

    def receive(self, member):
        try:
            piece = member.connection.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if member.kind == "idle" and piece:
            return
        if piece and not member.received:
            self.note(member, piece)
        member.received += piece
        if not piece:
            self.ended(member)

    def note(self, member, piece):
        """It was cut off: the status that it was told, 0 for none, and how long after its first byte."""
        status = int(piece[9:12]) if piece[9:12].isdigit() else 0
        self.cut[member.kind].append((status, time.monotonic() - member.began))

    def ended(self, member):
        descriptor = member.connection.fileno()
        if not member.is_ready:
            self.connecting -= 1
        elif not member.received:
            self.note(member, b"")
        self.members.pop(descriptor, None)
        member.connection.close()
        if self.comes_back:
            self.to_open.append(member.kind)


class Slow:
    """A crowd, from the process that measures. Use it with `with`."""

    def __init__(self, port):
        self.port = port

    def __enter__(self):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.get_context("fork").Process(
            target=lambda: Crowd(self.port, other).run(), daemon=True)
        self.process.start()
        other.close()
        return self

    def __exit__(self, *_):
        self.pipe.send(("leave",))
        self.process.join(10)
        self.process.kill()

    def add(self, kind, count):
        self.pipe.send(("add", (kind, count)))

    def report(self):
        """How many of each kind are connected, and of those that were cut off the status and the seconds."""
        self.pipe.send(("report",))
        return self.pipe.recv()

    def gather(self, seconds=60, **wanted):
        """Adds clients, and waits until they are connected and have begun."""
        before = self.report()["held"]
        for kind, count in wanted.items():
            self.add(kind, count)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            held = self.report()["held"]
            # Those that are cut off and come back are missing for a moment.
            if all(held[kind] >= 0.98 * (before[kind] + count) for kind, count in wanted.items()):
                return
            time.sleep(0.1)
        raise SystemExit(f"the crowd did not gather: {held}")
