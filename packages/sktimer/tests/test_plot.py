import sys

import pytest

from suitkaise.timing import Sktimer


def filled(*times: float) -> Sktimer:
    timer = Sktimer()
    for time in times:
        timer.add_time(time)
    return timer


@pytest.fixture
def pyplot(monkeypatch):
    monkeypatch.setenv("MPLBACKEND", "Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")


def test_the_bars_hold_every_measurement(pyplot):
    axes = filled(1.0, 2.0, 2.0, 4.0).plot(bins=3)

    (bars,) = axes.patches
    assert list(bars.get_data().values) == [1, 2, 1]
    assert axes.get_title() == "4 measurements"


def test_it_draws_on_the_axes_given(pyplot):
    _, axes = pyplot.subplots()

    assert filled(1.0).plot(axes) is axes


def test_a_long_tail_gets_a_logarithmic_axis(pyplot):
    assert filled(1.0, 1.0, 1e4).plot().get_xscale() == "log"
    assert filled(1.0, 2.0, 3.0).plot().get_xscale() == "linear"


def test_the_axis_shows_units(pyplot):
    axes = filled(0.002, 0.004).plot()
    axes.figure.canvas.draw()

    labels = [label.get_text() for label in axes.get_xticklabels()]

    assert "2.5 ms" in labels
    assert all(label.endswith(" ms") for label in labels)


def test_without_measurements_the_plot_says_so(pyplot):
    assert Sktimer().plot().get_title() == "no measurements"


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)

    with pytest.raises(ImportError, match=r"pip install 'suitkaise-sktimer\[plot\]'"):
        filled(1.0).plot()


def test_bins_below_1_are_a_value_error():
    with pytest.raises(ValueError, match="bins must be 1 or more, or None; got 0"):
        filled(1.0).plot(bins=0)


def test_bins_that_are_no_whole_number_are_a_type_error():
    with pytest.raises(TypeError, match=r"bins must be a whole number.*got 2.5"):
        filled(1.0).plot(bins=2.5)
