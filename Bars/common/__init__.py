"""What the bars share: starting a daemon, signing callbacks, asking it, reading /proc, and reporting figures."""
