"""Commands as somebody types them: on a terminal of so many columns."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time


class OnTerminal:
    """A command of the shell on a terminal of its own; `text` is what it has shown."""

    def __init__(self, command, directory, environment, columns=80):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self.process = subprocess.Popen(
            ["/bin/sh", "-c", command], cwd=directory, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "TERM": "xterm", "NO_COLOR": "1", **environment})
        os.close(slave)
        self.raw = b""

    @property
    def text(self):
        return re.sub(r"\x1b\[[0-9;]*m", "", self.raw.decode("utf-8", "replace")).replace("\r\n", "\n")

    def read_until(self, condition=lambda text: False, seconds=60):
        """Reads until the text is as wanted, the command has ended or the time is over. Returns whether it was."""
        end = time.monotonic() + seconds
        while not condition(self.text) and time.monotonic() < end:
            if select.select([self.master], [], [], 0.2)[0]:
                try:
                    piece = os.read(self.master, 65536)
                except OSError:  # the last one who had the terminal is gone
                    break
                if not piece:
                    break
                self.raw += piece
        return condition(self.text)

    def end(self, seconds=30):
        """Types Ctrl-C. Returns the exit status; None where it did not end."""
        os.write(self.master, b"\x03")
        self.read_until(seconds=seconds)
        return self.close()

    def close(self):
        """Ends it by force if it has not ended. Returns the exit status; None where it had not."""
        try:
            return self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            return None
        finally:
            os.close(self.master)


def run(command, directory, environment, columns=80, seconds=120):
    """Exit status and text of a command that ends by itself."""
    terminal = OnTerminal(command, directory, environment, columns)
    terminal.read_until(seconds=seconds)
    return terminal.close(), terminal.text
