"""Loads damaged payloads, one after the other, and says what became of each.

A process of its own, with little memory and no right to write files: what kills or hangs it is
known by the number that it said last. `python fuzzed.py FILE`: the file is a pickle of a list of
payloads, each with its buffers.
"""

import pickle
import resource
import sys
from pathlib import Path

MOST_BYTES = 3 << 30  # of addresses: the interpreter has a third of a GiB


def main(file: str) -> None:
    """Load all of a file's."""
    from suitkaise.cucumber import DeserializationError, deserialize, inspect

    payloads = pickle.loads(Path(file).read_bytes())
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # what it says, and no more
    for number, (payload, buffers) in enumerate(payloads):
        sys.stdout.write(f"{number} ")
        sys.stdout.flush()
        try:
            made = deserialize(payload, buffers=buffers)
            outcome = "made"
            del made
        except DeserializationError:
            outcome = "refused"
        except BaseException as error:
            outcome = f"raised {type(error).__name__}: {error!s:.100}".replace("\n", " ")
        try:
            str(inspect(payload))
        except DeserializationError:
            pass
        except BaseException as error:
            outcome = f"inspect raised {type(error).__name__}: {error!s:.100}".replace("\n", " ")
        sys.stdout.write(f"{outcome}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
