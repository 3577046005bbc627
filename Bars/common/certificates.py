"""Certificates made by the openssl program, and how a listener is told of them."""
import os
import subprocess


def make(directory, serial):
    """A certificate for localhost with this serial number, and its key. Each file is put in place at once, as
    certbot does it."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
               "-set_serial", str(serial), "-keyout", f"{directory}/key.new", "-out", f"{directory}/certificate.new"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.chmod(f"{directory}/key.new", 0o600)


def put_in_place(directory):
    for name in ("key", "certificate"):
        os.rename(f"{directory}/{name}.new", f"{directory}/{name}.pem")


def listener(directory):
    """A listener on a free port that shows the certificate in `directory`."""
    pair = {"certificate": f"{directory}/certificate.pem", "key": {"file": f"{directory}/key.pem"}}
    return {"address": "127.0.0.1:0", "tls": {"certificates": [pair]}}
