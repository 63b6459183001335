"""Pipe: an anchor that stays, and a point that moves."""

from suitkaise.processing import Pool, ProcessError, Skprocess


def process_command(command):
    return command["value"] * 2


# -- a pair

from suitkaise.processing import Pipe

# create a pipe pair
anchor, point = Pipe.pair()

anchor.close()
point.close()

# bidirectional (default)
anchor, point = Pipe.pair()

anchor.send(1)
point.send(2)
assert (anchor.recv(), point.recv()) == (2, 1)

# one-way
anchor, point = Pipe.pair(one_way=True)

anchor.send("down")
assert point.recv() == "down"

from suitkaise.processing import PipeEndpointError

for refused in (lambda: point.send("up"), anchor.recv):
    try:
        refused()
    except PipeEndpointError as error:
        assert "one" in str(error), error
    else:
        raise AssertionError("it goes one way only")

# -- sending and receiving


class Answering(Skprocess):
    def __init__(self, point):
        self.point = point
        self.process_config.runs = 1

    def __run__(self):
        point = self.point

        # from point (subprocess)
        data = point.recv()
        point.send({"status": "received"})

        self.data = data

    def __result__(self):
        return self.data


anchor, point = Pipe.pair()
process = Answering(point)
process.start()

# from anchor (parent)
anchor.send({"data": [1, 2, 3]})
response = anchor.recv()

assert response == {"status": "received"}
assert process.result() == {"data": [1, 2, 3]}

# -- usage with Skprocess

class PipeProcess(Skprocess):
    def __init__(self, pipe_point):
        self.pipe = pipe_point
        self.process_config.runs = 1
    
    def __run__(self):
        # receive command
        command = self.pipe.recv()
        
        # process it
        result = process_command(command)
        
        # send result back
        self.pipe.send(result)

# parent
anchor, point = Pipe.pair()

process = PipeProcess(point)
process.start()

anchor.send({"action": "compute", "value": 42})
result = anchor.recv()

process.wait()

assert result == 84

# -- lock and unlock

anchor, point = Pipe.pair()

point.lock()    # prevent transfer

try:
    PipeProcess(point).start()
except Exception as error:
    assert "lock" in str(error), error
else:
    raise AssertionError("a locked point stays")

point.unlock()  # allow transfer

process = PipeProcess(point)
process.start()
anchor.send({"action": "compute", "value": 1})
assert anchor.recv() == 2
process.wait()

anchor.lock()   # always locked

try:
    anchor.unlock() # raises PipeEndpointError
except PipeEndpointError as error:
    print(error)
else:
    raise AssertionError("an anchor stays locked")
