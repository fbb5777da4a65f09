"""The worker: the child process that runs JavaScript, one fresh interpreter per job, and nothing else.

It is started as a program, with no environment, and imports nothing of botctl. A message is one letter, four
bytes of length (big-endian) and the payload. In: `r` run a code block, `s` check syntax; the payload is JSON.
Out: `y` ready, `n` cannot start, and per job `o` (a JSON string that holds JSON) or `x` (the text of an
exception that escaped the script), as a capital when the job left the process so large that the next one had
better get another. It ends when stdin does, or by SIGALRM when a job lasts far too long, so
that it never outlives its parent.

Memory is limited with RLIMIT_AS where /proc tells the size to start from (Linux). Elsewhere the limit is not
dependable; the deadline and the limit on output still hold.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import signal
import sys
from typing import Any, NoReturn

HEAP = 64 << 20
# What the interpreter itself needs beside the heap: the job's text, its copy, the answer's text.
MARGIN = 8 << 20
# After a script that filled the heap much of it stays in pieces: a process that grew this much is worn out.
WORN = 16 << 20
MEMORY = b"InternalError: out of memory"
# This close to the limit QuickJS had no room left to make an error: it throws null, or drops a rejection.
WALL = HEAP + MARGIN - (2 << 20)


class Interpreter:
    """A bare context: without `_call_python` and `_normalize_module` dukpy's C code has no way out."""

    __slots__ = ("_ctx",)

    def __init__(self, context: Any) -> None:
        self._ctx = context


def read_exactly(count: int) -> bytes:
    """That many bytes of stdin; the process ends when stdin does."""
    parts = []
    while count:
        part = os.read(0, min(count, 1 << 20))
        if not part:
            os._exit(0)
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def write(letter: bytes, payload: bytes) -> None:
    """One message to the parent."""
    rest = memoryview(letter + len(payload).to_bytes(4, "big") + payload)
    while rest:
        rest = rest[os.write(1, rest) :]


def load_quickjs(path: str) -> Any:
    """dukpy's extension module by itself; its package would import much more."""
    loader = importlib.machinery.ExtensionFileLoader("dukpy._dukpy", path)
    spec = importlib.util.spec_from_file_location("dukpy._dukpy", path, loader=loader)
    if spec is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class Size:
    """How large this process is, in bytes of address space; 0 where the system does not tell."""

    def __init__(self) -> None:
        try:
            self._statm = os.open("/proc/self/statm", os.O_RDONLY)
            self._status = os.open("/proc/self/status", os.O_RDONLY)
            self._page = os.sysconf("SC_PAGE_SIZE")
        except OSError:
            self._statm = -1

    def now(self) -> int:
        """The present size."""
        return int(os.pread(self._statm, 100, 0).split()[0]) * self._page if self._statm >= 0 else 0

    def most(self) -> int:
        """The largest size it ever had."""
        status = os.pread(self._status, 4000, 0) if self._statm >= 0 else b""
        _, _, rest = status.partition(b"VmPeak:")
        return int(rest.split()[0]) << 10 if rest else 0


def give_up_rights(size: int) -> None:
    """No files, no processes, no core, and a heap on top of this size, if it is known."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    limits = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NPROC": 0, "RLIMIT_NOFILE": 0}
    if size:
        limits["RLIMIT_AS"] = size + HEAP + MARGIN
    for name, limit in limits.items():
        try:
            resource.setrlimit(getattr(resource, name), (limit, limit))
        except (AttributeError, OSError, ValueError):  # a limit that this system does not have
            continue


def prepare(quickjs: Any, program: bytes) -> Interpreter:
    """A fresh context in which the program has been evaluated."""
    interpreter = Interpreter(quickjs.create_context())
    quickjs.eval_string(interpreter, program, b"{}", False, "code")
    return interpreter


def answer(quickjs: Any, interpreter: Interpreter, program: bytes, payload: bytes) -> tuple[bytes, bytes]:
    """The letter and the payload that tell what became of a job."""
    try:
        result = quickjs.eval_string(interpreter, program, payload, False, "code")
    except MemoryError:
        return b"x", MEMORY
    except UnicodeDecodeError as error:  # half a surrogate pair in the text of an exception
        return b"x", error.object[:4000].decode("utf-8", "replace").encode()
    except (quickjs.JSRuntimeError, ValueError, SystemError) as error:
        return b"x", str(error)[:4000].encode("utf-8", "replace")
    return b"o", result or b'""'


def main(quickjs_path: str, script: str, syntax: str, longest: float) -> NoReturn:
    """Answer jobs until stdin ends. longest: seconds after which a job is stopped if the parent did not."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with open(script, "rb") as text:
            run = text.read()
        with open(syntax, "rb") as text:
            check = text.read()
        quickjs = load_quickjs(quickjs_path)
        prepare(quickjs, run)
    except (ImportError, OSError) as error:
        write(b"n", str(error).encode("utf-8", "replace"))
        os._exit(1)
    size = Size()
    at_first = size.now()
    give_up_rights(at_first)
    write(b"y", b"")
    while True:
        # Made ready before there is a job: most of an execution's time is the context and its first program.
        fresh = prepare(quickjs, run)
        letter = read_exactly(1)
        payload = read_exactly(int.from_bytes(read_exactly(4), "big"))
        signal.setitimer(signal.ITIMER_REAL, longest)
        said, reply = answer(quickjs, fresh, b"run(dukpy)" if letter == b"r" else check, payload)
        if said == b"o" and reply == b'"{\\"syntax\\":true}"':
            said, reply = answer(quickjs, Interpreter(quickjs.create_context()), check, payload)
        signal.setitimer(signal.ITIMER_REAL, 0)
        if size.most() - at_first > WALL:
            said, reply = b"X", MEMORY
        write(said.upper() if size.now() - at_first > WORN else said, reply)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
