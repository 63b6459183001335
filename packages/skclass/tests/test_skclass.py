import pytest

from suitkaise.sk._skclass import Skclass


@Skclass
class Counter:
    def __init__(self):
        self.count = 0
        self.log = []

    def add(self, number):
        self.count += number
        self.log.append(number)

    def look(self):
        return self.count

    @property
    def last(self):
        return self.log[-1]


def test_the_class_stays_the_class_and_tells_what_its_methods_touch():
    assert Counter._shared_meta == {
        "methods": {
            "__init__": {"writes": ["count", "log"], "reads": []},
            "add": {"writes": ["count", "log"], "reads": ["count", "log"]},
            "look": {"writes": [], "reads": ["count"]},
        },
        "properties": {"last": {"reads": ["log"], "writes": []}},
    }
    assert isinstance(Counter(), Counter)


def test_a_subclass_gets_its_own():
    class Pair(Counter):
        def add(self, number):
            super().add(number)
            self.other = number

    assert "_shared_meta" not in vars(Pair)

    Skclass(Pair)

    assert Pair._shared_meta["methods"]["add"]["writes"] == ["count", "log", "other"]
    assert Counter._shared_meta["methods"]["add"]["writes"] == ["count", "log"]


def test_a_second_call_gives_the_same():
    before = Counter._shared_meta

    assert Skclass(Counter)._shared_meta == before


def test_a_class_that_takes_no_attributes_is_a_type_error_with_the_remedy():
    with pytest.raises(TypeError, match=r"builtins\.list.*use a subclass"):
        Skclass(list)


def test_what_is_no_class_is_a_type_error_with_the_remedy():
    with pytest.raises(TypeError, match="use sk for a function"):
        Skclass(len)


def test_a_metaclass_of_someone_elses_is_not_asked():
    class Meta(type):
        def __setattr__(cls, name, value):
            raise AssertionError(name)

    class Guarded(metaclass=Meta):
        def m(self):
            self.n = 1

    assert Skclass(Guarded)._shared_meta["methods"]["m"]["writes"] == ["n"]
