"""Give up, for good, everything a decoder does not need.

Called by the decoding child before it looks at the first byte. Resource limits hold everywhere; the
system call filter (seccomp, Linux on x86-64 and ARM64) is a second wall: even a decoder under someone
else's control opens no socket and starts no program.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import struct

from catalog.audio.limits import Limits

_SET_PDEATHSIG, _SET_NO_NEW_PRIVS, _SET_SECCOMP, _FILTER = 1, 38, 22, 2
_ALLOW, _REFUSE = 0x7FFF_0000, 0x0005_0000 | errno.EPERM
_LOAD, _EQUAL, _ABOVE, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF: load a word, jump if =, jump if >=, return
_X32 = 0x4000_0000  # the second numbering of the calls on x86-64: nobody here needs it
# socket, connect, fork, vfork, execve, execveat, kill, tgkill, ptrace, process_vm_readv and _writev,
# io_uring_setup. Threads (clone) stay possible: libraries make them.
_CALLS = {
    "x86_64": (0xC000_003E, (41, 42, 57, 58, 59, 322, 62, 234, 101, 310, 311, 425)),
    "aarch64": (0xC000_00B7, (198, 203, 221, 281, 129, 131, 117, 270, 271, 425)),
}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def confine(limits: Limits, *, output_bytes: int) -> None:
    """Limit this process: memory, processor time, file size, open files, and what it may ask the kernel.

    `output_bytes` is how large a file may become through this process. Cannot be undone.
    """
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_CPU, limits.cpu_seconds)
    _limit(resource.RLIMIT_FSIZE, output_bytes)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 64)
    with contextlib.suppress(OSError, AttributeError):  # not Linux: the limits have to do
        libc = ctypes.CDLL(None)
        libc.prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # never outlive the worker
        libc.prctl(_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        _filter_calls(libc)


def _limit(which: int, value: int) -> None:
    hard = resource.getrlimit(which)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with contextlib.suppress(ValueError, OSError):  # not every system knows every limit
        resource.setrlimit(which, (value, value))


def _filter_calls(libc: ctypes.CDLL) -> None:
    architecture, calls = _CALLS.get(os.uname().machine, (0, ()))
    if not calls or struct.calcsize("P") != 8:
        return
    # seccomp_data: the number of the call at 0, the architecture at 4.
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _REFUSE), (_LOAD, 0, 0, 0)]
    steps += [(_ABOVE, len(calls) + 1, 0, _X32)]
    steps += [(_EQUAL, len(calls) - index, 0, call) for index, call in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *step) for step in steps))
    program = _Program(len(steps), ctypes.addressof(code))
    libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)
