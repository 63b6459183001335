"""What either side tells, the other listens to."""

import asyncio

from suitkaise.processing import Skprocess


class MyProcess(Skprocess):
    def __init__(self):
        self.batch = [1, 2, 3]
        self.commands = []

    def handle_command(self, command):
        self.commands.append(command)
        self.stop()

    # from subprocess (in lifecycle methods)
    def __prerun__(self):
        command = self.listen(timeout=1.0)
        if command:
            self.handle_command(command)

    def __run__(self):
        pass

    # from subprocess (in lifecycle methods)
    def __postrun__(self):
        self.tell({"status": "batch_complete", "count": len(self.batch)})

    def __onfinish__(self):
        self.tell("finished")

    def __result__(self):
        return self.commands


process = MyProcess()
process.start()

# from parent
process.tell({"command": "update_config", "value": 100})

# from parent
data = process.listen() # blocks until data received

assert data == "finished" or data == {"status": "batch_complete", "count": 3}
while data != "finished":

    data = process.listen(timeout=5.0) # returns None if timeout

assert process.result() == [{"command": "update_config", "value": 100}]


class Answering(Skprocess):
    def __run__(self):
        self.tell(self.listen())


process = Answering()
process.start()

# background
future = process.listen.background()(timeout=5.0)

process.tell("to the background")
assert future.result() == "to the background"


async def listen_in_a_loop():
    process.tell("to the loop")

    # async
    data = await process.listen.asynced()()

    return data


assert asyncio.run(listen_in_a_loop()) == "to the loop"
assert process.listen(timeout=0.05) is None
process.stop()
assert process.wait(timeout=30.0)
