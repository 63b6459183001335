import random
import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.timing._histogram import histogram, svg

SVG = "{http://www.w3.org/2000/svg}"
ordinary = st.lists(st.one_of(st.just(0.0), st.floats(1e-9, 1e9)), min_size=1, max_size=60)
durations = st.one_of(ordinary, st.lists(st.floats(0.0, 1e100), min_size=1, max_size=9))


@given(durations)
def test_every_duration_is_counted_once_between_its_edges(times):
    ordered = sorted(times)

    bars = histogram(ordered)

    assert sum(bars.counts) == len(times)
    assert len(bars.edges) == len(bars.counts) + 1
    assert bars.edges == sorted(bars.edges)
    assert bars.edges[0] <= ordered[0]
    assert bars.edges[-1] >= ordered[-1]


def test_bars_of_the_same_width_count_what_lies_in_them():
    bars = histogram([0.0, 1.0, 2.0, 2.5, 3.0, 4.0], bins=4)

    assert bars.edges == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert bars.counts == [1, 1, 2, 2]
    assert not bars.is_log


def test_a_long_tail_gets_edges_that_multiply():
    bars = histogram([1.0, 1.0, 2.0, 3.0, 10_000.0], bins=4)

    assert bars.is_log
    assert bars.edges == pytest.approx([1.0, 10.0, 100.0, 1_000.0, 10_000.0])
    assert bars.counts == [4, 0, 0, 1]


def test_a_long_tail_from_zero_stays_linear():
    assert not histogram([0.0, 1.0, 1.0, 1_000.0]).is_log


@given(durations)
def test_the_drawing_is_well_formed_and_stays_inside(times):
    drawing = ElementTree.fromstring(svg(sorted(times)))

    width, height = float(drawing.attrib["width"]), float(drawing.attrib["height"])
    bars = drawing.findall(f"{SVG}rect")
    assert bars
    for bar in bars:
        assert float(bar.attrib["x"]) >= 0.0
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= width
        assert float(bar.attrib["y"]) >= 0.0
        assert float(bar.attrib["y"]) + float(bar.attrib["height"]) <= height


def test_a_bar_twice_as_high_stands_for_twice_as_many():
    drawing = ElementTree.fromstring(svg([1.0] * 20 + [2.0] * 40))

    heights = [float(bar.attrib["height"]) for bar in drawing.findall(f"{SVG}rect")]

    assert heights[-1] == pytest.approx(2.0 * heights[0], abs=0.1)


def test_the_labels_tell_close_edges_apart():
    bars = histogram([1.000001, 1.000002])

    assert bars.label(bars.edges[0]) != bars.label(bars.edges[-1])


def test_the_drawing_says_what_it_shows():
    chance = random.Random(1)
    title = ElementTree.fromstring(svg(sorted(chance.random() for _ in range(2_000))))[0]

    assert title.text is not None
    assert title.text.startswith("Histogram of 2,000 durations, ")
