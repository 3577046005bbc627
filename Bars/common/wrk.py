"""Load by wrk, which is fast enough to keep hookd busy: callbacks that are signed beforehand, each sent once."""
import base64
import hashlib
import hmac
import itertools
import os
import re
import subprocess
import tempfile
import time

from .callbacks import PATH, SECRET

SCRIPT = f"{os.path.dirname(os.path.abspath(__file__))}/signed.lua"
SIGNED_A_SECOND = 100_000
runs = itertools.count()


def sign(path, count, size):
    """Writes `count` callbacks of `size` bytes for signed.lua."""
    body = b'{"message":{"text":"' + b"x" * (size - 24) + b'"}}'
    timestamp, run = int(time.time()), f"wrk{os.getpid()}r{next(runs)}n"
    begun = hmac.new(SECRET, body + b".", hashlib.sha256)
    with open(path, "w") as file:
        file.write(f"{PATH}\n{timestamp}\n{body.decode()}\n")
        for number in range(count):
            nonce = f"{run}{number:08d}"
            code = begun.copy()
            code.update(f"{nonce}.{timestamp}".encode())
            file.write(f"{nonce} {base64.b64encode(code.digest()).decode()}\n")


def load(url, seconds, connections, size=800):
    """Callbacks a second that were answered, their number, and how many of the answers were no 200."""
    with tempfile.NamedTemporaryFile(suffix=".signed") as signed:
        sign(signed.name, SIGNED_A_SECOND * seconds, size)
        said = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", SCRIPT, url],
            env={**os.environ, "SIGNED": signed.name}, capture_output=True, text=True, check=True).stdout
    count = int(re.search(r"(\d+) requests in", said).group(1))
    a_second = float(re.search(r"Requests/sec:\s+([\d.]+)", said).group(1))
    other = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = int(other.group(1)) if other else 0
    return a_second, count, failed + (sum(map(int, errors.groups())) if errors else 0)
