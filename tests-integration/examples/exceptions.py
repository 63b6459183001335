"""What is raised, and what it knows."""

import time

from suitkaise import processing
from suitkaise.processing import Skprocess


class Failing(Skprocess):
    def __init__(self):
        self.process_config.runs = 3

    def __run__(self):
        if self.current_run == 2:
            raise ValueError("the third is wrong")


process = Failing()
process.start()

from suitkaise.processing import ProcessError

try:
    result = process.result()
except ProcessError as e:
    print(f"Process failed: {e}")

    assert e.current_run == 2
    assert isinstance(e.original_error, ValueError)


class Slow(Skprocess):
    def __init__(self):
        self.process_config.timeouts.run = 0.25

    def __run__(self):
        if self.current_run == 1:
            time.sleep(1000)


process = Slow()
process.start()

from suitkaise.processing import ProcessTimeoutError

try:
    result = process.result()
except ProcessTimeoutError as e:
    print(f"Timeout in {e.section} after {e.timeout}s on run {e.current_run}")


class Endless(Skprocess):
    def __run__(self):
        time.sleep(0.01)


process = Endless()
process.start()

from suitkaise.processing import ResultTimeoutError

try:
    result = process.result.timeout(10.0)()
except ResultTimeoutError as e:
    print("Timed out waiting for result")

process.stop()

# -- one for each section

SECTIONS = {
    "__prerun__": "PreRunError",
    "__run__": "RunError",
    "__postrun__": "PostRunError",
    "__onfinish__": "OnFinishError",
    "__result__": "ResultError",
    "__error__": "ErrorHandlerError",
}


def fail(self):
    raise ValueError("on purpose")


for section, name in SECTIONS.items():
    hooks = {"__run__": fail if section == "__error__" else lambda self: None, section: fail}
    failing = type("Of" + name, (Skprocess,), hooks)()
    failing.process_config.runs = 1
    try:
        failing.run()
    except ProcessError as error:
        assert type(error) is getattr(processing, name), (section, error)
        assert isinstance(error.original_error, ValueError)
    else:
        raise AssertionError(section)
