"""``soleus simulate``: a synthetic runner, with the exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from soleus.cli.errors import UsageError


def simulate(
    scenario: str | None = None,
    /,
    *,
    seed: Annotated[int, Parameter(validator=validators.Number(gte=0))] = 0,
    out: Path | None = None,
    list_scenarios: Annotated[bool, Parameter(name="--list", negative=(), show_default=False)] = False,
    json: Annotated[bool, Parameter(negative=(), show_default=False)] = False,
) -> None:
    """Simulate a session of a synthetic runner, with the exact truth of every step.

    Writes a session folder and truth.parquet into it. The same scenario and seed give the same files.

    Parameters
    ----------
    scenario
        Name of a ready scenario (see --list) or a TOML file.
    seed
        Draws another runner's variation and other sensor errors.
    out
        The session folder; by default one named after the scenario, here.
    list_scenarios
        List the ready scenarios.
    json
        Print what was made as JSON.
    """
    from soleus.cli.terminal import clock, screen, table, working, write_json
    from soleus.simulate import read_scenario, ready_scenarios

    if list_scenarios:
        found = {name: read_scenario(name) for name in ready_scenarios()}
        if json:
            write_json({n: {"duration_s": s.duration_s, "description": s.description} for n, s in found.items()})
            return
        shown = table("scenario", "length", "what happens", numbers_from=3)
        for name, made in found.items():
            shown.add_row(name, clock(made.duration_s), made.description)
        screen().print(shown)
        return
    if scenario is None:
        raise UsageError("no scenario given; name one of soleus simulate --list, or a TOML file")
    plan = read_scenario(scenario)
    folder = out if out is not None else Path(plan.name)
    with working(f"Simulating {plan.name} ..."):
        contacts = _write(scenario, seed, folder)
    if json:
        write_json({"folder": str(folder), "scenario": plan.name, "seed": seed, "contacts": contacts})
    else:
        screen().print(
            f"Wrote {folder}: {plan.name}, seed {seed}, {clock(plan.duration_s)}, {contacts} true contacts.",
            soft_wrap=True,
        )


def _write(scenario: str, seed: int, folder: Path) -> int:
    """Simulate and write; give the number of true contacts."""
    import pyarrow.parquet as pq

    from soleus.recording import write_session
    from soleus.recording.files import write_atomically
    from soleus.simulate import read_scenario
    from soleus.simulate import simulate as run

    made = run(read_scenario(scenario), seed)
    write_session(made.recording, folder, configuration={"simulate": {"scenario": scenario, "seed": seed}})
    write_atomically(
        folder / "truth.parquet",
        lambda file: pq.write_table(made.truth, file, compression="zstd"),
        lambda path: pq.read_table(path).validate(full=True),
    )
    return made.truth.num_rows
