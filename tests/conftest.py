"""What holds for every test."""

from __future__ import annotations

import gc
import signal

# A job in the background of a shell begins with SIGINT ignored, and hands that on to its children;
# the tests of Ctrl-C want it as it is in a terminal.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# What is imported stays until the end, millions of objects: the collector need not look through it
# again and again, which took a quarter of the processor time of all unit tests.
gc.set_threshold(100_000, 20, 100)


def pytest_collection_finish() -> None:
    """Leave the modules and the collected tests out of every later look for garbage."""
    gc.collect()
    gc.freeze()
