"""What holds for every test."""

from __future__ import annotations

import signal

# A job in the background of a shell begins with SIGINT ignored, and hands that on to its children;
# the tests of Ctrl-C want it as it is in a terminal.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
