import threading

import pytest

from suitkaise.cucumber import SerializationError, deserialize, serialize


class Counting(threading.local):
    count = 5

    def __init__(self):
        self.calls = []


class WithArguments(threading.local):
    def __init__(self, name):
        self.name = name


def seen_elsewhere(look):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(look()))
    thread.start()
    thread.join(30)
    return seen[0]


@pytest.mark.comes_back(
    "threading.local", how="the sending thread's attributes, for the thread that receives it"
)
def test_this_threads_attributes_arrive_and_are_not_other_threads():
    local = threading.local()
    local.name = "here"

    copy = deserialize(serialize(local))

    assert copy.name == "here"
    assert not seen_elsewhere(lambda: hasattr(copy, "name"))
    copy.name = "changed"
    assert local.name == "here"


def test_a_subclass_sets_up_other_threads_as_it_always_does():
    local = Counting()
    local.calls.append("here")

    copy = deserialize(serialize(local))

    assert (type(copy), copy.calls, copy.count) == (Counting, ["here"], 5)
    assert seen_elsewhere(lambda: copy.calls) == []


def test_one_that_leads_back_to_itself_travels():
    local = threading.local()
    local.me = local

    copy = deserialize(serialize(local))

    assert copy.me is copy


def test_a_subclass_whose_init_needs_arguments_is_refused():
    with pytest.raises(SerializationError, match="defaults"):
        serialize(WithArguments("x"))
