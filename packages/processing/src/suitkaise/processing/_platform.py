"""What differs between operating systems. Linux is tested; macOS takes the fallbacks."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import socket
import struct
import sys
import tempfile

PAGE_BYTES = mmap.PAGESIZE
# Sockets that keep messages apart; where they are missing, frames are cut out of a stream.
PACKETS = socket.SOCK_SEQPACKET if sys.platform.startswith("linux") else socket.SOCK_STREAM
# Whether all cores see what one wrote in the order in which it did, without a barrier.
KEEPS_ORDER = os.name == "posix" and os.uname().machine in ("x86_64", "i686", "amd64")
NUDGE = signal.SIGURG  # asks a worker to make way; ignored by who has no handler for it
_PR_SET_PDEATHSIG = 1
_CREDENTIALS = struct.Struct("3i")  # struct ucred: process, user, group


def ensure_supported() -> None:
    """Refuse plainly where the engine cannot work.

    Raises:
        OSError: On Windows, which has no descriptor passing.
    """
    if sys.platform == "win32":
        raise OSError("suitkaise.processing does not support Windows yet; use WSL or Linux")


def occupy_standard_descriptors() -> None:
    """Open what is closed of standard input, output and error, on nothing.

    Else a descriptor of ours would get such a number, and a child would print into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free


def anonymous_file(size: int) -> int:
    """Return a descriptor of memory that the kernel frees with its last user: it has no name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("suitkaise", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile(prefix="suitkaise-") as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor


def reserve(descriptor: int, offset: int, size: int) -> None:
    """Find memory for a part of an anonymous file, also behind its end.

    Raises:
        OSError: There is none. (Without this, writing to a mapping would be a SIGBUS.)
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, offset, size)
    else:
        os.ftruncate(descriptor, offset + size)


def peer_user(connection: socket.socket) -> int | None:
    """Return the user id of the process at the other end of a Unix socket; None if not told."""
    if not hasattr(socket, "SO_PEERCRED"):
        return None
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return int(_CREDENTIALS.unpack(credentials)[1])


def load_death_signal() -> ctypes.CDLL | None:
    """Load what `die_with_parent` needs; done once, before a fork: it takes milliseconds."""
    return ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def die_with_parent(libc: ctypes.CDLL | None, parent: int) -> None:
    """Have the kernel end this process when its parent process ends.

    The kernel really watches the thread that forked, so this is for children of a process with a
    single thread only: see prctl(2), PR_SET_PDEATHSIG.
    """
    if libc is not None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before the call
            os._exit(1)


def resume_with_parent(libc: ctypes.CDLL | None) -> None:
    """Have the kernel resume this process, should it be stopped, when its parent process ends.

    A stopped process sees no end-of-file. Sent to one that runs, SIGCONT does nothing, so it does
    not matter that each thread of the parent that ends may send one.
    """
    if libc is not None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)
