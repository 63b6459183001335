"""Fixtures: each server once per session, and objects sent through bytes."""

import pytest

from suitkaise.cucumber import deserialize, serialize


@pytest.fixture
def travel():
    """Send an object through bytes, in which none of the given secrets may be."""

    def send(obj, *secrets):
        payload = serialize(obj)
        for secret in secrets:
            assert secret.encode() not in payload
            assert secret.encode("utf-16-le") not in payload
        return deserialize(payload)

    return send
