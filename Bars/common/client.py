"""A client that blocks: one request, one answer, and how long it took."""
import socket
import statistics
import time


class Answer:
    """An answer as it was read."""

    def __init__(self, status, fields, body):
        self.status, self.fields, self.body = status, fields, body

    def __repr__(self):
        return f"{self.status} {self.body[:120]!r}"


def connect(port, source=None, timeout=10):
    client = socket.create_connection(
        ("127.0.0.1", port), timeout=timeout, source_address=(source, 0) if source else None)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return client


def split_answer(received):
    """The first answer in `received`, and the bytes behind it; None while it is not whole. Interim answers are
    skipped. Raises ValueError where the bytes are no answer."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    lines = received[:end].split(b"\r\n")
    if not lines[0].startswith(b"HTTP/1.") or not lines[0][9:12].isdigit():
        raise ValueError(f"not an answer: {received[:80]!r}")
    status = int(lines[0][9:12])
    fields = {name.strip().lower().decode(): value.strip().decode("latin-1")
              for name, _, value in (line.partition(b":") for line in lines[1:])}
    if status < 200:
        return split_answer(received[end + 4:])
    length = int(fields.get("content-length", "0"))
    if len(received) < end + 4 + length:
        return None
    body = received[end + 4:end + 4 + length]
    return Answer(status, fields, body), received[end + 4 + length:]


def read_answer(client):
    """The next answer, which must be the last of what arrives; None where the connection ended before."""
    received = b""
    while True:
        try:
            piece = client.recv(65536)
        except ConnectionError:
            return None
        if not piece:
            return None
        received += piece
        if whole := split_answer(received):
            return whole[0]


def ask(port, request, source=None, timeout=10):
    """The answer to a request on a connection of its own; None where there was none."""
    try:
        with connect(port, source, timeout) as client:
            client.sendall(request)
            return read_answer(client)
    except OSError:
        return None


class Latencies:
    """Times of answers, in milliseconds, and the statuses of those that were not 200; None stands for no answer."""

    def __init__(self):
        self.milliseconds, self.others = [], []

    def percentile(self, percent):
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else float("inf")

    @property
    def longest(self):
        return max(self.milliseconds, default=float("inf"))


def measure_callbacks(port, callbacks, seconds, source=None, a_second=300, patience=30):
    """Sends good callbacks one after the other for `seconds`: three on a kept connection, one on a new one, and so on.
    One that is not answered for `patience` seconds counts as so long."""
    measured, kept, number = Latencies(), None, 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        request = callbacks.request()
        began = time.monotonic()
        if number % 4 == 3:
            answer = ask(port, request, source, patience)
        else:
            try:
                kept = kept or connect(port, source, patience)
                kept.sendall(request)
                answer = read_answer(kept)
            except OSError:
                answer = None
            if answer is None:
                kept = None
        measured.milliseconds.append(1000 * (time.monotonic() - began))
        if answer is None or answer.status != 200:
            measured.others.append(answer.status if answer else None)
        number += 1
        time.sleep(max(0, began + 1 / a_second - time.monotonic()))
    if kept:
        kept.close()
    return measured


def median_of_rounds(rounds, percent):
    """The median over several rounds of their percentile: one round that was disturbed does not decide."""
    return statistics.median(latencies.percentile(percent) for latencies in rounds)
