"""Servers that answer every request alike, for forward sinks whose target turns them away or is away now and then."""
import http.server
import threading


class Answering:
    """Answers POSTs on a free port of loopback with one status, which may be changed at any time. Use it with `with`.

    It counts what it took (`taken`, answered 2xx) and keeps the ids of these events in `ids`, in their order.
    """

    def __init__(self, status=204, path="/events", port=0):
        self.status, self.path, self.wanted_port = status, path, port
        self.taken, self.refused, self.ids = 0, 0, []

    def __enter__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                self.rfile.read(int(self.headers.get("content-length", 0)))
                status = outer.status
                if 200 <= status < 300:
                    outer.taken += 1
                    outer.ids.append(self.headers.get("ce-id"))
                else:
                    outer.refused += 1
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def handle_error(self, request, client_address):
                pass  # hookd has closed it, or is gone

        self.server = Server(("127.0.0.1", self.wanted_port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}{self.path}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
