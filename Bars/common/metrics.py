"""What hookd says of itself on its admin socket."""
import http.client
import socket


class _OverSocket(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(self.path)


def read(state_directory):
    """The metrics by their names with labels, such as `hookd_sink_lag_seconds{sink="crm"}`."""
    connection = _OverSocket(f"{state_directory}/admin.sock")
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}
