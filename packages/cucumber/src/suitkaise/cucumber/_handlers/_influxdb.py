"""influxdb."""

from suitkaise.cucumber._reducer import Reducer

REDUCERS: dict[str, Reducer] = {}
