"""Callbacks as Sinch signs them, each new, and as bytes of HTTP."""
import base64
import hashlib
import hmac
import itertools
import os
import time

SECRET = b"bars-secret-0123456789"
PATH = "/callbacks"


def signature_fields(body, nonce, timestamp=None, secret=SECRET):
    """The four header fields that sign `body`."""
    timestamp = int(time.time()) if timestamp is None else timestamp
    code = hmac.new(secret, body + f".{nonce}.{timestamp}".encode(), hashlib.sha256).digest()
    return [
        b"x-sinch-webhook-signature-algorithm: HmacSHA256",
        b"x-sinch-webhook-signature-timestamp: %d" % timestamp,
        b"x-sinch-webhook-signature-nonce: %s" % nonce.encode(),
        b"x-sinch-webhook-signature: %s" % base64.b64encode(code),
    ]


def event_id(body):
    """The id that hookd gives a body: the first half of its SHA-256."""
    return hashlib.sha256(body).hexdigest()[:32]


def head(fields, target=PATH, method="POST", version="HTTP/1.1"):
    """A request's head."""
    lines = [f"{method} {target} {version}".encode(), b"Host: localhost", *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def plain_request(target="/absent", method="GET", *fields):
    """A request that is no callback."""
    return head(list(fields), target, method)


class Callbacks:
    """A source of callbacks with nonces that no other source makes."""

    def __init__(self, prefix="bar", size=600):
        self.prefix = f"{prefix}{os.getpid():x}{time.time_ns():x}"
        self.size = size
        self.numbers = itertools.count()

    def nonce(self):
        return f"{self.prefix}{next(self.numbers):08d}"

    def body(self, nonce, size=None):
        """A JSON body of about `size` bytes that holds the nonce, so that no two events have the same id."""
        start = b'{"project_id":"bars","message":{"id":"%s","text":"' % nonce.encode()
        return start + b"x" * max(0, (size or self.size) - len(start) - 3) + b'"}}'

    def request(self, size=None, fields=(), target=PATH, secret=SECRET):
        """A signed callback with its length, whole."""
        nonce = self.nonce()
        body = self.body(nonce, size)
        lines = [b"Content-Type: application/json", b"Content-Length: %d" % len(body), *fields]
        return head(lines + signature_fields(body, nonce, secret=secret), target) + body
