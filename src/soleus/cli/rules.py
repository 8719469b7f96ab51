"""``soleus rules``: list, explain, check and try the rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from soleus.cli.errors import UsageError

if TYPE_CHECKING:
    from soleus.model import Runner, Steps
    from soleus.rules import HistorySummary, Rule

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
WHEN: Final = {
    "window": "while running",
    "minute": "each full minute",
    "run": "while running",
    "history": "before the run",
    "report": "when pain is told",
    "finish": "after the run",
}
"""When a rule is looked at, in few words."""


def list_rules(*, json: Flag = False) -> None:
    """List the rules in force: those that come with Soleus, and your own.

    Parameters
    ----------
    json
        Print them as JSON.
    """
    from soleus.cli.terminal import screen, table, write_json

    listed = rules_in_force()
    if json:
        write_json([{"name": r.name, "title": r.text.title, "severity": r.text.severity} for r in listed])
        return
    shown = table("rule", "severity", "title", "looked at", numbers_from=4)
    for rule in listed:
        shown.add_row(rule.name, rule.text.severity, rule.text.title, WHEN[rule.text.scope])
    screen().print(shown)
    screen().print("soleus rules explain NAME tells when one fires, what it says, and why.", style="dim")


def explain(name: str, /, *, json: Flag = False) -> None:
    """Explain a rule: when it fires, what it says, its source and caveat, and what may help.

    Parameters
    ----------
    name
        The rule.
    json
        Print it as JSON.
    """
    import msgspec

    from soleus.cli.terminal import screen, write_json
    from soleus.guidance import guidance_for
    from soleus.rules.errors import did_you_mean
    from soleus.rules.rulefile import SCOPE_MEANINGS

    known = {rule.name: rule for rule in rules_in_force()}
    if name not in known:
        raise UsageError(f"there is no rule '{name}'{did_you_mean(name, known) or '.'} See soleus rules list")
    rule = known[name]
    text, help_ = rule.text, guidance_for([(name, rule.text.severity)])
    if json:
        write_json(msgspec.structs.asdict(text) | {"guidance": [each.name for each in help_]})
        return
    lines = [
        f"{rule.name}: {text.title} ({text.severity})",
        f"  looked at   {SCOPE_MEANINGS[text.scope]}",
        f"  fires when  {rule.signal.text} {'>' if rule.above else '<'} {text.above if rule.above else text.below}",
    ]
    if rule.when is not None:
        lines.append(f"  only when   {rule.when.text}")
    if text.sustain_s:
        lines.append(f"  for         at least {text.sustain_s:g} s")
    if rule.clear.text != rule.threshold.text:
        lines.append(f"  lets go at  {text.clear}")
    lines += [f"  says        {text.message}", f"  source      {rule.source}"]
    if text.caveat:
        lines.append(f"  caveat      {text.caveat}")
    lines += [f"  may help    {each.title}: {each.text} Not when: {each.not_when}" for each in help_]
    for line in lines:
        screen().print(line, soft_wrap=True, markup=False)


def check(files: list[Path], /) -> None:
    """Check rule files: unknown keys, signals and units, and thresholds that cannot be met, are named with the mend.

    Parameters
    ----------
    files
        TOML files of rules.
    """
    from soleus.cli.terminal import screen
    from soleus.rules import load_presets, load_rules

    presets = {rule.name for rule in load_presets()}
    for file in files:
        rules = load_rules(file)
        replaced = [rule.name for rule in rules if rule.name in presets]
        note = f"; in place of those that come with Soleus: {', '.join(replaced)}" if replaced else ""
        screen().print(f"{file}: {_many(len(rules), 'rule')}, all usable{note}", soft_wrap=True, markup=False)


def try_rules(
    file: Path,
    session: list[Path],
    /,
    *,
    history: Annotated[Path | None, Parameter(name="--history")] = None,
    json: Flag = False,
) -> None:
    """Say what the rules of a file would have said on a recorded session.

    Parameters
    ----------
    file
        TOML file of rules.
    session
        A session folder or recording; one that was analysed is not analysed again.
    history
        A log to compare with, as it was before that session.
    json
        Print the warnings as JSON.
    """
    from soleus.cli.summary_text import SEVERITY_STYLES
    from soleus.cli.terminal import clock, screen, working, write_json
    from soleus.rules import load_rules

    rules = load_rules(file)
    with working(f"Reading {session[0]} ..."):
        steps, runner, summary = _steps(session, history)
    said = _said(steps, runner, rules, summary)
    if json:
        write_json({"rules": [rule.name for rule in rules], "steps": len(steps), "warnings": said})
        return
    console = screen()
    for warning in said:
        style = SEVERITY_STYLES[str(warning["severity"])]
        console.print(f"[{style}]{warning['severity']}[/{style}] {clock(float(str(warning['time_s'])))}", end=" ")
        console.print(f"{warning['rule']}: {warning['message']}", soft_wrap=True, markup=False)
        console.print(f"  {warning['explanation']}", soft_wrap=True, markup=False, style="dim")
    counts = ((len(rules), "rule"), (len(steps), "step"), (len(said), "warning"))
    ran, on, told = (_many(number, what) for number, what in counts)
    console.print(f"{ran} on {on}: {told}.")


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def rules_in_force(file: Path | None = None) -> tuple[Rule, ...]:
    """Give the rules that come with Soleus and the runner's own: of one file, or of the folder of own rules."""
    from soleus.history import own_rule_files
    from soleus.rules import load_presets, load_rules

    files = own_rule_files() if file is None else [file]
    return load_presets([rule for each in files for rule in load_rules(each)])


def _steps(session: list[Path], history: Path | None) -> tuple[Steps, Runner, HistorySummary | None]:
    """Read the steps of an analysed session, or find them."""
    from soleus.batch import analyze
    from soleus.history import owner_of_log, summary_before
    from soleus.recording import open_recording, read_session_record, read_steps

    folder = session[0]
    if len(session) == 1 and (folder / "steps.parquet").is_file() and (folder / "session.json").is_file():
        record = read_session_record(folder)
        steps, runner, start = read_steps(folder), record.runner, record.start_utc
    else:
        with open_recording(session if len(session) > 1 else folder) as reader:
            result = analyze(reader, rules=())
            steps, runner, start = result.step_rows, result.runner, reader.start_utc
    if history is None:
        return steps, runner, None
    if not history.exists():
        raise UsageError(f"{history}: there is no history; give the file of a log")
    return steps, runner, summary_before(history, start, runner, owner_of_log())


def _said(
    steps: Steps, runner: Runner, rules: tuple[Rule, ...], summary: HistorySummary | None
) -> list[dict[str, object]]:
    """Run the rules and give each warning with its explanation."""
    import msgspec

    from soleus.model import SEVERITIES, Foot, Warnings
    from soleus.rules import RuleEngine

    engine = RuleEngine(runner, rules, summary)
    rows = Warnings.concat([engine.push(steps), engine.finish()])
    return [
        {
            "time_s": float(rows["time_s"][i]),
            "rule": str(rows["rule"][i]),
            "severity": SEVERITIES[rows["severity"][i]],
            "foot": None if rows["foot"][i] < 0 else Foot(rows["foot"][i]).label,
            "message": str(rows["message"][i]),
            "explanation": msgspec.json.decode(rows["evidence"][i]).get("explanation", ""),
        }
        for i in range(len(rows))
    ]
