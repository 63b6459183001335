"""Which attributes of a timer its methods read and write, as `suitkaise.sk.Skclass` would tell.

It is said by hand because the source tells too much: reading a timer takes in what has been
recorded since, which changes how the measurements are kept and not what they are.
"""

from __future__ import annotations

_MEASURED, _RUNNING, _CLOCK = "_measurements", "_running", "_clock"
_ALL = (_CLOCK, _MEASURED, _RUNNING)

_WRITES = {
    **dict.fromkeys(("__init__", "__setstate__"), _ALL),
    "_attach": (_CLOCK, _RUNNING),
    **dict.fromkeys(("start", "discard", "pause", "resume"), (_RUNNING,)),
    **dict.fromkeys(("stop", "lap", "reset"), (_MEASURED, _RUNNING)),
    **dict.fromkeys(("add_time", "merge", "set_max_times", "__iadd__"), (_MEASURED,)),
}
_READS = {
    **dict.fromkeys(("__init__", "__setstate__", "_attach", "__init_subclass__"), ()),
    "__getstate__": _ALL,
    **dict.fromkeys(("start", "discard", "pause", "resume"), (_CLOCK, _RUNNING)),
    **dict.fromkeys(("stop", "lap"), _ALL),
    "reset": (_MEASURED, _RUNNING),
    **dict.fromkeys(("add_time", "merge", "set_max_times", "__add__", "__iadd__"), (_MEASURED,)),
    **dict.fromkeys(("__repr__", "get_time", "percentile", "plot"), (_MEASURED,)),
    **dict.fromkeys(("get_statistics", "get_stats"), (_MEASURED,)),
}
_PROPERTIES = (
    *("fastest_index", "fastest_time", "max", "max_times", "mean", "median", "min", "most_recent"),
    *("num_times", "result", "slowest_index", "slowest_time", "stdev", "total_time"),
    *("total_time_paused", "variance"),
)

SHARED_META: dict[str, dict[str, dict[str, list[str]]]] = {
    "methods": {
        name: {"writes": [*_WRITES.get(name, ())], "reads": [*_READS[name]]}
        for name in sorted(_READS)
    },
    "properties": {name: {"reads": [_MEASURED], "writes": []} for name in _PROPERTIES},
}
