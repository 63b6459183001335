import pytest
from hypothesis import settings

# A busy machine must not fail a test: hypothesis would time every example.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


class FakeClock:
    """Stands still until it is told to advance."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
