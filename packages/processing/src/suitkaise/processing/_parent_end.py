"""The parent's end of a started Skprocess: its child, its messages, its ending, its further lives.

The I/O thread feeds it (`on_message`, `on_exit`); any thread may ask it.
"""

from __future__ import annotations

import enum
import itertools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import _caller_context
from ._awaiting import Awaited, Outcome, deliver
from ._checkpoints import Found, newest, state_of
from ._child_end import rebuild_unstarted
from ._children import Child
from ._conversation import Conversation
from ._deaths import death, stillborn, unreceived
from ._endings import Ending, NextMessage, Result, RunResult
from ._engine import engine
from ._hooks import defined_sections
from ._known_timers import KnownTimers
from ._lifecycle import Section
from ._messages import Checkpoint, Finished, Message, Noted, Question, Start, Stop, Timings, Told
from ._opened_ending import OpenedEnding
from ._page import ASKED, LISTENING, LIVES, RUN, SECTION, STOP
from ._parcels import Parcel, carrying, set_out
from ._reconnection import pack_with_secrets
from ._runner import SECTION_CODES
from ._section_watch import SectionWatch
from ._serializing import serialize
from ._surroundings import capture
from ._timers import ProcessTimers

if TYPE_CHECKING:
    from ._skprocess import Skprocess

ANSWER_TIME = 0.1  # seconds that a question for the timers is waited for

_numbers = itertools.count(1)  # of the processes started here, for their names


class State(enum.Enum):
    """Where the life of a started process stands."""

    RUNNING = "running"  # from start() on, through all its lives
    KILLING = "being killed"  # kill() was called; its end is on its way
    KILLED = "killed"  # it has ended so
    FINISHED = "finished"  # it has ended with a result
    FAILED = "failed"  # it has ended with an error

    @property
    def has_ended(self) -> bool:
        """Whether the ending is known."""
        return self not in (State.RUNNING, State.KILLING)


class ParentEnd:
    """Connects the parent's object with the process that runs its copy.

    Attributes:
        name: The class's.
        conversation: What is told both ways.
        tell: Sends to the process.
        listen: Waits for what the process tells.
        news: Tells of what is told, and of the end.
    """

    def __init__(self, process: Skprocess) -> None:
        config = process.process_config
        timeouts = {
            section: getattr(config.timeouts, section.value.strip("_"), None)
            for section in SECTION_CODES
        }
        self.name = type(process).__name__
        self._lock = threading.RLock()  # guards the state, the child and the start message
        self._state = State.RUNNING
        given = {section: time for section, time in timeouts.items() if time is not None}
        self._watch = SectionWatch(self.name, given, self._lock, self._is_running)
        self._finished: Finished | None = None  # once it has ended
        self.conversation = Conversation(self.name, config.lives, self._look_at_checkpoint)
        self.tell: Callable[[Any], None] = self.conversation.tell
        self.listen: Callable[[float | None], Any] = self.conversation.listen
        self.news = self.conversation.news
        kind = type(process)
        self._known = KnownTimers(lambda: ProcessTimers(defined_sections(kind), kind.__name__))
        self._opened = OpenedEnding(self.name, self._known.open)
        self._asked = self._answered = 0  # numbers of the last questions for the timers
        self._asked_at = 0.0
        payload, secrets = pack_with_secrets(type(process).__name__, process)
        self._start = Start(
            "process",
            capture(),
            payload,
            serialize(config),
            began=time.monotonic(),
            lives=config.lives,
            name=f"{self.name}-{next(_numbers)}",
            forwards_logs=config.forward_logs,
            context=_caller_context.capture(),
            secrets=secrets,
        )
        self._child: Child | None = None

    def launch(self) -> None:
        """Start the process. If this raises, there is none."""
        with self._lock:  # the I/O thread may have news of the child before this is over
            try:
                engine().launch(self._start, self, self._adopt)
                set_out(self._start.payload)
                if self._start.lives == 1:  # no one will need it again
                    self._start = self._start._replace(payload=b"")
                self._watch.begin(self._present)
            except BaseException:
                self._state = State.FAILED
                if self._child is not None:
                    self._child.kill()
                raise

    def _adopt(self, child: Child) -> None:
        child.page.words[LIVES] = self._start.lives
        child.page.words[RUN] = self._start.current_run
        if self._child is not None:  # a stop outlives a life; it is there before the process is
            child.page.words[STOP] = self._child.page.words[STOP]
        child.page.words[ASKED] = self._asked
        child.page.words[SECTION] = SECTION_CODES.index(Section.RECONNECT)  # what comes first
        self.conversation.begin_life(child)
        self._child = child

    @property
    def _present(self) -> Child:
        assert self._child is not None
        return self._child

    # -- asked by any thread

    def require_own(self) -> None:
        """Refuse to work for a process that was forked from the one that started it.

        Raises:
            ProcessError: If this is such a process: nobody there feeds this end.
        """
        self.conversation.require_own()

    @property
    def pid(self) -> int | None:
        """The id of the present process, once it is known."""
        return self._present.pid

    @property
    def current_run(self) -> int:
        """The run that is going on, or was last."""
        return int(self._present.page.words[RUN])

    @property
    def lives(self) -> int:
        """The lives left, the present one included."""
        return int(self._present.page.words[LIVES])

    @property
    def state(self) -> str:
        """How it stands, in a word."""
        is_stopping = self._state is State.RUNNING and self._present.page.words[STOP] == 1
        return "stopping" if is_stopping else self._state.value

    @property
    def is_alive(self) -> bool:
        """Whether its life goes on."""
        return self._finished is None

    @property
    def error(self) -> BaseException | None:
        """The error that ended it, or None."""
        if self._finished is None:
            return None
        self.open_ending()
        return self._opened.error

    @property
    def timers(self) -> ProcessTimers | None:
        """The timers: of a running process, as of now if it can answer at once."""
        if self._finished is None:
            self._ask()
        return self.known_timers

    @property
    def known_timers(self) -> ProcessTimers:
        """The timers as far as they are known here."""
        if self._finished is None:
            found = self._newest_checkpoint(self._present)
            return self._known.open(found.timings, found.told) if found else self._known.open()
        self.open_ending()
        assert self._opened.timers is not None
        return self._opened.timers

    def _ask(self) -> None:
        """Ask for the timers, and wait for the answer, which a long section puts off.

        No question is waited for longer than `ANSWER_TIME` after it was put, and no other is put
        before it has been answered: a long section makes nobody wait twice.
        """
        with self._lock:
            if self._asked <= self._answered:
                self._asked_at = time.monotonic()
                self._asked = self._answered + 1
            asked = self._asked
            words = self._present.page.words
            words[ASKED] = asked
            if words[LISTENING]:
                self._present.send(Question())
            left = self._asked_at + ANSWER_TIME - time.monotonic()
        self.news.wait_for(
            lambda: self._answered >= asked or self._finished is not None, max(0.0, left)
        )

    def stop(self) -> None:
        """Ask it to end after its present section."""
        with self._lock:
            self._present.page.words[STOP] = 1
            self._present.send(Stop())

    def kill(self) -> None:
        """Have it killed with all that it has started, whatever lives are left."""
        with self._lock:
            if self._state is State.RUNNING:
                self._state = State.KILLING
            self._present.kill_tree()  # it may be there even after its result

    def wait(self, timeout: float | None) -> bool:
        """Wait for its end; False if the time is over first."""
        return self.news.wait_for(lambda: self._finished is not None, timeout)

    def result(self) -> Any:
        """Wait for its end, and return or raise what it came to."""
        self.wait(None)
        return deliver(self.open_ending())

    # -- for the modifiers: the same, to be waited for in any way

    def ending(self, timeout: float | None) -> Awaited[bool]:
        """Return what `wait` waits for."""
        return Ending(self, timeout)

    def outcome(self) -> Awaited[Any]:
        """Return what `result` waits for."""
        return Result(self)

    def run_outcome(self) -> Awaited[Any]:
        """Return what `run` waits for, once it has started the process."""
        return RunResult(self)

    def next_message(self, timeout: float | None) -> Awaited[Any]:
        """Return what `listen` waits for."""
        return NextMessage(self, timeout)

    # -- called by the I/O thread

    def on_message(self, child: Child, message: Message) -> None:
        """Take a message from the process."""
        if isinstance(message, Told):
            self.conversation.on_told(message.payload)
        elif isinstance(message, Checkpoint):
            if isinstance(message.payload, Parcel) and message.payload.is_lost:
                return  # the one before it is kept
            self._start = self._start._replace(
                payload=message.payload, current_run=message.current_run
            )
            self._known.add(message.timings, message.told)
            self.conversation.let_go_of(message.heard)
        elif isinstance(message, Noted):
            self._start = self._start._replace(payload=b"")
            self._known.add(message.timings, message.told)
            self.conversation.let_go_of(message.heard)
        elif isinstance(message, Timings):
            self._known.replace(message.timers, message.told)
            self._answered = message.question
            self.news.notify()
        elif isinstance(message, Finished):
            self._end(message)

    def on_exit(self, child: Child) -> None:
        """Decide what the end of the operating-system process means."""
        error: BaseException | None = None
        with self._lock:
            try:
                if self._state.has_ended or self._go_on(child):
                    return
            except Exception as reason:
                error = stillborn(self.name, reason)
            finally:
                if child.memory is not None:
                    child.memory.close()
        if child.receive_error is not None:
            error = unreceived(self.name, child.receive_error)
        elif error is None and self._state is State.KILLING:
            self._end(Finished(False, b"", b""), was_killed=True)
            return
        self._end(Finished(True, b"", b""), error or self._watch.error or death(self.name, child))

    def _go_on(self, child: Child) -> bool:
        """Begin the next life, from the last checkpoint; False if there is to be none."""
        found = self._newest_checkpoint(child)
        if found is not None:
            self._known.add(found.timings, found.told)
        is_dead = child.start_error is None and child.receive_error is None
        lives = int(child.page.words[LIVES])  # exceptions have spent some
        if self._state is not State.RUNNING or lives < 2 or not is_dead:
            return False
        start = self._start
        if found is not None and found.run > start.current_run:
            assert child.memory is not None
            with state_of(found, child.memory) as state:
                start = start._replace(payload=carrying(state), current_run=found.run)
            self.conversation.let_go_of(found.heard)
            child.memory.close()
        self._watch.error = None
        self._start = start._replace(lives=lives - 1, timers=self._known.fold())
        self._known.begin_life()
        with self.conversation.telling:
            engine().launch(self._start, self, self._adopt)
            self.conversation.tell_again(self._start.lives)
        if self._start.lives == 1:
            self._start = self._start._replace(payload=b"")
        self._watch.begin(self._present)
        return True

    def _look_at_checkpoint(self) -> None:
        """Keep no longer what the present life has dealt with."""
        with self._lock:  # no other life begins meanwhile, which counts anew
            found = self._newest_checkpoint(self._present)
            if found is not None:
                self.conversation.let_go_of(found.heard)

    def _newest_checkpoint(self, child: Child) -> Found | None:
        """Look for the newest checkpoint in shared memory."""
        with self._lock:
            if child.memory is None or child.memory.number < 0:
                return None
            return newest(child.memory, child.page.words)

    def _end(
        self,
        finished: Finished,
        error: BaseException | None = None,
        *,
        was_killed: bool = False,
    ) -> None:
        with self._lock:
            if self._state.has_ended:
                return
            if was_killed:
                self._state = State.KILLED
            else:
                has_failed = finished.raised or finished.error
                self._state = State.FAILED if has_failed else State.FINISHED
        if error is not None:
            self._opened.fail(error)
        self._watch.end()
        self._finished = finished
        self.conversation.end()

    def open_ending(self) -> Outcome:
        """Deserialise the ending, once, in the thread that asks first."""
        assert self._finished is not None
        return self._opened.open(self._finished)

    def _is_running(self, child: Child) -> bool:
        return self._state is State.RUNNING and child is self._child

    def __reduce__(self) -> tuple[Any, ...]:
        return (rebuild_unstarted, ())
