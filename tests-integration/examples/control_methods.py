"""start, stop, kill, wait, result and run, with their modifiers."""

import asyncio
import time

from suitkaise.processing import ProcessError, Skprocess


class MyProcess(Skprocess):
    def __init__(self, runs=None):
        self.process_config.runs = runs
        self.finished = False

    def __run__(self):
        self.tell("running")
        time.sleep(0.01)

    def __onfinish__(self):
        self.finished = True

    def __result__(self):
        return "finished" if self.finished else "cut off"


# -- start, stop

process = MyProcess()
process.start()

assert process.listen() == "running"

process.stop()

process.wait()
assert process.result() == "finished"
assert not process.is_alive

# -- kill

process = MyProcess()
process.process_config.lives = 3
process.start()
assert process.listen() == "running"

process.kill()

assert process.wait(timeout=10.0)
try:
    assert process.result() is None
except ProcessError:
    raise AssertionError("killed on purpose is no failure")

# -- wait


async def wait_in_a_loop(process):
    # async
    await process.wait.asynced()()


process = MyProcess(runs=3)
process.start()

finished = process.wait() # blocks until done

assert finished is True

finished = process.wait(timeout=10.0) # returns False if timeout

assert finished is True

process = MyProcess()
process.start()
assert process.wait(timeout=0.05) is False
process.stop()
asyncio.run(wait_in_a_loop(process))
assert not process.is_alive

# -- result

process = MyProcess(runs=3)
process.start()

data = process.result()  # blocks until result ready

assert data == "finished"

# with timeout
data = process.result.timeout(10.0)()

assert data == "finished"

# background - returns Future
future = process.result.background()()
data = future.result()

assert data == "finished"


async def result_in_a_loop():
    # async
    data = await process.result.asynced()()

    return data


assert asyncio.run(result_in_a_loop()) == "finished"

# -- run

process = MyProcess(runs=3)

result = process.run()

assert result == "finished"

process = MyProcess(runs=3)

process.start()
process.wait()
result = process.result()

assert result == "finished"

process = MyProcess(runs=3)

# with timeout
result = process.run.timeout(30.0)()

assert result == "finished"

process = MyProcess(runs=3)

# background - returns Future
future = process.run.background()()
# ... do other work ...
result = future.result()

assert result == "finished"

process = MyProcess(runs=3)


async def run_in_a_loop():
    # async
    result = await process.run.asynced()()

    return result


assert asyncio.run(run_in_a_loop()) == "finished"
