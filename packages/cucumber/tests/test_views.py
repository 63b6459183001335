import operator
import types
from collections import OrderedDict

import pytest

from suitkaise.cucumber import deserialize, serialize


class Plain:
    value = 1


@pytest.mark.comes_back(
    "types.MappingProxyType",
    "dict.keys()",
    "dict.values()",
    "dict.items()",
    how="views of the same dict, which travels along",
)
def test_views_show_what_is_changed_in_their_dict():
    content = {"a": 1}

    things = [content, types.MappingProxyType(content), content.keys(), content.values()]
    copy, proxy, keys, values = deserialize(serialize(things))
    copy["b"] = 2

    assert dict(proxy) == {"a": 1, "b": 2}
    assert (list(keys), list(values)) == (["a", "b"], [1, 2])
    assert list(deserialize(serialize(content.items()))) == [("a", 1)]
    assert list(deserialize(serialize(OrderedDict(b=1).keys()))) == ["b"]
    with pytest.raises(TypeError):
        proxy["c"] = 3


def test_a_proxy_in_its_own_dict_and_one_of_another_mapping_travel():
    content = {}
    content["me"] = types.MappingProxyType(content)
    outer = types.MappingProxyType(types.MappingProxyType({"a": 1}))

    copy = deserialize(serialize(content))
    proxy = deserialize(serialize(content["me"]))

    assert copy["me"]["me"] is copy["me"]
    assert proxy["me"]["me"] == proxy["me"]
    assert deserialize(serialize(outer))["a"] == 1


@pytest.mark.parametrize("cls", [Plain, int, types.SimpleNamespace])
def test_the_proxy_of_a_class_is_the_classs(cls):
    assert deserialize(serialize(vars(cls))) == vars(cls)


def test_a_view_of_a_classs_dict_is_the_classs():
    class Local:
        value = 1

    cls, names = deserialize(serialize([Local, vars(Local).keys()]))
    cls.later = 2

    assert "later" in names


def test_many_views_of_a_dict_share_it():
    content = dict.fromkeys(range(1000))
    views = [make(content) for make in (types.MappingProxyType, dict.keys, dict.items) * 300]

    payload = serialize([content, *views])
    copy, *copies = deserialize(payload)
    copy["later"] = 1

    assert len(payload) < len(serialize(content)) + 20 * len(views)
    assert all(len(each) == 1001 for each in copies)


@pytest.mark.comes_back(
    "types.SimpleNamespace",
    "range",
    "slice",
    "operator getters",
    how="as they were",
)
def test_small_things_of_the_standard_library_travel():
    namespace = types.SimpleNamespace(a=1)
    namespace.me = namespace
    things = [range(1, 9, 2), slice(1, None, 3), Ellipsis, NotImplemented, list[int], int | str]

    copy, *copies = deserialize(serialize([namespace, *things]))

    assert copy.me is copy
    assert copies == things
    assert deserialize(serialize(operator.itemgetter(1)))([1, 2]) == 2
    assert deserialize(serialize(operator.attrgetter("a")))(namespace) == 1
    assert deserialize(serialize(operator.methodcaller("upper")))("x") == "X"
