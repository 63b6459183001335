"""The way into a Share: a listening socket, and what is said there before descriptors change hands.

    joiner (any thread)                                     coordinator (never blocks)
    connect  -------------------------------------------->  is it the same user?
             <---- prove, nonce ---------------------------
             ----- answer, own nonce, proof --------------->  is the proof right?
             <---- welcome, count, proof, descriptors ------
    is the proof right?

A proof is the HMAC-SHA256, under the Share's secret, of both nonces and who proves. So both sides
know the secret before one hands anything over or the other uses it, and what was said once is of no
use again. Messages are structs of a fixed size and nothing is unpickled here: whatever else a
stranger sends is not looked at.

The address is an abstract one where there are such (unix(7)): it is in no folder, and is gone with
the last process that holds the socket. Elsewhere it is a path in a folder that only this user may
enter. The owner holds the socket open but lets nobody in; who comes while no coordinator is up
waits in the backlog.
"""

from __future__ import annotations

import array
import contextlib
import errno
import os
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from .._errors import ProcessError, ResultTimeoutError
from .._platform import PACKETS, peer_user
from .._segments import Descriptor

SECRET_BYTES = 32
MOST_DESCRIPTORS = 8  # that a Share may have
_BACKLOG = 4096  # the kernel takes less, if net.core.somaxconn says so

_TO_JOINER = struct.Struct("8sI32s")  # what it says, how many descriptors, nonce or proof
_TO_COORDINATOR = struct.Struct("8s32s32s")  # what it says, nonce, proof
_PROVE, _ANSWER, _WELCOME, _REFUSED = b"sk-prove", b"sk-reply", b"sk-enter", b"sk-not-u"
_NONCE_BYTES = 32
_NOTHING = bytes(_NONCE_BYTES)
_RIGHTS_BYTES = socket.CMSG_SPACE(MOST_DESCRIPTORS * array.array("i").itemsize)
_CLOSE_ON_EXEC = int(getattr(socket, "MSG_CMSG_CLOEXEC", 0))
_DONT_WAIT = int(socket.MSG_DONTWAIT)
_TIME = struct.Struct("ll")  # struct timeval
_SHORTEST = 1e-3  # seconds; for the kernel, 0 would be for ever


class Door:
    """The listening socket of a Share, as its owner has it.

    Attributes:
        address: Where to join.
        listener: The socket. It accepts nobody in this process.
    """

    def __init__(self) -> None:
        self._folder = ""
        name = f"suitkaise-{os.urandom(16).hex()}"
        if sys.platform.startswith("linux"):
            self.address = f"\0{name}"
        else:
            self._folder = tempfile.mkdtemp(prefix="suitkaise-")
            self.address = str(Path(self._folder) / "door")
        with socket.socket(socket.AF_UNIX, PACKETS) as listener, contextlib.ExitStack() as failing:
            failing.callback(self._remove_folder)
            listener.bind(self.address)
            listener.listen(_BACKLOG)
            listener.setblocking(False)
            self.listener = Descriptor(listener.detach())
            failing.pop_all()

    @property
    def is_closed(self) -> bool:
        """Whether this process has let go of it."""
        return self.listener.number < 0

    def close(self) -> None:
        """Close it; without a lock. May be repeated."""
        if not self.is_closed:
            self.listener.close()
            self._remove_folder()

    def abandon(self) -> None:
        """Close it in a process forked from the owner: the address is the owner's."""
        self.listener.close()

    def _remove_folder(self) -> None:
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


class Candidate:
    """Somebody who has connected, seen from the coordinator. Nothing here blocks.

    Attributes:
        connection: The socket.
        since: The monotonic time at which it was accepted.
    """

    def __init__(self, connection: socket.socket, since: float) -> None:
        self.connection = connection
        self.since = since
        self._nonce = os.urandom(_NONCE_BYTES)
        connection.setblocking(False)

    def challenge(self) -> bool:
        """Ask for a proof; False if it is not worth while to wait for one."""
        if peer_user(self.connection) not in (None, os.geteuid()):
            self._refuse()
            return False
        try:
            self.connection.send(_TO_JOINER.pack(_PROVE, 0, self._nonce))
        except OSError:
            return False
        return True

    def decide(self, secret: bytes, descriptors: Sequence[Descriptor]) -> None:
        """Take what it has sent, and let it in or refuse it."""
        import hmac

        try:
            # Descriptors that a stranger sends are closed by the kernel: nobody asks for them.
            answer = self.connection.recv(_TO_COORDINATOR.size + 1)
        except OSError:
            return
        if len(answer) != _TO_COORDINATOR.size:
            self._refuse()
            return
        kind, nonce, proof = _TO_COORDINATOR.unpack(answer)
        expected = _proof(secret, _ANSWER, self._nonce, nonce)
        if kind != _ANSWER or not hmac.compare_digest(proof, expected):
            self._refuse()
            return
        welcome = _proof(secret, _WELCOME, self._nonce, nonce, bytes([len(descriptors)]))
        message = _TO_JOINER.pack(_WELCOME, len(descriptors), welcome)
        rights = array.array("i", [descriptor.number for descriptor in descriptors])
        with contextlib.suppress(OSError):  # it has gone; or else it will try again
            self.connection.sendmsg(
                [message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], _DONT_WAIT
            )

    def close(self) -> None:
        """Hang up."""
        self.connection.close()

    def _refuse(self) -> None:
        with contextlib.suppress(OSError):
            self.connection.send(_TO_JOINER.pack(_REFUSED, 0, _NOTHING))


def join(address: str, secret: bytes, timeout: float) -> list[int]:
    """Become a member of a Share: returns its descriptors, which the caller owns. Blocks.

    A process joins once: where it is a member already, closing what this returns would free the
    record locks that the process holds on the Share (fcntl(2)).

    If a coordinator ends meanwhile, this goes on with the next one.

    Args:
        address: Its owner's `Door.address`.
        secret: The Share's.
        timeout: Seconds to wait at most.

    Raises:
        ProcessError: The owner has ended.
        ResultTimeoutError: Nobody let this process in within the timeout.
        PermissionError: This process was refused, or who listens is not the Share's coordinator.
        OSError: This process can open no more descriptors.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            with socket.socket(socket.AF_UNIX, PACKETS) as connection:
                _connect(connection, address, deadline)
                return _prove(connection, secret, deadline)
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise ProcessError(
                "the Share's owner has ended or has closed the Share, which nobody can join any "
                "more; the process that makes a Share must go on for as long as others use it",
                original_error=error,
            ) from error
        except (ConnectionError, EOFError):
            continue  # the coordinator has ended: the next one is on its way
        except (TimeoutError, BlockingIOError) as error:
            raise ResultTimeoutError(
                f"the Share's coordinator did not let this process in within {timeout:g} s; the "
                "Share may be stopped: call start() where it was made",
                timeout=timeout,
                original_error=error,
            ) from error


def _connect(connection: socket.socket, address: str, deadline: float) -> None:
    """Connect; while the backlog is full, wait.

    A socket with one of Python's timeouts does not: it is not blocking, and connecting fails.
    """
    left = _left(deadline)
    seconds = int(left)
    connection.settimeout(None)  # whatever the program has made the default
    connection.setsockopt(
        socket.SOL_SOCKET, socket.SO_SNDTIMEO, _TIME.pack(seconds, int((left - seconds) * 1e6))
    )
    connection.connect(address)
    try:
        connection.getpeername()
    except OSError as error:  # a signal came, and Python waits for what only TCP does then
        raise ConnectionAbortedError from error


def _prove(connection: socket.socket, secret: bytes, deadline: float) -> list[int]:
    import hmac

    if peer_user(connection) not in (None, os.geteuid()):
        _distrust()
    connection.settimeout(_left(deadline))
    kind, _, nonce = _unpacked(connection.recv(_TO_JOINER.size + 1))
    if kind != _PROVE:
        _distrust()
    own_nonce = os.urandom(_NONCE_BYTES)
    proof = _proof(secret, _ANSWER, nonce, own_nonce)
    connection.send(_TO_COORDINATOR.pack(_ANSWER, own_nonce, proof))
    connection.settimeout(_left(deadline))
    message, ancillary, flags, _ = connection.recvmsg(
        _TO_JOINER.size + 1, _RIGHTS_BYTES, _CLOSE_ON_EXEC
    )
    descriptors = array.array("i")
    for level, sort, numbers in ancillary:
        if (level, sort) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            whole = len(numbers) - len(numbers) % descriptors.itemsize
            descriptors.frombytes(numbers[:whole])
    try:
        kind, count, proof = _unpacked(message)
        expected = _proof(secret, _WELCOME, nonce, own_nonce, bytes([count & 0xFF]))
        if kind != _WELCOME or not hmac.compare_digest(proof, expected):
            _distrust()
        if flags & socket.MSG_CTRUNC or len(descriptors) != count:
            raise OSError(
                errno.EMFILE,
                "the Share's descriptors were lost: this process has as many open as it may "
                "(ulimit -n); close some, or raise the limit",
            )
    except BaseException:
        for number in descriptors:
            os.close(number)
        raise
    return descriptors.tolist()


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return max(left, _SHORTEST)


def _unpacked(message: bytes) -> tuple[bytes, int, bytes]:
    """Return the fields of what came to a joiner."""
    if not message:
        raise EOFError
    if len(message) != _TO_JOINER.size:
        _distrust()
    kind, count, content = _TO_JOINER.unpack(message)
    if kind == _REFUSED:
        raise PermissionError(
            errno.EACCES,
            "the Share's coordinator refused this process: it is another user's, or its reference "
            "to the Share is not genuine; pass it the Share itself",
        )
    return kind, count, content


def _distrust() -> NoReturn:
    raise PermissionError(
        errno.EACCES,
        "who listens at the Share's address does not know its secret: it is not the coordinator",
    )


def _proof(secret: bytes, who: bytes, *parts: bytes) -> bytes:
    """Return what only who knows the secret can say. All parts have a fixed length."""
    import hmac  # here: OpenSSL takes milliseconds to load; the server has it for its children

    return hmac.digest(secret, who + b"".join(parts), "sha256")
