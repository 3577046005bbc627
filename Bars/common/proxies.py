"""Debian's nginx and haproxy in front of hookd, on temporary directories and free ports, with keep-alive on both sides.

Each has two doors: one as it is set up by default, one with every leniency that it offers. The log says of each
request that the proxy took for one its method and name (the `c` of its query), the proxy's answer, and the answer of
hookd, or `-` where hookd was not asked. Method and name are in the answer's `X-Name` too, so that an answer that went
astray is noticed.
"""
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time

NGINX = """
daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log warn; {user}
events {{ worker_connections 2048; }}
http {{
    {temporary}
    log_format names '$request_method $arg_c $status $upstream_status';
    access_log {directory}/log names;
    client_header_timeout 500ms; client_body_timeout 500ms; lingering_timeout 200ms; send_timeout 2s;
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_next_upstream off; proxy_ignore_client_abort on;
    proxy_read_timeout 10s; keepalive_requests 100000;
    add_header X-Name "$request_method $arg_c" always;
    upstream hookd {{ server 127.0.0.1:{hookd}; keepalive 8; keepalive_requests 100000; }}
    server {{ listen 127.0.0.1:{strict}; location / {{ proxy_pass http://hookd; }} }}
    server {{
        listen 127.0.0.1:{lenient};
        ignore_invalid_headers off; underscores_in_headers on; merge_slashes off; proxy_request_buffering off;
        location / {{ proxy_pass http://hookd; }}
    }}
}}
"""

HAPROXY = """
global
    log stdout format raw local0
    maxconn 2000
    nbthread 1
defaults settings
    mode http
    log global
    timeout connect 2s
    timeout client 500ms
    timeout http-request 500ms
    timeout http-keep-alive 500ms
    timeout server 3s
    timeout queue 10s
    retries 0
    http-reuse always
defaults named from settings
    log-format "%[var(txn.method)] %[var(txn.name)] %ST %[var(txn.upstream)]"
    http-request set-var(txn.name) url_param(c)
    http-request set-var(txn.method) method
    http-response set-var(txn.upstream) status
    http-response set-header X-Name "%[var(txn.method)] %[var(txn.name)]"
frontend strict from named
    bind 127.0.0.1:{strict}
    default_backend hookd
frontend lenient from named
    bind 127.0.0.1:{lenient}
    option accept-invalid-http-request
    default_backend hookd
backend hookd from settings
    option accept-invalid-http-response
    server hookd 127.0.0.1:{hookd} maxconn 48
"""


def free_ports(count):
    """Ports that are free now: proxies cannot be given port 0 and asked which one they got."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Proxy:
    """A proxy before hookd. Use it with `with`."""

    def __init__(self, name, hookd_port):
        self.name = name
        self.directory = tempfile.mkdtemp(prefix=f"hookd-{name}-")
        self.strict, self.lenient = free_ports(2)
        values = {"directory": self.directory, "hookd": hookd_port, "strict": self.strict, "lenient": self.lenient,
                  "user": "user root;" if os.geteuid() == 0 else ""}
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        values["temporary"] = " ".join(f"{kind}_temp_path {self.directory}/{kind};" for kind in kinds)
        template = {"nginx": NGINX, "haproxy": HAPROXY}[name]
        with open(f"{self.directory}/conf", "w") as file:
            file.write(template.format(**values))
        self.command = {
            "nginx": ["nginx", "-e", f"{self.directory}/error.log", "-p", self.directory, "-c",
                      f"{self.directory}/conf"],
            "haproxy": ["haproxy", "-db", "-f", f"{self.directory}/conf"]}[name]

    def __enter__(self):
        with open(f"{self.directory}/output", "ab") as output:
            self.process = subprocess.Popen(self.command, stdout=output, stderr=output)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.lenient), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.05)
        with open(f"{self.directory}/output") as output:
            said = output.read()
        self.__exit__()
        raise SystemExit(f"{self.name} does not listen: {said}")

    def stop(self):
        """Ends it in order, so that its log is whole."""
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def log(self):
        """Of each request: its name, the answer to the client, and hookd's answer or None."""
        path = f"{self.directory}/{'log' if self.name == 'nginx' else 'output'}"
        with open(path, encoding="latin-1") as file:
            found = [re.match(r"(\S+ \S+) (\d+|-1) (\d+|-)$", line) for line in file]
        return [(plain_name(match[1]), int(match[2]), int(match[3]) if match[3].isdigit() else None)
                for match in found if match]


def plain_name(text):
    """`METHOD name` without what a mutation has put behind the name."""
    found = re.match(r"(\S+) (\d+x\d+)", text)
    return f"{found[1]} {found[2]}" if found else ""
