import itertools
import logging
import sqlite3
import threading

import pytest

from suitkaise.cucumber import SerializationError, explain, serialize


class Job:
    def __init__(self, **attributes):
        vars(self).update(attributes)


class Refusing:
    def __reduce__(self):
        raise ValueError("not today")


def found(explanation, path):
    (part,) = [each for each in explanation if each.path == path]
    return part


def test_each_part_says_how_it_travels(memory_db):
    numbers = (number for number in range(3))
    job = Job(
        lock=threading.Lock(), log=logging.getLogger("job"), db=memory_db, numbers=numbers, key=len
    )

    explanation = explain({"job": job})

    assert {path: found(explanation, f"['job'].{path}").way for path in vars(job)} == {
        "lock": "by value",
        "log": "by value",
        "db": "Reconnector",
        "numbers": "consumed",
        "key": "by reference",
    }
    assert found(explanation, "['job'].key").detail == "builtins.len"
    assert "unlocked" in found(explanation, "['job'].lock").detail
    assert not explanation.failures


def test_nothing_is_used_up():
    stream, count, repeat = iter([1, 2]), itertools.count(), itertools.repeat("a", 2)
    groups = itertools.groupby("aab")

    explain([stream, count, repeat, groups, (number for number in stream)])

    assert list(stream) == [1, 2]
    assert next(count) == 0
    assert list(repeat) == ["a", "a"]
    assert [key for key, _ in groups] == ["a", "b"]


def test_what_would_fail_says_where_and_why_and_serialize_agrees():
    jobs = {"jobs": [Job(), Job(endless=itertools.cycle("ab")), Job(sub=Refusing())]}

    explanation = explain(jobs)

    endless, refusing = explanation.failures
    assert (endless.path, endless.type_name) == ("['jobs'][1].endless", "itertools.cycle")
    assert "endless" in endless.detail
    assert refusing.path == "['jobs'][2].sub"
    assert "ValueError: not today" in refusing.detail
    with pytest.raises(SerializationError) as caught:
        serialize(jobs)
    assert caught.value.path == endless.path


def test_an_object_in_several_places_is_explained_at_its_shortest_path():
    lock = threading.Lock()

    explanation = explain({"deep": [[lock]], "lock": lock})

    assert found(explanation, "['lock']").way == "by value"
    assert found(explanation, "['deep'][0][0]").way == "again"
    assert found(explanation, "['deep'][0][0]").detail == "the same as ['lock']"


def test_a_cycle_ends():
    job = Job()
    job.me = job

    assert found(explain(job), ".me").detail == "the same as the whole"


def test_a_function_by_value_shows_what_it_takes_along(memory_db):
    def count():
        return memory_db.execute("SELECT 1")

    explanation = explain(count)

    assert explanation.way == "by value"
    assert [each.way for each in explanation if each.type_name == "sqlite3.Connection"] == [
        "Reconnector"
    ]


def test_it_prints_as_a_tree():
    tree = str(explain({"lock": threading.Lock(), "cycle": itertools.cycle("ab"), "n": 1}))

    assert tree.splitlines() == [
        "dict · by value: 3 items",
        "├── ['lock'] _thread.lock · by value: they arrive unlocked, with nobody waiting",
        "└── ['cycle'] itertools.cycle · FAILS: it is endless; serialise what it cycles through, "
        "and cycle at the receiver",
    ]
    assert repr(explain(1)) == "int · by value"


def test_of_many_alike_a_few_are_shown_and_all_that_fail():
    events = [threading.Lock() for _ in range(50)]
    things = [*events, itertools.cycle("ab"), itertools.cycle("cd")]

    lines = str(explain(things)).splitlines()

    assert [line[4:] for line in lines[4:]] == [
        *[line[4:] for line in lines[4:6]],
        "... and 47 more of _thread.lock · by value",
    ]
    assert lines[4].startswith("├── [50] itertools.cycle · FAILS")
    assert lines[5].startswith("├── [51] itertools.cycle · FAILS")


def test_a_deep_structure_prints_to_some_depth():
    deep = threading.Lock()
    for _ in range(5_000):
        deep = [deep]

    lines = str(explain(deep)).splitlines()

    assert lines[-1].endswith("... and deeper")
    assert len(lines) < 100


def test_a_large_structure_is_explained_in_part():
    explanation = explain([[] for _ in range(150_000)])

    assert 50_000 < len(explanation.parts) <= 100_000


def test_a_connection_stays_as_it_was():
    db = sqlite3.connect(":memory:")
    db.execute("CREATE TABLE numbers AS SELECT 1 AS n")

    explain(db)

    assert db.execute("SELECT n FROM numbers").fetchall() == [(1,)]
    db.close()
