"""What a type checker knows of modified calls; checked by `hatch run types:check`, never run."""

from concurrent.futures import Future
from typing import Any, assert_type

from suitkaise.processing import Skprocess


class Countdown(Skprocess):
    def __run__(self) -> None:
        self.listen(timeout=1)


async def check_process(process: Countdown) -> None:
    assert_type(process.wait(), bool)
    assert_type(process.wait(timeout=1.5), bool)
    assert_type(process.wait.timeout(3)(), bool)
    assert_type(process.wait.timeout(3)(timeout=1), bool)
    assert_type(process.wait.background()(2.0), Future[bool])
    assert_type(await process.wait.asynced()(), bool)
    assert_type(process.result.timeout(3).background()(), Future[Any])
    assert_type(await process.run.asynced().timeout(3)(), Any)
    assert_type(process.listen.background()(timeout=5.0), Future[Any])
    process.wait.timeout("3")  # type: ignore[arg-type]
    process.wait.timeout(3)(until=5)  # type: ignore[call-arg]
    process.result(5)  # type: ignore[call-arg]
    process.listen.retry()  # type: ignore[attr-defined]
