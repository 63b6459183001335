"""What `process_config` sets."""

import time

from suitkaise.processing import ProcessTimeoutError, RunError, Skprocess


class Runs(Skprocess):
    def __init__(self):
        # run 100 iterations, then stop
        self.process_config.runs = 100

    def __run__(self):
        self.last = self.current_run

    def __result__(self):
        return self.last


assert Runs().run() == 99, "the first run is run 0"


class JoinIn(Skprocess):
    def __init__(self):
        # stop after 60 seconds
        self.process_config.join_in = 60.0 

    def __run__(self):
        time.sleep(0.01)

    def __result__(self):
        return self.current_run


process = JoinIn()
process.process_config.join_in = 0.2  # no one waits for a minute here
process.start()
assert process.wait(timeout=30.0)
assert process.result() > 1


class Lives(Skprocess):
    def __init__(self):
        # retry up to 2 times (3 total attempts)
        self.process_config.lives = 3  

        self.process_config.runs = 3
        self.tries = 0

    def __run__(self):
        self.tell(self.current_run)
        if self.current_run == 1:
            raise ValueError("not this one")


process = Lives()
process.start()
try:
    process.result()
except RunError as error:
    assert error.current_run == 1
else:
    raise AssertionError("the third attempt has failed too")
runs = [process.listen() for _ in range(4)]
assert runs == [0, 1, 1, 1], "restarted from where it left off"
assert process.listen(timeout=0.1) is None


class Timeouts(Skprocess):
    def __init__(self):
        self.process_config.timeouts.prerun = 5.0
        self.process_config.timeouts.run = 30.0
        self.process_config.timeouts.postrun = 5.0
        self.process_config.timeouts.onfinish = 10.0
        self.process_config.timeouts.result = 5.0
        self.process_config.timeouts.error = 5.0

        self.process_config.runs = 1
        self.process_config.lives = 2

    def __run__(self):
        self.tell("run")

    def __result__(self):
        return "in time"


assert Timeouts().run() == "in time"


class TooSlow(Timeouts):
    def __prerun__(self):
        self.tell("prerun")
        time.sleep(1000)


process = TooSlow()
process.process_config.timeouts.prerun = 0.1
process.start()
try:
    process.result()
except ProcessTimeoutError as error:
    assert (error.section, error.timeout) == ("__prerun__", 0.1)
else:
    raise AssertionError("it ran over its time")
assert [process.listen() for _ in range(2)] == ["prerun", "prerun"], "it counts against lives"
