"""What a child does at each run boundary while more than one life is left: it saves its state."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

from suitkaise.cucumber._siblings import Series

from ._checkpoints import CheckpointWriter, Draft
from ._messages import Checkpoint, Noted
from ._parcels import carrying, write_copy

if TYPE_CHECKING:
    from ._channel import ChildChannel
    from ._child_end import ChildEnd
    from ._lifecycle import Lifecycle
    from ._segments import Descriptor
    from ._skprocess import Skprocess

_MOST_NEWS_BYTES = 1 << 12  # of timings in a checkpoint, before they go to the parent for good


class Checkpointer:
    """Takes checkpoints, in the main thread. A call takes one.

    Most lie in shared memory and need no message. A message carries what descriptors belong to,
    such as the point of a pipe, and what no shared memory was left for.

    Args:
        process: Whose state it is.
        end: Its end of the connection.
        channel: The connection.
        memory: What lies behind the status page.
    """

    def __init__(
        self, process: Skprocess, end: ChildEnd, channel: ChildChannel, memory: Descriptor
    ) -> None:
        self._process = process
        self._end = end
        self._channel = channel
        self._writer = CheckpointWriter(memory, end.page.words)
        kind = type(process)
        # The next life gets its config and its end anew.
        self._series = Series((kind,), (process.process_config, end, kind._reconnect_plan))
        self._pid = os.getpid()
        self._parent_keeps_state = True  # and not only what lies in shared memory
        self._can_travel = True

    def __call__(self, lifecycle: Lifecycle) -> None:
        """Save the state; if it cannot be saved, warn once and leave the last checkpoint as it is.

        Does nothing in a process that the user's code has forked.
        """
        if os.getpid() != self._pid:
            return
        assert self._end.timers is not None
        timeline = self._end.timers.timeline
        run, told, news = lifecycle.current_run, timeline.told, timeline.news()
        heard = self._end.heard  # before the state is read: what comes now is told again
        draft = self._writer.draft(news)
        try:
            handles = write_copy(self._process, draft, self._series)
            if not handles and self._commit(draft, run, told, heard):
                if self._parent_keeps_state or len(news) >= _MOST_NEWS_BYTES:
                    timeline.note_told()
                    self._channel.send(Noted(told, news, heard))
                    self._parent_keeps_state = False
            else:
                payload = carrying(draft.state(), handles)
                timeline.note_told()
                self._channel.send(Checkpoint(run, payload, told, news, heard))
                self._parent_keeps_state = True
        except Exception as error:
            self._warn(error, run)
        else:
            self._can_travel = True

    def _commit(self, draft: Draft, run: int, told: int, heard: int) -> bool:
        try:
            self._writer.commit(draft, run, told, heard)
        except OSError:
            return False
        return True

    def _warn(self, error: Exception, run: int) -> None:
        if self._can_travel:
            self._can_travel = False
            name = type(self._process).__name__
            warnings.warn(
                f"{name} has become something that cannot travel ({error}): if the process dies, "
                f"its next life resumes at an earlier run than run {run}",
                RuntimeWarning,
                stacklevel=1,
            )
