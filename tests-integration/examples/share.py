from suitkaise import processing

from suitkaise.processing import Skprocess, Pool, Share, Pipe, autoreconnect, ProcessTimers, ProcessError, PreRunError, RunError, PostRunError, OnFinishError, ResultError, ErrorHandlerError, ProcessTimeoutError, ResultTimeoutError

assert processing.Share is Share

# --- Share

from suitkaise.processing import Share
from suitkaise.timing import Sktimer

share = Share()
share.timer = Sktimer()
share.counter = 0

assert share.counter == 0
assert share.timer.num_times == 0
assert isinstance(share.timer, Sktimer)

# --- Basic Usage

share = Share()
share.counter = 0

class IncrementProcess(Skprocess):
    def __init__(self, share):
        self.share = share
        self.process_config.runs = 10
    
    def __postrun__(self):
        self.share.counter += 1

pool = Pool(workers=4)
pool.map(IncrementProcess, [share] * 10)

print(share.counter)  # 100 (10 processes × 10 runs each)

# --- Start and Stop

share = Share()  # auto-starts

assert share.is_running

# stop sharing (frees resources)
share.stop()
# or
share.exit()

assert not share.is_running and not share.has_error

# start again
share.start()

assert share.is_running

# --- Reconnect All

import sqlite3

share = Share()
share.db = sqlite3.connect(":memory:")

# share.db is a Reconnector in Share
reconnected = share.reconnect_all()

# now it's a live connection again
conn = reconnected["db"]

assert conn.execute("SELECT 1").fetchone() == (1,)

# --- Context Manager

with Share() as share:
    share.counter = 0
    # ... use share ...
# automatically stopped on exit

assert not share.is_running
