"""How a bar reports: figures, each beside what it must be where something is demanded, and the exit code."""
import argparse
import sys


class Bar:
    """What one run of a check has shown."""

    def __init__(self):
        self.missed = []

    def say(self, text):
        print(text, flush=True)

    def figure(self, name, value, unit=""):
        """Prints a figure of which nothing is demanded."""
        self.say(f"  {name:<58} {_text(value)} {unit}".rstrip())

    def hold(self, name, value, unit="", most=None, least=None, exactly=None):
        """Prints a figure and whether it is what it must be; a bar with one miss is missed."""
        demands = [(most, "at most", lambda: value <= most), (least, "at least", lambda: value >= least),
                   (exactly, "exactly", lambda: value == exactly)]
        demands = [(bound, word, holds) for bound, word, holds in demands if bound is not None]
        held = value is not None and all(holds() for _, _, holds in demands)
        if not held:
            self.missed.append(name)
        wanted = " and ".join(f"{word} {_text(bound)}" for bound, word, _ in demands)
        self.say(f"  {name:<58} {_text(value)} {unit}".rstrip() + f"   ({wanted}: {'held' if held else 'MISSED'})")


def _text(value):
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def run(name, what, measure, attempts=1):
    """Measures up to `attempts` times, because other work on the machine can spoil a time but never a count, and
    ends the program: 0 where the bar was held, 1 where it was missed."""
    for attempt in range(1, attempts + 1):
        bar = Bar()
        bar.say(f"{name}: {what}")
        measure(bar)
        if not bar.missed:
            bar.say(f"{name}: held")
            sys.exit(0)
        bar.say(f"{name}: MISSED: {'; '.join(bar.missed)}")
        if attempt < attempts:
            bar.say(f"{name}: once more, in case that the machine was busy")
    sys.exit(1)


def options(document, **more):
    """The command line of a bar: its docstring as help, and `--hookd` to try another build than the release build
    here. `more` are further options with their defaults."""
    parser = argparse.ArgumentParser(description=document, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hookd", help="the program that is measured", default=None)
    for name, default in more.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    return parser.parse_args()
