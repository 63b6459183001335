"""The rules are those of the document "Trace Event Format" of the Chromium project."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from suitkaise.processing import ProcessTimers, Skprocess
from suitkaise.processing._lifecycle import Section
from suitkaise.processing._timeline import FAILED, mark_of


class Steps(Skprocess):
    def __init__(self, runs: int = 3, fail_at: int | None = None) -> None:
        self.fail_at = fail_at
        self.process_config.runs = runs
        self.process_config.lives = 2

    def __prerun__(self) -> None:
        pass

    def __run__(self) -> None:
        time.sleep(0.001)
        if self.current_run == self.fail_at:
            self.fail_at = None
            raise ValueError("once")

    def __postrun__(self) -> None:
        pass

    def __result__(self) -> None:
        pass


def read(path: Path) -> list[dict[str, Any]]:
    """Load a trace, check it against the format, and return its slices as they began."""
    trace = json.loads(path.read_text(encoding="utf-8"))
    assert trace["displayTimeUnit"] in ("ms", "ns")
    names: dict[tuple[str, int], str] = {}
    slices = []
    for event in trace["traceEvents"]:
        assert type(event["name"]) is str
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
        assert isinstance(event["args"], dict)
        if event["ph"] == "M":
            assert event["name"] in ("process_name", "thread_name")
            assert (event["name"], event["pid"]) not in names
            names[event["name"], event["pid"]] = event["args"]["name"]
        else:
            assert event["ph"] == "X"
            assert type(event["cat"]) is str
            assert event["ts"] >= 0
            assert event["dur"] >= 0
            slices.append(event)
    for pid in {event["pid"] for event in slices}:
        assert {("process_name", pid), ("thread_name", pid)} <= names.keys()
        assert_nested([event for event in slices if event["pid"] == pid])
    return slices


def assert_nested(slices: list[dict[str, Any]]) -> None:
    """Check that each slice of a thread is in the one before it, or begins after its end."""
    open_ends: list[int] = []
    for event in slices:
        began = round(event["ts"] * 1000)
        ended = began + round(event["dur"] * 1000)
        while open_ends and began >= open_ends[-1]:
            open_ends.pop()
        assert not open_ends or ended <= open_ends[-1], event
        open_ends.append(ended)


def test_a_trace_holds_every_section_of_every_process(tmp_path: Path) -> None:
    before = time.perf_counter()
    first, second = Steps(2), Steps(3)
    for process in (first, second):
        process.start()
    for process in (first, second):
        process.result()
    after = time.perf_counter()
    assert first.timers is not None
    assert second.timers is not None

    first.timers.trace(tmp_path / "trace.json", second.timers)

    slices = read(tmp_path / "trace.json")
    by_process: dict[int, list[str]] = {}
    for event in slices:
        by_process.setdefault(event["pid"], []).append(event["name"])
        assert before <= event["ts"] / 1e6 <= (event["ts"] + event["dur"]) / 1e6 <= after
    run = ["full_run", "__prerun__", "__run__", "__postrun__"]
    assert list(by_process.values()) == [run * 2 + ["__result__"], run * 3 + ["__result__"]]
    runs = [event for event in slices if event["name"] == "__run__"]
    assert [event["args"]["run"] for event in runs] == [0, 1, 0, 1, 2]
    assert all(event["dur"] >= 1000 for event in runs)  # microseconds


def test_a_failed_section_is_marked(tmp_path: Path) -> None:
    process = Steps(2, fail_at=1)
    process.run()
    assert process.timers is not None

    process.timers.trace(str(tmp_path / "trace.json"))

    slices = read(tmp_path / "trace.json")
    failed = [event for event in slices if "failed" in event["cat"].split(",")]
    assert [(event["name"], event["args"]) for event in failed] == [
        ("__run__ (failed)", {"run": 1, "failed": True})
    ]
    assert [event["args"]["run"] for event in slices if event["name"] == "full_run"] == [0, 1]


def test_slices_that_touch_by_less_than_the_unit_are_nested(tmp_path: Path) -> None:
    timers = ProcessTimers([Section.PRERUN, Section.RUN], 'a "name" with\nodd characters: ü')
    began = 2_751_897.1610951234
    for run in range(200):
        sections = began, began + 1.23456e-7
        timers.timeline.record((sections[0], 1.23456e-7, run, mark_of(7, Section.PRERUN)))
        timers.timeline.record((sections[1], 3.33333e-6, run, mark_of(7, Section.RUN)))
        timers.timeline.record((began, 1.23456e-7 + 3.33333e-6, run, mark_of(7, None)))
        began = sections[1] + 3.33333e-6

    timers.trace(tmp_path / "trace.json")

    assert len(read(tmp_path / "trace.json")) == 600


def test_a_trace_of_nothing_is_one_without_events(tmp_path: Path) -> None:
    ProcessTimers([]).trace(tmp_path / "trace.json")

    assert read(tmp_path / "trace.json") == []


def test_timers_named_twice_are_drawn_once(tmp_path: Path) -> None:
    timers = ProcessTimers([Section.RUN])
    timers.timeline.record((1.0, 1.0, 0, mark_of(7, Section.RUN) + FAILED))

    timers.trace(tmp_path / "trace.json", timers)

    assert len(read(tmp_path / "trace.json")) == 1


@pytest.mark.parametrize("other", [None, Steps()])
def test_what_are_no_timers_is_refused_before_anything_is_written(
    other: Any, tmp_path: Path
) -> None:
    path = tmp_path / "trace.json"

    with pytest.raises(TypeError, match=r"trace\(\) takes the timers of processes"):
        ProcessTimers([]).trace(path, other)

    assert not path.exists()
