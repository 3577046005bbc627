"""A real Prometheus, on a free port of loopback, that scrapes one hookd every second."""
import json
import re
import subprocess
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

CONFIGURATION = """
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: hookd
    authorization: {{ credentials_file: {token_file} }}
    static_configs: [{{ targets: ["{target}"] }}]
"""


class Prometheus:
    """Use it with `with`: it is ended, and what it stored removed, in the end."""

    def __init__(self, target, token_file, rules):
        self.configuration = CONFIGURATION.format(target=target, token_file=token_file, rules=rules)
        self.log = []

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hookd-bar-prometheus-")
        path = f"{self.directory.name}/prometheus.yml"
        with open(path, "w") as file:
            file.write(self.configuration)
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={self.directory.name}/data",
             "--web.listen-address=127.0.0.1:0"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.port = None
        for line in self.process.stderr:
            self.log.append(line)
            if found := re.search(r'msg="Listening on".*address=127\.0\.0\.1:(\d+)', line):
                self.port = int(found.group(1))
                break
        if self.port is None:
            self.__exit__()
            raise SystemExit("prometheus did not start:\n" + "".join(self.log))
        threading.Thread(target=self.log.extend, args=(self.process.stderr,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        self.directory.cleanup()

    def ask(self, path, **parameters):
        """What its API answers under /api/v1/, its `data`; raises ValueError with its words where it is an error."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters, doseq=True)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", str(error))) from None

    def query(self, expression):
        return self.ask("query", query=expression)["result"]
