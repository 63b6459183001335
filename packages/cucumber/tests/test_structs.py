import struct

import pytest

from suitkaise.cucumber import deserialize, serialize


@pytest.mark.comes_back("struct.Struct", how="with its format")
def test_a_struct_packs():
    copy = deserialize(serialize(struct.Struct("<IH")))

    assert (copy.format, copy.size) == ("<IH", 6)
    assert copy.unpack(copy.pack(70_000, 7)) == (70_000, 7)


def test_a_subclass_with_a_constructor_of_its_own_keeps_its_attributes():
    class Header(struct.Struct):
        __slots__ = ("name",)

        def __init__(self):
            super().__init__("<IH")
            self.name = "header"

    copy = deserialize(serialize(Header()))

    assert (type(copy), copy.size, copy.name) == (Header, 6, "header")
