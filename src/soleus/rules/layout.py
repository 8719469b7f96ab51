"""Which values the rules need of each bin, and in which row of the table each stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from soleus.rules.evaluate import row_name
from soleus.rules.expression import Call, Name, Node
from soleus.rules.shapes import MATCHED
from soleus.rules.signals import FOOT_SIGNALS, PACE_SIGNALS, RUN_SIGNALS

IntArray = npt.NDArray[np.intp]

OF_THE_ENGINE: Final = ("time", "pain", "pain_rise")
"""Signals of the run that are not gathered from steps."""
COUNTS: Final = ("running", "valid")
"""Rows beside the signals: running steps and trustworthy ones."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of the table of bins.

    Attributes
    ----------
    index
        Row of each signal and of each reference, as in :class:`~soleus.rules.evaluate.Frame`.
    signals
        Signals of the foot in use.
    gathered
        Row and name of what is gathered from steps.
    compared
        Signals of the foot that have a reference within the run.
    compared_rows, baseline_rows, matched_rows
        Their rows, those of the references, and of the signals where a reference is known.
    usual, usual_rows
        Signals of which the history is asked for what is usual, and their rows.
    spread, spread_rows
        The same for the spread between runs.
    depth
        Earlier bins that the longest window needs.
    """

    index: dict[str, int]
    signals: tuple[str, ...]
    gathered: tuple[tuple[int, str], ...]
    compared: tuple[str, ...]
    compared_rows: IntArray
    baseline_rows: IntArray
    matched_rows: IntArray
    usual: tuple[str, ...]
    usual_rows: IntArray
    spread: tuple[str, ...]
    spread_rows: IntArray
    depth: int

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Self:
        """Lay out what some expressions need."""
        known = tuple(nodes)
        named = {node.name for node in known if isinstance(node, Name)}
        asked = {tuple(name.split()) for name in map(row_name, known) if name is not None and " " in name}
        compared = sorted({signal for function, signal in asked if function in {"baseline", MATCHED}})
        usual, spread = (
            sorted(signal for function, signal in asked if function == wanted) for wanted in ("usual", "usual_spread")
        )
        signals = sorted(named & set(FOOT_SIGNALS))
        rows = [*signals, *PACE_SIGNALS, *RUN_SIGNALS, *COUNTS]
        rows += [f"{function} {signal}" for function in ("baseline", MATCHED) for signal in compared]
        rows += [f"usual {signal}" for signal in usual] + [f"usual_spread {signal}" for signal in spread]
        index = {name: row for row, name in enumerate(rows)}
        from_steps = [name for name in (*signals, *PACE_SIGNALS, *RUN_SIGNALS) if name not in OF_THE_ENGINE]

        def places(prefix: str, names: Iterable[str]) -> IntArray:
            return np.array([index[prefix + name] for name in names], np.intp)

        return cls(
            index,
            tuple(signals),
            tuple((index[name], name) for name in from_steps),
            tuple(compared),
            places("", compared),
            places("baseline ", compared),
            places(f"{MATCHED} ", compared),
            tuple(usual),
            places("usual ", usual),
            tuple(spread),
            places("usual_spread ", spread),
            max((node.bins for node in known if isinstance(node, Call)), default=1),
        )
