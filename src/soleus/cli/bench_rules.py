"""``soleus bench rules``: false alarms, detections and speed of the rules."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter, validators


def rules(
    *,
    runners: Annotated[int, Parameter(validator=validators.Number(gte=1, lte=10_000))] = 200,
    hours: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=100))] = 1.0,
    seed: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 1,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> int:
    """Measure false alarms, detections and speed of the rules on simulated runners, against their bars.

    Leaves with 1 if a bar is missed. A simulation proves the rules' logic, nothing about people.

    Parameters
    ----------
    runners
        Runners of each series.
    hours
        Healthy running of each runner.
    seed
        Draws other runners.
    json
        Print the figures as JSON.
    """
    import msgspec

    from soleus.bench.rules import measure_rules
    from soleus.cli import EXIT_DONE, EXIT_SHORT
    from soleus.cli.bench_speed import show_figures
    from soleus.cli.terminal import screen, telling, write_json

    with telling() as tell:
        figures = measure_rules(runners=runners, hours=hours, seed=seed, tell=tell)
    if json:
        write_json([{**msgspec.structs.asdict(figure), "holds": figure.holds} for figure in figures])
    else:
        show_figures(screen(), figures)
    return EXIT_SHORT if any(figure.holds is False for figure in figures) else EXIT_DONE
