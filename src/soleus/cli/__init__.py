"""The command line: one thin module a command; what a command needs is imported when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

EXIT_DONE: Final = 0
EXIT_SHORT: Final = 1
"""The work was done but fell short: a bar was missed."""
EXIT_UNUSABLE: Final = 2
"""Wrong usage, or input that cannot be used."""
EXIT_INTERRUPTED: Final = 130
"""128 + SIGINT, as shells have it."""

COMMANDS: Final = {
    "demo": (
        "soleus.cli.demo:demo",
        """\
Show it all without hardware: a virtual runner on virtual pods, over the full Bluetooth path.

Ends with a session on disk, its summary and its report.
""",
    ),
    "scan": ("soleus.cli.scan:scan", "List pods, treadmills and heart-rate straps nearby."),
    "live": (
        "soleus.cli.live:live",
        """\
Follow a run while it happens: connect the pods, show every step, warn, and record.

What was recorded survives a crash at any moment; `soleus recover` finishes such a session.
""",
    ),
    "replay": ("soleus.cli.replay:replay", "Play a recorded session as if it were happening now."),
    "pod-check": (
        "soleus.cli.pod_check:pod_check",
        "Check a pod against the pod service: rates, loss, clock, backfill.",
    ),
    "analyze": (
        "soleus.cli.analyze:analyze",
        """\
Find every step of a recording and say what it shows.

Prints a summary and writes steps.parquet, warnings.parquet and session.json.
""",
    ),
    "batch": (
        "soleus.cli.batch:batch",
        """\
Analyse many recordings at once, on all cores or many machines.

A second run does only what is missing; a file that cannot be read is listed with its reason and stops nothing.
""",
    ),
    "report": (
        "soleus.cli.report:report",
        "Write the report of a session, or of two beside each other, as one HTML file.",
    ),
    "export": ("soleus.cli.export:export", "Write a session as FIT, CSV, JSON, Parquet or C3D."),
    "recover": (
        "soleus.cli.recover:recover",
        """\
Finish sessions that broke off: rebuild them from their journals and say what was lost.

Exit status 1 if samples or readings are missing that had been recorded.
""",
    ),
    "simulate": (
        "soleus.cli.simulate:simulate",
        """\
Simulate a session of a synthetic runner, with the exact truth.

Writes a session folder and truth.parquet into it. The same scenario and seed give the same files.
""",
    ),
}
"""Each command's function and help; its first line stands in the list of commands, without importing the function."""
GROUPS: Final = {
    "rules": (
        "List, explain, check and try the rules.",
        {
            "list": ("soleus.cli.rules:list_rules", "List the rules in force: those that come along, and your own."),
            "explain": ("soleus.cli.rules:explain", "Explain a rule: when it fires, what it says, and its source."),
            "check": ("soleus.cli.rules:check", "Check rule files, and name the mend of what is wrong."),
            "try": ("soleus.cli.rules:try_rules", "Say what a rule file would have said on a recorded session."),
        },
    ),
    "history": (
        "Show the log of the last weeks, add to it, rebuild it.",
        {
            "add": ("soleus.cli.history:add", "Add a run done without pods: a FIT file, or distance and time."),
            "rebuild": ("soleus.cli.history:rebuild", "Read analysed session folders into the log."),
        },
    ),
    "screen": (
        "Test the calves and ask how they are. Results are no diagnosis.",
        {
            "calf-raise": ("soleus.cli.screen:calf_raise", "Count single-leg calf raises and how they fade."),
            "knee-to-wall": ("soleus.cli.screen:knee_to_wall", "Measure the range of the ankle, heel down."),
            "soreness": ("soleus.cli.screen:soreness", "Ask how sore the calves are, and for red flags."),
        },
    ),
    "runner": (
        "Write and show the runner's file.",
        {
            "init": ("soleus.cli.runner:init", "Write the runner's file; asks for what is not given."),
            "show": ("soleus.cli.runner:show", "Show the runner's file."),
        },
    ),
}
"""Commands with commands of their own: help, and each one's function and help."""
BENCHMARKS: Final = {
    "accuracy": ("soleus.cli.bench_accuracy:accuracy", "Compare steps with true contacts: bias, spread, limits."),
    "rules": ("soleus.cli.bench_rules:rules", "Measure false alarms, detections and speed of the rules."),
    "speed": ("soleus.cli.bench_speed:speed", "Measure speed, memory and latency on one core against their bars."),
}
HELP: Final = """\
Running-gait laboratory from two foot pods: every step, its contact time, strike, overstride and modelled calf load.

Forces and loads are modelled. Soleus is no medical device.
"""


def build_app() -> App:
    """Put the commands together; their modules are imported when they are needed.

    Examples
    --------
    >>> "analyze" in build_app()
    True
    """
    app = App(name="soleus", help=HELP, version=_version, help_format="plaintext")
    for name, (place, line) in COMMANDS.items():
        app.command(place, name=name, help=line)
    for name, (line, commands) in GROUPS.items():
        group = App(name=name, help=line)
        if name == "history":
            from soleus.cli.history import history

            group.default(history)
        for word, (place, help_line) in commands.items():
            group.command(place, name=word, help=help_line)
        app.command(group)
    from soleus.cli.bench import bench as bench_all

    bench = App(name="bench", help="Measure speed, accuracy and rules: all in one go, or one of them.")
    bench.default(bench_all)
    for name, (place, line) in BENCHMARKS.items():
        bench.command(place, name=name, help=line)
    app.command(bench)
    return app


def main(tokens: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    tokens
        Its words; those of the process unless given.

    Returns
    -------
    int
        0: done. 1: done, but a bar was missed. 2: wrong usage or unusable input, told in one sentence on stderr.
    """
    words = sys.argv[1:] if tokens is None else list(tokens)
    for name in ("stdout", "stderr"):
        # A stream that was closed before the program began (>&-) takes what is written, and keeps nothing.
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    app = build_app()
    app.suppress_keyboard_interrupt = False
    try:
        code = app(words, print_error=False, exit_on_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        path = [word for word in words[:1] if word in {*COMMANDS, *GROUPS, "bench"}]
        return _refuse(f"{_one_line(error)} Try: {' '.join(['soleus', *path, '--help'])}")
    except KeyboardInterrupt:
        _tell("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; keep the interpreter from complaining again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except OSError as error:
        return _refuse(f"{error.filename or 'system'}: {error.strerror or error}")
    except ValueError as error:
        # The rooms raise subclasses of their own for what the user can mend; any other ValueError is a bug of ours.
        if not type(error).__module__.startswith("soleus."):
            raise
        return _refuse(str(error))
    return code if isinstance(code, int) else EXIT_DONE


def _version() -> str:
    from importlib.metadata import version

    return version("soleus")


def _one_line(error: CycloptsError) -> str:
    text = " ".join(str(error).split())
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _refuse(sentence: str) -> int:
    _tell(sentence)
    return EXIT_UNUSABLE


def _tell(sentence: str) -> None:
    print(f"soleus: {sentence}", file=sys.stderr)
