import threading

import pytest

from suitkaise.cucumber import deserialize, serialize

DEADLINE = 30.0


class Session(threading.local):
    """Each thread has its own count; they share the name of the service."""

    __slots__ = ("service",)

    def __init__(self, start, *, step=1):
        self.count = start
        self.step = step

    def advance(self):
        self.count += self.step
        return self.count


class Plain(threading.local):
    kind = "plain"


class Owner:
    """The usual case: the object gives itself along."""

    def __init__(self):
        self.session = Owned(self)


class Owned(threading.local):
    def __init__(self, owner):
        self.owner = owner


def travel(obj):
    return deserialize(serialize(obj))


def in_new_thread(function):
    """Call it in a new thread, and return what it returned."""
    returned = []
    thread = threading.Thread(target=lambda: returned.append(function()))
    thread.start()
    thread.join(DEADLINE)
    return returned[0]


@pytest.mark.comes_back(
    "threading.local",
    how="with the sending thread's attributes for the receiving thread; in others a subclass's "
    "`__init__` is called with its arguments",
)
def test_the_attributes_of_this_thread_arrive_and_no_others():
    values = threading.local()
    values.name = "main"
    in_new_thread(lambda: setattr(values, "secret", "of another thread"))

    copy = travel(values)

    assert type(copy) is threading.local
    assert vars(copy) == {"name": "main"}
    assert in_new_thread(lambda: dict(vars(copy))) == {}


def test_the_thread_that_sends_sends_its_own():
    values = threading.local()
    values.name = "main"

    def send():
        values.name = "other"
        return serialize(values)

    assert deserialize(in_new_thread(send)).name == "other"
    assert values.name == "main"


@pytest.mark.parametrize("make", [lambda: Session(10, step=5), lambda: Session(start=10, step=5)])
def test_other_threads_of_the_receiver_begin_with_what_init_sets(make):
    session = make()
    session.advance()
    session.service = "shared by all threads"

    copy = travel(session)

    assert (type(copy), copy.count, copy.advance()) == (Session, 15, 20)
    assert in_new_thread(copy.advance) == 15
    assert in_new_thread(lambda: copy.service) == "shared by all threads"
    assert session.count == 15


def test_the_arguments_travel_on():
    copy = travel(travel(travel(Session(1))))

    assert in_new_thread(copy.advance) == 2


def test_an_attribute_that_init_sets_and_this_thread_deleted_stays_deleted():
    session = Session(1)
    del session.step

    copy = travel(session)

    assert not hasattr(copy, "step")
    assert in_new_thread(lambda: copy.step) == 1


def test_one_that_this_thread_never_touched_is_initialised_for_it():
    session = in_new_thread(lambda: Session(3))

    copy = travel(session)

    assert copy.count == 3


def test_a_subclass_without_init_keeps_its_type():
    values = Plain()
    values.name = "here"

    copy = travel(values)

    assert (type(copy), copy.kind, copy.name) == (Plain, "plain", "here")


def test_one_may_lead_to_itself_and_be_shared():
    values = threading.local()
    values.itself = values

    first, second = travel([values, {"values": values}])

    assert first is second["values"] is first.itself


def test_one_may_be_given_its_owner():
    owner = Owner()

    copy = travel(owner)

    assert copy.session.owner is copy
    assert in_new_thread(lambda: copy.session.owner) is copy


def test_one_that_was_given_its_owner_leads_back_to_itself():
    copy = travel(Owner().session)

    assert copy.owner.session is copy
    assert in_new_thread(lambda: copy.owner.session) is copy


def test_locals_arrive_in_another_process(load_elsewhere):
    class Counter(threading.local):
        def __init__(self, start):
            self.count = start

        def advance(self):
            self.count += 1
            return self.count

    values = threading.local()
    values.name = "main"
    payload = serialize({"values": values, "session": Counter(5)})

    lines = (
        "import threading\n"
        "def look():\n"
        "    print(vars(value['values']), value['session'].advance())\n"
        "value['session'].advance()\n"
        "look()\n"
        "thread = threading.Thread(target=look)\n"
        "thread.start()\n"
        "thread.join(30)"
    )
    assert load_elsewhere(payload, lines) == "{'name': 'main'} 7\n{} 6"
