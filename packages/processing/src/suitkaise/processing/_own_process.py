"""Which process this is: an object that a fork has another of.

To compare it is a tenth of what the kernel takes to say the process id.
"""

from __future__ import annotations

import os


class _Process:
    """Holds what stands for this process."""

    def __init__(self) -> None:
        self.mark = object()

    def renew(self) -> None:
        """Be another process."""
        self.mark = object()


own = _Process()
os.register_at_fork(after_in_child=own.renew)
