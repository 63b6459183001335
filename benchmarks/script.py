"""An agent whose `__main__` is what a user's is: a script that imports something.

multiprocessing imports it again in each process that it starts by spawn or forkserver.
"""

import sys

import numpy

EMPTY = numpy.zeros(0)

if __name__ == "__main__":
    from benchmarks.agent import main

    main(sys.argv[1:])
