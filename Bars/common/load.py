"""Clients that send callbacks as fast as they are answered, and remember what they were told."""
import threading

from . import client
from .callbacks import Callbacks


class Load:
    """Some clients at work, until they are ended or hookd goes away.

    `acknowledged` holds the requests that were answered 200, `unknown` those that were not answered or with 503, and
    `others` every other answer.
    """

    def __init__(self, port, clients, size=600):
        self.acknowledged, self.unknown, self.others = [], [], []
        self.port, self.size = port, size
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(f"load{number}",)) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self, prefix):
        callbacks = Callbacks(prefix, self.size)
        try:
            with client.connect(self.port) as connection:
                while not self.is_over.is_set():
                    request = callbacks.request()
                    try:
                        connection.sendall(request)
                        answer = client.read_answer(connection)
                    except OSError:
                        answer = None
                    if answer is not None and answer.status == 200:
                        self.acknowledged.append(request)
                    else:
                        self.unknown.append(request)
                        if answer is None:
                            return
                        if answer.status != 503:
                            self.others.append(answer)
        except OSError:
            pass

    def join(self):
        for thread in self.threads:
            thread.join()

    def end(self):
        self.is_over.set()
        self.join()


def send_all(port, requests):
    """The answers to requests, one after the other over one connection; None for each that had none."""
    answers = []
    connection = client.connect(port)
    for request in requests:
        try:
            connection.sendall(request)
            answers.append(client.read_answer(connection))
        except OSError:
            answers.append(None)
        if answers[-1] is None or answers[-1].fields.get("connection") == "close":
            connection.close()
            connection = client.connect(port)
    connection.close()
    return answers


def nonce_of(request):
    """The nonce in a request that `Callbacks` made."""
    return request.split(b"signature-nonce: ", 1)[1].split(b"\r\n", 1)[0].decode()
