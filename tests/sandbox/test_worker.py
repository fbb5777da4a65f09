"""The worker as a process: what it has, what it obeys, and that it never outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from botctl.sandbox.command import run_message, split_message, worker_command


@contextmanager
def worker(deadline: float = 5.0) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that has said that it is ready."""
    with subprocess.Popen(
        worker_command(deadline),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        bufsize=0,
    ) as process:
        try:
            assert read(process) == ("y", b"")
            yield process
        finally:
            process.kill()


def read(process: subprocess.Popen[bytes]) -> tuple[str, bytes]:
    assert process.stdout is not None
    received = b""
    while (message := split_message(received)) is None:
        part = process.stdout.read(65536)
        assert part, "the worker ended"
        received += part
    return message


def send(process: subprocess.Popen[bytes], code: str) -> None:
    assert process.stdin is not None
    process.stdin.write(run_message({"code": code, "variables": {}, "message": "", "user_id": ""}))


def test_it_ends_when_its_parent_is_gone() -> None:
    with worker() as process:
        assert process.stdin is not None
        process.stdin.close()

        assert process.wait(5) == 0


def test_an_endless_script_ends_although_nobody_stops_it() -> None:
    with worker(deadline=-0.7) as process:
        send(process, "while (true) {}")

        assert process.wait(5) == -signal.SIGALRM


def test_a_ctrl_c_does_not_stop_it() -> None:
    with worker() as process:
        process.send_signal(signal.SIGINT)
        send(process, "ctx.variables.a = 1")

        assert read(process) == ("o", rb'"{\"changed\":{\"a\":1}}"')


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_it_has_no_environment_and_can_open_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_TOKEN", "secret")
    with worker() as process:
        own = Path(f"/proc/{process.pid}")
        limits = {
            line[:26].strip(): line[26:].split()[:2] for line in (own / "limits").read_text().splitlines()
        }

        assert (own / "environ").read_bytes() == b""
        assert os.readlink(own / "cwd") == "/"
        assert {os.readlink(own / "fd" / name) for name in os.listdir(own / "fd")} >= {"/dev/null"}
        assert len(os.listdir(own / "fd")) == 5
        assert (
            limits["Max open files"] == limits["Max processes"] == limits["Max core file size"] == ["0", "0"]
        )
        assert 64 << 20 < int(limits["Max address space"][0]) < 100 << 20


def test_starting_it_imports_neither_the_package_dukpy_nor_botctl() -> None:
    program = (
        "import runpy, sys, os; sys.argv[:] = sys.argv[1:]; os._exit = lambda code: sys.exit("
        "9 if {'botctl', 'json', 'dukpy', 'asyncio'} & set(sys.modules) else 0);"
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = worker_command(1.0)

    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program, *command[3:]], input=b"", stdout=subprocess.PIPE
    )

    assert (ended.returncode, ended.stdout) == (0, b"y\0\0\0\0")
