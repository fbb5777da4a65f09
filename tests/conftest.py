"""All tests: ^C means to the processes that they start what it means to those of a person."""

from __future__ import annotations

import signal

# A shell without job control starts what it puts into the background with SIGINT ignored, which children
# inherit; what has a handler here is the default in them.
signal.signal(signal.SIGINT, signal.default_int_handler)
