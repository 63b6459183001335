import gc
import threading
import weakref

import pytest

from suitkaise.cucumber import (
    Reconnector,
    SerializationError,
    deserialize,
    reconnect_all,
    serialize,
)


class Node:
    def __init__(self, name="node"):
        self.name = name

    def hello(self):
        return f"hello {self.name}"


class Labelled(weakref.ref):
    """Has attributes."""


class Slotted(weakref.ref):
    __slots__ = ("label",)


class Particular(weakref.ref):
    def __new__(cls, target, label):
        return super().__new__(cls, target)

    def __init__(self, target, label):
        super().__init__(target)
        self.label = label


class Method(weakref.WeakMethod):
    __slots__ = ("label",)


class SlottedValues(weakref.WeakValueDictionary):
    __slots__ = ("label",)


class SlottedSet(weakref.WeakSet):
    __slots__ = ("label",)


@pytest.mark.comes_back(
    "weakref.ref",
    "weakref.WeakMethod",
    "weakref.proxy",
    how="alive if something else that travels along holds the target, else dead; no callback",
)
@pytest.mark.parametrize("is_first", [True, False])
def test_a_reference_is_alive_if_its_target_travels_along(is_first):
    node = Node()
    things = [weakref.ref(node), node] if is_first else [node, weakref.ref(node)]

    copy = deserialize(serialize(things))

    reference, target = copy if is_first else reversed(copy)
    assert reference() is target
    del copy, target
    assert reference() is None


@pytest.mark.parametrize("is_dead_here", [True, False])
def test_a_reference_alone_is_dead_and_does_not_keep_its_target(is_dead_here):
    node = Node()
    references = [weakref.ref(node), weakref.WeakMethod(node.hello), weakref.proxy(node)]
    if is_dead_here:
        del node

    reference, method, proxy = deserialize(serialize(references))

    assert reference() is None
    assert method() is None
    with pytest.raises(ReferenceError):
        proxy.name  # noqa: B018


def test_an_object_that_refers_to_itself_weakly_travels():
    node = Node()
    node.me = weakref.ref(node)
    node.others = [node.me, weakref.proxy(node)]

    copy = deserialize(serialize(node))

    assert copy.me() is copy
    assert copy.others[0] is copy.me
    assert copy.others[1].name == "node"
    reference, target = deserialize(serialize([node.me, node]))
    assert reference() is target


def test_a_method_and_a_proxy_are_alive_with_their_target():
    node = Node("a")

    method, proxy, target = deserialize(
        serialize([weakref.WeakMethod(node.hello), weakref.proxy(node), node])
    )

    assert method()() == "hello a"
    assert proxy.name == "a"
    target.name = "b"
    assert (method()(), proxy.hello()) == ("hello b", "hello b")


@pytest.mark.parametrize("kind", [Labelled, Slotted])
def test_a_subclass_keeps_its_type_and_attributes(kind):
    node = Node()
    reference = kind(node)
    reference.label = "x"

    copy, target = deserialize(serialize([reference, node]))

    assert (type(copy), copy.label, copy()) == (kind, "x", target)


def test_a_subclass_may_want_more_than_the_target():
    node = Node()
    key, particular = weakref.KeyedRef(node, None, "k"), Particular(node, "x")

    key, particular, target = deserialize(serialize([key, particular, node]))

    assert (key(), key.key) == (target, "k")
    assert (particular(), particular.label) == (target, "x")


def test_a_reference_to_a_method_keeps_its_type_and_attributes():
    node = Node()
    reference = Method(node.hello)
    reference.label = "x"

    copy, target = deserialize(serialize([reference, node]))

    assert (type(copy), copy.label, copy().__self__) == (Method, "x", target)


@pytest.mark.parametrize("container", [SlottedValues(), SlottedSet()])
def test_a_subclass_of_a_weak_container_keeps_its_slots(container):
    container.label = "x"

    copy = deserialize(serialize(container))

    assert (type(copy), copy.label) == (type(container), "x")


def test_a_method_of_a_class_that_travels_by_value_is_alive_with_its_object(load_elsewhere):
    class Local:
        def hello(self):
            return "hello"

    thing = Local()
    payload = serialize([weakref.WeakMethod(thing.hello), thing])

    method, target = deserialize(payload)

    assert method()() == "hello"
    assert method().__self__ is target
    assert load_elsewhere(payload, "print(value[0]()())") == "hello"


def test_a_method_is_found_in_its_class_whatever_its_name(load_elsewhere):
    class Base:
        def hello(self):
            return "base"

    class Child(Base):
        def hello(self):
            return "child"

        def references(self):
            methods = [super().hello, self.hello, self.__private, self.short, self.make]
            return [weakref.WeakMethod(method) for method in methods]

        def __private(self):
            return "private"

        @classmethod
        def make(cls):
            return "class"

        short = lambda self: "lambda"  # noqa: E731

    child = Child()
    payload = serialize([child, Child, *child.references()])

    words = ["base", "child", "private", "lambda", "class"]
    copy, _, *references = deserialize(payload)
    assert [reference()() for reference in references] == words
    assert references[0]().__self__ is copy
    assert load_elsewhere(payload, "print([each()() for each in value[2:]])") == str(words)


class Worker(threading.Thread):
    def hello(self):
        return self.name


def weakly(thread):
    """Refer to a thread in all ways, before it is held, and hold it."""
    return {
        "reference": weakref.ref(thread),
        "proxy": weakref.proxy(thread),
        "method": weakref.WeakMethod(thread.hello),
        "set": weakref.WeakSet([thread]),
        "keys": weakref.WeakKeyDictionary({thread: 1}),
        "values": weakref.WeakValueDictionary({"a": thread}),
        "thread": thread,
    }


def test_references_to_what_arrives_as_a_reconnector_are_to_that():
    things = deserialize(serialize(weakly(Worker())))

    assert isinstance(things["thread"], Reconnector)
    assert things["reference"]() is things["thread"]
    assert list(things["set"]) == [things["thread"]]
    assert "not connected" in repr(things["thread"])


def test_references_to_reconnectors_are_to_the_resources_once_they_are_connected():
    things = reconnect_all(deserialize(serialize(weakly(Worker(name="w")))))

    thread = things["thread"]
    assert type(thread) is Worker
    assert things["reference"]() is thread
    assert things["method"]() == thread.hello
    assert type(things["proxy"]) is weakref.ProxyType
    assert things["proxy"].hello() == "w"
    assert list(things["set"]) == [thread]
    assert dict(things["keys"]) == {thread: 1}
    assert dict(things["values"]) == {"a": thread}
    del thread, things["thread"]
    gc.collect()
    assert [len(things[name]) for name in ("set", "keys", "values")] == [0, 0, 0]


def test_a_secret_is_found_by_what_holds_a_resource_not_by_what_refers_to_it():
    asked = []
    resource = Node()

    def connect(description, auth):
        asked.append(auth)
        return resource

    reconnector = Reconnector("sqlite3.Connection", connect, needs_secret=True)
    things = {"reference": weakref.ref(reconnector), "db": reconnector}
    del reconnector

    reconnect_all(things, **{"sqlite3.Connection": {"db": "secret"}})

    assert asked == ["secret"]
    assert things["reference"]() is things["db"] is resource


def test_a_callback_stays_here():
    node, called = Node(), []
    reference = weakref.ref(node, called.append)

    copy, target = deserialize(serialize([reference, node]))
    del target

    assert copy() is None
    assert called == []


@pytest.mark.comes_back(
    "weakref.WeakValueDictionary",
    "weakref.WeakKeyDictionary",
    "weakref.WeakSet",
    how="with what is alive at the receiver",
)
def test_weak_containers_hold_what_travels_along():
    kept, alone = Node("kept"), Node("alone")
    values = weakref.WeakValueDictionary({"kept": kept, "alone": alone})
    keys = weakref.WeakKeyDictionary({kept: 1, alone: 2})
    members = weakref.WeakSet([kept, alone])

    values, keys, members, target = deserialize(serialize([values, keys, members, kept]))

    assert dict(values) == {"kept": target}
    assert dict(keys) == {target: 1}
    assert set(members) == {target}
    values["new"] = new = Node()
    members.add(new)
    del target, new
    assert len(values) == len(keys) == len(members) == 0


def test_a_weak_container_may_hold_what_holds_it():
    node = Node()
    node.registry = weakref.WeakValueDictionary(me=node)

    copy = deserialize(serialize(node))

    assert copy.registry["me"] is copy


@pytest.mark.comes_back("weakref.finalize", how="refused: it acts in the process that made it")
def test_a_finalizer_is_refused():
    node = Node()
    finalizer = weakref.finalize(node, print)

    with pytest.raises(SerializationError, match="make another at the receiver"):
        serialize(finalizer)
    finalizer.detach()
