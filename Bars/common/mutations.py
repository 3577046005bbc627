"""Signed callbacks whose framing two readers could take in two ways, from a seed.

Each case is one mutated callback as bytes. It may hide a second one, whole and rightly signed, where only a reader that
goes wrong would find it: in a body, in a chunk, in an extension of a chunk, in a field. Every callback, hidden or not,
names itself in the query of its target, so that a proxy's log tells which ones the proxy took for requests.
"""
import re

from .callbacks import PATH, head, signature_fields

CHUNKED = b"Transfer-Encoding: chunked"


class Offer:
    """A callback that is offered to a proxy: its name, which is its nonce, and its body."""

    def __init__(self, nonce, body):
        self.nonce, self.body = nonce, body
        self.fields = signature_fields(body, nonce)
        self.target = f"{PATH}?c={nonce}"

    def request(self, *fields, body=None, method="POST", version="HTTP/1.1", target=None):
        """The callback with these framing fields; `body` is what stands behind the head, if not the body itself."""
        return head([*fields, *self.fields], target or self.target, method, version) + (
            self.body if body is None else body)

    def plain(self, *fields):
        """The callback as any good client sends it."""
        return self.request(length(len(self.body)), *fields)


def length(number):
    return b"Content-Length: %d" % number


def chunk(data, line=b"%x\r\n", end=b"\r\n"):
    return (line % len(data) if b"%" in line else line) + data + end


LAST = b"0\r\n\r\n"

# Ways to write Transfer-Encoding that some reader takes for chunked and another one does not.
ENCODINGS = [
    CHUNKED, b"Transfer-Encoding: Chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked", b"Transfer-Encoding:\tchunked", b"Transfer-Encoding: \tchunked ",
    b"Transfer-Encoding: chunked\x0b", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding : chunked",
    b"Transfer-Encoding\t: chunked", b"Transfer_Encoding: chunked", b"Transfer-Encoding: \"chunked\"",
    b"Transfer-Encoding: chunked;q=1", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", CHUNKED + b"\r\n" + CHUNKED,
    b"X-A: b\nTransfer-Encoding: chunked", b"X-A: b\rTransfer-Encoding: chunked", b"Transfer-Encoding: chunke",
    b"Transfer-Encoding: chunked\x00", b"\x00Transfer-Encoding: chunked", b"TE: chunked", b"Transfer-Encoding: ,chunked",
    b" Transfer-Encoding: chunked", b"X-A: b\r\n Transfer-Encoding: chunked", b"Transfer-Encoding: c\xc3\xbcnked",
    b"Transfer-Encoding;: chunked", b"Transfer-Encoding chunked",
]

# Ways to write a length, of which `{}` is the number.
LENGTHS = [
    "Content-Length: +{}", "Content-Length: -{}", "Content-Length: 0{}", "Content-Length: 000000000000000000000{}",
    "Content-Length: 0x{:x}", "Content-Length: {}, {}", "Content-Length: {},", "Content-Length: {} {}",
    "Content-Length: {}\r\nContent-Length: {}", "Content-Length: {}\r\nContent-Length: 0",
    "Content-Length: 0\r\nContent-Length: {}", "Content-Length : {}", "Content_Length: {}", "Content-Length:\r\n {}",
    "Content-Length: {}\x0b", "Content-Length: {}\x00", "Content-Length: {}_0", "Content-Length: {}.0",
    "Content-Length: 1844674407370955{}", "Content-Length: \"{}\"", "Content-Length:", "X-A: b\nContent-Length: {}",
    "X-A: b\rContent-Length: {}", "Content-Length: {}\r\nContent_Length: 0", "Content-Length: {}e0", "Content-Length {}",
    "Content-Length: {}\t", "content-length:{}", " Content-Length: {}", "Content-Length: {};x",
    "Content-Length: {}\r\nTransfer-Encoding: identity", "Connection: Content-Length\r\nContent-Length: {}",
    "Connection: keep-alive, Transfer-Encoding\r\nContent-Length: {}",
]

# Lines before a chunk's data, of which the size is filled in; and what may stand behind the data.
CHUNK_LINES = [
    b"%x\n", b"%x \r\n", b" %x\r\n", b"%x\t\r\n", b"%X\r\n", b"0%x\r\n", b"00000000000000000%x\r\n", b"0x%x\r\n",
    b"+%x\r\n", b"-%x\r\n", b"%x;\r\n", b"%x;a\r\n", b"%x;a=b\r\n", b"%x; a = b\r\n", b"%x;a=\"b\r\n\r\nc\"\r\n",
    b"%x;\n", b"%x;a\n", b"%x;a\nb\r\n", b"%x;a\rb\r\n", b"%x;\x00\r\n", b"%x\r\r\n", b"%x\r", b"%x_0\r\n", b"%x.0\r\n",
    b"1000000000000000%x\r\n", b"%xg\r\n", b"%x\x0b\r\n", b"\r\n%x\r\n", b"%x,5\r\n", b"%x;" + b"e" * 5000 + b"\r\n",
]
CHUNK_ENDS = [b"\n", b"", b"\r", b"XX", b"\r\n\r\n", b" \r\n", b"\r\r\n"]
LAST_CHUNKS = [
    b"0\n\n", b"0\r\n\n", b"0\n\r\n", b"00000\r\n\r\n", b"0;a\r\n\r\n", b"0;a\n\r\n", b"0\r\nX-T: t\r\n\r\n", b"0\r\n",
    b"0\r\nX-T: t\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"",
    b"0\r\nX T: t\r\n\r\n", b"0 \r\n\r\n", b"0x0\r\n\r\n", b"-0\r\n\r\n", b"0\r\n X: folded\r\n\r\n", b"0\r\n\r\n\r\n",
    b"0\r\nHost: other\r\n\r\n", b"0\r\nx-sinch-webhook-signature: x\r\n\r\n",
]

# Lines that do not frame anything, and yet have led readers astray.
DECORATIONS = [
    b"X-Folded: a\r\n b", b"X-Folded: a\r\n\tContent-Length: 0", b"X_Underscore: 1", b"X-A : b", b"X-A\t: b", b": b",
    b"X-A", b"X-A: a\x00b", b"X-A: a\x0bb", b"X-A: a\x7fb", b"X-A: a\xffb", b"X-\xff: a", b"X-A: a\rb", b"X-A: a\nX-B: b",
    b"Host: other", b"Connection: keep-alive", b"Connection: close, x-a", b"Connection: content-length",
    b"Connection: x-sinch-webhook-signature", b"Connection: host", b"Keep-Alive: timeout=1", b"Upgrade: h2c",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    b"Connection: Upgrade\r\nUpgrade: websocket", b"Expect: 100-continue", b"Expect: 200-ok", b"Expect:",
    b"Expect: 100-continue, x", b"X-A: " + b"a" * 6000, b"X_Sinch_Webhook_Signature: x", b"Trailer: Content-Length",
    b"TE: trailers", b"Proxy-Connection: close", b"X-A: b\r\n\r", b"X-A: (\r\n", b"Content-Encoding: gzip",
]

TARGETS = ["{}", "//callbacks?c={n}", "http://localhost{}", "http://other{}", "{}#x", "/./callbacks?c={n}",
           "/callbacks/?c={n}", "/callback%73?c={n}", "{}%00", "{} x", "{}\\", "{}\x7f", "{}%0d%0aX: y"]
METHODS = ["GET", "PUT", "DELETE", "OPTIONS", "post", "POST ", "P\x00ST"]
VERSIONS = ["HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP/01.1", "HTTP/1,1", ""]


class Mutator:
    """Makes cases out of a random generator. `offer(end, start=b"")` makes a new callback whose body ends, and begins, with
    these bytes."""

    def __init__(self, random, offer):
        self.random, self.offer = random, offer
        self.framings = [
            self.length_in_some_writing, self.hidden_in_body, self.length_too_short, self.length_too_long,
            self.chunks, self.chunk_in_some_writing, self.chunk_end, self.last_chunk, self.encoding_in_some_writing,
            self.length_wins_or_chunks, self.chunks_win_or_length, self.length_and_chunks, self.hidden_in_extension,
            self.extension_over_line_feed, self.chunks_of_1_0, self.other_method, self.no_framing, self.two_bodies,
        ]

    def case(self):
        """The name of a mutation, and its bytes."""
        framing = self.random.choice(self.framings)
        request = framing()
        names = [framing.__name__]
        for _ in range(self.random.choice([0, 0, 0, 1, 1, 2])):
            request = self.decorated(request)
            names.append("decorated")
        if self.random.random() < 0.06:
            request = self.with_other_request_line(request)
            names.append("request_line")
        if self.random.random() < 0.12:
            request = self.damaged(request)
            names.append("damaged")
        return "+".join(names), request

    # Framings.

    def hidden(self):
        """A whole callback, for a place where none should be found."""
        return self.offer(b"").plain()

    def hiding(self):
        """A callback whose body begins or ends with a hidden one."""
        return self.offer(b"", start=self.hidden()) if self.random.random() < 0.5 else self.offer(self.hidden())

    def body(self):
        return self.hiding() if self.random.random() < 0.5 else self.offer(b"")

    def length_in_some_writing(self):
        offer = self.body()
        text = self.random.choice(LENGTHS)
        number = self.random.choice([len(offer.body)] * 3 + [5, 0])
        return offer.request(text.format(number, number).encode())

    def hidden_in_body(self):
        return self.hiding().plain()

    def length_too_short(self):
        offer = self.body()
        return offer.request(length(self.random.randrange(len(offer.body))))

    def length_too_long(self):
        offer = self.body()
        return offer.request(length(len(offer.body) + self.random.choice([1, 2, 5, 100, 700, 10**6, 10**12])))

    def split(self, data):
        """The data in chunks of random sizes."""
        pieces, at = [], 0
        while at < len(data):
            size = self.random.choice([1, 2, 15, 16, 64, 255, 1000])
            pieces.append(data[at:at + size])
            at += size
        return pieces

    def chunks(self):
        offer = self.body()
        return offer.request(CHUNKED, body=b"".join(map(chunk, self.split(offer.body))) + LAST)

    def with_one_odd_chunk(self, line=b"%x\r\n", end=b"\r\n"):
        offer = self.body()
        pieces = self.split(offer.body)
        odd = self.random.randrange(len(pieces))
        body = b"".join(chunk(piece, line, end) if at == odd else chunk(piece) for at, piece in enumerate(pieces))
        return offer.request(CHUNKED, body=body + LAST)

    def chunk_in_some_writing(self):
        return self.with_one_odd_chunk(line=self.random.choice(CHUNK_LINES))

    def chunk_end(self):
        return self.with_one_odd_chunk(end=self.random.choice(CHUNK_ENDS))

    def last_chunk(self):
        offer = self.body()
        return offer.request(CHUNKED, body=b"".join(map(chunk, self.split(offer.body))) + self.random.choice(LAST_CHUNKS))

    def encoding_in_some_writing(self):
        offer = self.body()
        return offer.request(self.random.choice(ENCODINGS), body=chunk(offer.body) + LAST)

    def shuffled(self, *fields):
        fields = list(fields)
        self.random.shuffle(fields)
        return fields

    def length_wins_or_chunks(self):
        """A reader that takes the length sees one body; one that takes the chunks sees none, and then the hidden one."""
        offer = self.offer(b"", start=LAST + self.hidden())
        return offer.request(*self.shuffled(length(len(offer.body)), self.random.choice(ENCODINGS)))

    def chunks_win_or_length(self):
        """The other way round: the length covers only the line of the first chunk, the hidden one is its data."""
        offer = self.offer(b"", start=self.hidden())
        line = b"%x\r\n" % len(offer.body)
        return offer.request(*self.shuffled(length(len(line)), self.random.choice(ENCODINGS)),
                             body=line + offer.body + b"\r\n" + LAST)

    def length_and_chunks(self):
        offer = self.body()
        body = chunk(offer.body) + LAST
        number = self.random.choice([len(body), len(offer.body), 0, 1])
        return offer.request(*self.shuffled(length(number), self.random.choice(ENCODINGS)), body=body)

    def hidden_in_extension(self):
        offer = self.offer(b"")
        return offer.request(CHUNKED, body=chunk(offer.body, line=b"%x;a=\"" % len(offer.body) + b"\r\n" + LAST
                                                 + self.hidden() + b"\"\r\n") + LAST)

    def extension_over_line_feed(self):
        """For one reader a line feed ends the size's line, and the hidden one is in a chunk; for the other the line
        goes on, the chunk is another one, and the hidden one comes behind the body."""
        tail = LAST + self.hidden()
        ending = self.random.choice([b"\n", b"\r", b"\n\n", b" \n", b"\x0b\n"])
        size = b"%x" % len(tail)
        offer = self.offer(b"")
        body = chunk(offer.body) + b"%x;%s" % (len(size), ending) + b"x" * len(size) + b"\r\n" + size + b"\r\n" + tail
        return offer.request(CHUNKED, body=body + b"\r\n" + LAST)

    def chunks_of_1_0(self):
        offer = self.body()
        return offer.request(*self.shuffled(CHUNKED, b"Connection: keep-alive"), body=chunk(offer.body) + LAST,
                             version="HTTP/1.0")

    def other_method(self):
        offer = self.hiding()
        return offer.request(length(len(offer.body)), method=self.random.choice(METHODS))

    def no_framing(self):
        return self.body().request(body=self.random.choice([b"", self.hidden(), b"\r\n" + self.hidden(), b"0\r\n\r\n"]))

    def two_bodies(self):
        offer = self.body()
        return offer.plain() + self.random.choice([b"\r\n", b"\n", b"\r\n\r\n", b"\x00", b"garbage", b"0\r\n\r\n", b" "])

    # What is done to a request as bytes.

    def decorated(self, request):
        """With one more line in its head, before or behind any other."""
        start, _, rest = request.partition(b"\r\n\r\n")
        lines = start.split(b"\r\n")
        lines.insert(self.random.randrange(1, len(lines) + 1), self.random.choice(DECORATIONS))
        return b"\r\n".join(lines) + b"\r\n\r\n" + rest

    def with_other_request_line(self, request):
        line, _, rest = request.partition(b"\r\n")
        method, target, version = line.decode("latin-1").split(" ", 2)
        which = self.random.randrange(4)
        if which == 0:
            template = self.random.choice(TARGETS)
            target = template.replace("{}", target).replace("{n}", target.partition("c=")[2])
        elif which == 1:
            version = self.random.choice(VERSIONS)
        elif which == 2:
            method = self.random.choice(METHODS)
        else:
            method = self.random.choice(["\r\n", "\r\n\r\n", "\n", " ", "\x00"]) + method
        return f"{method} {target} {version}\r\n".encode("latin-1") + rest

    def damaged(self, request):
        """With one byte changed, left out or put in, mostly near the end of the head."""
        end = min(len(request), request.find(b"\r\n\r\n") + 44)
        names = [range(name.start(), name.end() + 1) for name in re.finditer(rb"\?c=\d+x\d+", request)]
        # A name that is damaged is another request's for whoever counts.
        at = self.random.choice([at for at in range(end) if not any(at in name for name in names)])
        byte = bytes([self.random.choice(b"\r\n\t \x00:;,0159af\x0b\x7f\x80\xff")])
        cut, put = self.random.choice([(1, byte), (1, b""), (0, byte)])
        return request[:at] + put + request[at + cut:]
