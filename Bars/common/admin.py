"""Questions to a daemon's admin listener, wherever it is."""
import http.client
import json
import socket
import time


class _Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def place(server):
    """Where a daemon.Daemon says that it answers: `unix:/path` or `host:port`."""
    with open(f"{server.directory}/state/hookd.admin") as file:
        return file.read().strip()


def ask(server, path, method="GET", body=None, token=None):
    """Status and text of an answer."""
    where = place(server)
    if where.startswith("unix:"):
        connection = _Unix(where[5:])
    else:
        connection = http.client.HTTPConnection(where, timeout=30)
    try:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def status(server, token=None):
    return json.loads(ask(server, "/status", token=token)[1])


def wait_until(condition, seconds=10, pause=0.05):
    """Whether a condition came to hold within so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True
