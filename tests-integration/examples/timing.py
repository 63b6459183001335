"""Every lifecycle method is timed."""

import time

from suitkaise.timing import Sktimer

from suitkaise.processing import Skprocess


class MyProcess(Skprocess):
    def __init__(self):
        self.process_config.runs = 20

    def __prerun__(self):
        time.sleep(0.001)

    def __run__(self):
        time.sleep(0.002)

    def __postrun__(self):
        time.sleep(0.001)

    def __onfinish__(self):
        pass

    def __result__(self):
        return "timed"


process = MyProcess()

process.start()
process.wait()

# access timing data
print(process.__run__.timer.mean)
print(process.__prerun__.timer.total_time)
print(process.__postrun__.timer.percentile(95))

# aggregate timer for full iterations (prerun + run + postrun)
print(process.process_timer.mean)

assert process.__run__.timer.mean >= 0.002
assert process.__prerun__.timer.total_time >= 0.02
assert process.process_timer.mean >= 0.004
assert process.process_timer.num_times == 20

process = MyProcess()

from suitkaise.processing import ProcessTimers

# usually accessed via process.timers
process.start()
process.wait()

timers = process.timers
print(timers.run.mean)
print(timers.prerun.total_time)
print(timers.full_run.percentile(95))

assert isinstance(timers, ProcessTimers)
for section in ("prerun", "run", "postrun", "onfinish", "result", "full_run"):
    assert isinstance(getattr(timers, section), Sktimer), section
    assert getattr(timers, section).num_times == (1 if section in ("onfinish", "result") else 20)
assert timers.error.num_times == 0, "nothing went wrong"
for statistic in ("mean", "median", "stdev", "min", "max"):
    assert isinstance(getattr(timers.run, statistic), float), statistic
