"""suitkaise beside what one would take instead, measured in one run: `hatch run bench`.

    contest.py   what is compared: contests, contenders, trials
    agent.py     measures one contender, in a process of its own
    referee.py   opens the agents and lets them take turns
    report.py    the table;  chart.py  the charts;  machine.py  where it was measured

The contests are in `serialise`, `start`, `tiny`, `arrays`, `uneven`, `messages`, `runs`,
`timing` and `sharing`; the pools that three of them use are in `pools`, the processes that share in
`crew`; what worker processes run is in `tasks` and `processes`.
"""
