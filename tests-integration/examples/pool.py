"""A function, or a class of processes, for many items."""

import asyncio
import os

from suitkaise.processing import Skprocess

processed = []


def process_item(item):
    return item * 10


def fn(*args):
    """Say what it was called with."""
    return args


def process(result):
    processed.append(result)


def taken():
    """Return what was processed, and begin anew."""
    results = processed[:]
    processed.clear()
    return results


def heavy_computation(item):
    return sum(range(item)), os.getpid()


items = [3, 1, 2]
args_tuples = [(1, 2), (3, 4), (5, 6)]

from suitkaise.processing import Pool

pool = Pool(workers=4)

# basic usage
results = pool.map(process_item, items)

assert results == [30, 10, 20]
assert pool.workers == 4

alone = [((3,)), ((1,)), ((2,))]
results = pool.map(fn, items)
assert results == alone

# -- map, with modifiers


async def map_asynced():
    # async
    results = await pool.map.asynced()(fn, items)
    assert results == alone

    results = await pool.map.asynced().timeout(30.0)(fn, items)
    assert results == alone

    results = await pool.star().map.asynced()(fn, args_tuples)
    assert results == args_tuples


# star - unpacks tuples as function arguments
results = pool.star().map(fn, [(1, 2), (3, 4)])
# fn(1, 2), fn(3, 4) instead of fn((1, 2), ), fn((3, 4), )
assert results == [(1, 2), (3, 4)]

# with timeout
results = pool.map.timeout(30.0)(fn, items)
assert results == alone

# background - returns Future
future = pool.map.background()(fn, items)
results = future.result()
assert results == alone

asyncio.run(map_asynced())

# combine modifiers
future = pool.map.timeout(30.0).background()(fn, items)
assert future.result() == alone

# star composes with all modifiers
results = pool.star().map.timeout(30.0)(fn, args_tuples)
assert results == args_tuples
future = pool.star().map.background()(fn, args_tuples)
assert future.result() == args_tuples

# -- unordered_map

results = pool.unordered_map(fn, items)
assert sorted(results) == sorted(alone)
assert isinstance(results, list)


async def unordered_map_asynced():
    # async
    results = await pool.unordered_map.asynced()(fn, items)
    assert sorted(results) == sorted(alone)

    results = await pool.star().unordered_map.asynced()(fn, args_tuples)
    assert sorted(results) == args_tuples


# star - unpacks tuples as function arguments
results = pool.star().unordered_map(fn, [(1, 2), (3, 4)])
assert sorted(results) == [(1, 2), (3, 4)]

# with timeout
results = pool.unordered_map.timeout(30.0)(fn, items)
assert sorted(results) == sorted(alone)

# background - returns Future
future = pool.unordered_map.background()(fn, items)
results = future.result()
assert sorted(results) == sorted(alone)

asyncio.run(unordered_map_asynced())

# star composes with all modifiers
results = pool.star().unordered_map.timeout(30.0)(fn, args_tuples)
assert sorted(results) == args_tuples
future = pool.star().unordered_map.background()(fn, args_tuples)
assert sorted(future.result()) == args_tuples

# -- imap

for result in pool.imap(fn, items):
    process(result)

assert taken() == alone


async def imap_asynced():
    # async - collects to list
    results = await pool.imap.asynced()(fn, items)  # list
    assert results == alone

    results = await pool.star().imap.asynced()(fn, args_tuples)
    assert results == args_tuples


# star - unpacks tuples as function arguments
for result in pool.star().imap(fn, [(1, 2), (3, 4)]):
    process(result)
assert taken() == [(1, 2), (3, 4)]

# with timeout (per-item)
for result in pool.imap.timeout(10.0)(fn, items):
    process(result)
assert taken() == alone

# background - collects to list
future = pool.imap.background()(fn, items)
results = future.result()  # list
assert results == alone

asyncio.run(imap_asynced())

# star composes with all modifiers
for result in pool.star().imap.timeout(10.0)(fn, args_tuples):
    process(result)
assert taken() == args_tuples
future = pool.star().imap.background()(fn, args_tuples)
assert future.result() == args_tuples

# -- unordered_imap

for result in pool.unordered_imap(fn, items):
    process(result)

assert sorted(taken()) == sorted(alone)


async def unordered_imap_asynced():
    # async - collects to list
    results = await pool.unordered_imap.asynced()(fn, items)  # list
    assert sorted(results) == sorted(alone)

    results = await pool.star().unordered_imap.asynced()(fn, args_tuples)
    assert sorted(results) == args_tuples


# star - unpacks tuples as function arguments
for result in pool.star().unordered_imap(fn, [(1, 2), (3, 4)]):
    process(result)
assert sorted(taken()) == [(1, 2), (3, 4)]

# with timeout
for result in pool.unordered_imap.timeout(30.0)(fn, items):
    process(result)
assert sorted(taken()) == sorted(alone)

# background - collects to list
future = pool.unordered_imap.background()(fn, items)
results = future.result()  # list
assert sorted(results) == sorted(alone)

asyncio.run(unordered_imap_asynced())

# star composes with all modifiers
for result in pool.star().unordered_imap.timeout(30.0)(fn, args_tuples):
    process(result)
assert sorted(taken()) == args_tuples
future = pool.star().unordered_imap.background()(fn, args_tuples)
assert sorted(future.result()) == args_tuples

# -- star

# without star: fn receives a single tuple argument
assert pool.map(fn, [(1, 2), (3, 4)]) == [((1, 2),), ((3, 4),)]
# fn((1, 2), ), fn((3, 4), )

# with star: fn receives unpacked arguments
assert pool.star().map(fn, [(1, 2), (3, 4)]) == [(1, 2), (3, 4)]
# fn(1, 2), fn(3, 4)

pool.star().map(fn, args_tuples)
pool.star().imap(fn, args_tuples)
pool.star().unordered_imap(fn, args_tuples)
pool.star().unordered_map(fn, args_tuples)

# -- an Skprocess


class ProcessItem(Skprocess):
    def __init__(self, item):
        self.item = item
        self.process_config.runs = 1

    def __run__(self):
        self.result_data = heavy_computation(self.item)

    def __result__(self):
        return self.result_data


# Pool creates instances and runs them
results = pool.map(ProcessItem, items)

assert [total for total, _ in results] == [3, 0, 1]
assert os.getpid() not in {pid for _, pid in results}

# -- the end of a pool

first = pool

with Pool(workers=4) as pool:

    results = pool.map(fn, items)

# pool is closed on exit
assert results == alone
assert repr(pool) == "<Pool of 4 workers (closed)>"

pool = first

pool.close()      # wait for all active processes to finish
pool.terminate()  # forcefully terminate all processes
