from suitkaise.timing import Sktimer, TimerStats


def stats_of(*times: float) -> TimerStats:
    timer = Sktimer()
    for time in times:
        timer.add_time(time)
    stats = timer.get_stats()
    assert stats is not None
    return stats


def test_printed_it_is_an_aligned_table_with_a_unit_for_each():
    stats = stats_of(3e-9, 0.001, 0.003, 2.0)

    assert str(stats).splitlines() == [
        "num_times        4",
        "total_time    2.00 s",
        "mean        501.00 ms",
        "stdev       999.33 ms",
        "min           3.00 ns",
        "median        2.00 ms",
        "95 % below    1.70 s",
        "max           2.00 s",
    ]


def test_its_rows_can_be_had_for_another_table():
    rows = stats_of(0.001, 0.003).rows()

    assert rows[0] == ("num_times", "2", "")
    assert ("mean", "2.00", "ms") in rows
    assert len(rows) == 8


def test_a_single_measurement_has_no_row_for_the_spread():
    assert "stdev" not in str(stats_of(1.0))


def test_pauses_have_a_row_only_if_there_were_some():
    timer = Sktimer()
    timer.start()
    timer.pause()
    timer.stop()
    paused = timer.get_stats()

    assert "paused" in str(paused)
    assert "paused" not in str(stats_of(1.0))


def test_every_line_of_numbers_ends_its_number_at_the_same_place():
    lines = str(stats_of(1e-9, 1e-6, 1e-3, 1.0, 1e5)).splitlines()

    points = {line.index(".") for line in lines[1:]}

    assert len(points) == 1


def test_in_a_notebook_it_is_the_same_table_and_a_drawing():
    stats = stats_of(0.001, 0.003, 2.0)

    html = stats._repr_html_()

    for line in str(stats).splitlines():
        for word in line.split():
            assert word in html
    assert html.count("<svg") == html.count("</svg>") == 1
    assert html.count("<tr") == html.count("</tr>") == len(str(stats).splitlines())
    assert "<script" not in html
