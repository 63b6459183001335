import struct

import pytest

from suitkaise.cucumber import deserialize, serialize


@pytest.mark.comes_back("struct.Struct", how="with its format")
def test_a_struct_packs():
    copy = deserialize(serialize(struct.Struct("<IH")))

    assert (copy.format, copy.size) == ("<IH", 6)
    assert copy.unpack(copy.pack(70_000, 7)) == (70_000, 7)
