"""Expressions to values, vectorised over bins, feet and rules at once.

A plan puts the parts that all expressions share into one table and works out all parts of one kind together, so that
the cost of a bin hardly grows with the number of rules. The plain reference is in
:mod:`~soleus.rules.evaluate_one`; both give the same bits.

Truth is a number too: 1 true, 0 false, NaN unknown (Kleene's three-valued logic), so that a missing value never makes
a rule fire and never makes 'not' fire either.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from soleus.rules.expression import Call, Name, Node, Number, children
from soleus.rules.operations import OPERATIONS, Operation, operation_of
from soleus.rules.shapes import MATCHED, REFERENCED
from soleus.rules.windows import WINDOWS, working_values

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

MAX_TABLE: Final = 1 << 22
"""Values that a plan's table may hold: 32 MB, so that the memory stays bounded however many rules there are."""
MAX_WINDOW_VALUES: Final = 1 << 21
"""Values that the windows worked out at once may hold: 16 MB."""
SIDES: Final = 2


@dataclass(frozen=True, slots=True)
class Frame:
    """Bins to evaluate over: ``context`` earlier ones first, which windows look back into, then the new ones.

    Attributes
    ----------
    table
        Values, shape ``(rows, context + n, 2)``; the second axis bins, the last left and right. What has no foot
        stands there twice.
    index
        Row of each signal, and of each reference by function and signal: ``"baseline contact_time"``.
    context
        Number of earlier bins.
    constants
        History signals to their values, NaN where unknown.
    """

    table: FloatArray
    index: Mapping[str, int]
    context: int
    constants: Mapping[str, float]


def reference_name(call: Call) -> str:
    """Name the row of a function that looks up what is normal, by its function and its signal."""
    first = call.arguments[0]
    return f"{call.function} {first.name if isinstance(first, Name) else ''}"


def row_name(node: Node) -> str | None:
    """Name the row that a node is looked up in, if it is."""
    match node:
        case Name(name=name):
            return name
        case Call(function=function) if function in REFERENCED or function == MATCHED:
            return reference_name(node)
        case _:
            return None


class Plan:
    """Works out many expressions at once.

    Parameters
    ----------
    targets
        The expressions' trees; equal parts must be the same object (:func:`~soleus.rules.expression.intern`).
    index
        Rows of the frames to come.
    """

    def __init__(self, targets: Iterable[Node], index: Mapping[str, int]) -> None:
        wanted = tuple(targets)
        below = _below(wanted)
        windows = [node for node in below if isinstance(node, Call) and node.bins]
        self._inner = _Program(_below([node.arguments[0] for node in windows]), index)
        self._outer = _Program(below, index)
        of_kind: dict[tuple[object, int], list[Call]] = {}
        of_function: dict[object, list[Call]] = {}
        for call in windows:
            of_kind.setdefault((call.function, call.bins), []).append(call)
            of_function.setdefault(WINDOWS[call.function], []).append(call)
        self._windows = [self._group(calls) for calls in of_kind.values()]
        # Bin by bin, the calls cost more than the values: all windows of one function are taken as wide as the widest.
        self._merged = [self._group(calls) for calls in of_function.values()]
        self._found = self._outer.slots(wanted)

    def _group(self, calls: Sequence[Call]) -> _Windows:
        """Put windows of one function together."""
        bins = np.array([call.bins for call in calls])
        widest = int(bins.max())
        before = np.arange(widest) < (widest - bins)[:, None]
        return _Windows(
            calls[0].function,
            widest,
            self._inner.slots([call.arguments[0] for call in calls]),
            self._outer.slots(calls),
            bins[:, None, None],
            before[:, None, None, :] if before.any() else None,
        )

    @property
    def max_bins(self) -> int:
        """Bins that may be worked on at once."""
        return max(1, MAX_TABLE // (SIDES * max(1, self._inner.size + self._outer.size)))

    def run(self, frame: Frame) -> FloatArray:
        """Give the values of all targets in the new bins, shape ``(targets, n, 2)``."""
        context = frame.context
        values = self._outer.start(frame.table[:, context:], frame.constants)
        with np.errstate(all="ignore"):
            if self._windows:
                inner = self._inner.start(frame.table, frame.constants)
                self._inner.finish(inner)
                for group in self._merged if values.shape[1] == 1 else self._windows:
                    values[group.found] = group.values(inner[group.arguments, context - group.bins + 1 :])
            self._outer.finish(values)
        return values[self._found]


@dataclass(frozen=True, slots=True)
class _Windows:
    """Windows that are worked out together.

    Attributes
    ----------
    function, bins
        Which, and the bins of the widest.
    arguments, found
        Places of what they look at, and of their values.
    widths
        Bins of each, shape ``(k, 1, 1)``.
    before
        Bins of the widest that lie before each, shape ``(k, 1, 1, bins)``; ``None`` if all are as wide.
    """

    function: str
    bins: int
    arguments: IntArray
    found: IntArray
    widths: IntArray
    before: npt.NDArray[np.bool_] | None

    def values(self, looked_at: FloatArray) -> FloatArray:
        """Work them out from shape ``(k, bins - 1 + n, 2)`` to ``(k, n, 2)``."""
        count, n = looked_at.shape[0], looked_at.shape[1] - self.bins + 1
        if n == 1:  # a live run: the general way costs more than the function
            windows = looked_at.transpose(0, 2, 1)[:, None]
        else:
            windows = np.lib.stride_tricks.sliding_window_view(looked_at, self.bins, axis=1)
        at_once = max(1, MAX_WINDOW_VALUES // (count * SIDES * working_values(self.function, self.bins)))
        parts = [self._some(windows[:, i : i + at_once]) for i in range(0, n, at_once)]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _some(self, windows: FloatArray) -> FloatArray:
        kept = windows if self.before is None else np.where(self.before, np.nan, windows)
        return WINDOWS[self.function](kept, self.widths)


class _Program:
    """Nodes in the order in which they can be worked out, those of one kind and level side by side."""

    def __init__(self, nodes: Sequence[Node], index: Mapping[str, int]) -> None:
        numbers = [node for node in nodes if isinstance(node, Number)]
        told = [node for node in nodes if isinstance(node, Name) and node.name not in index]
        looked_up = [node for node in nodes if row_name(node) in index]
        windows = [node for node in nodes if isinstance(node, Call) and node.bins]
        leaves = {id(node) for node in (*numbers, *told, *looked_up, *windows)}
        rest = [node for node in nodes if id(node) not in leaves]
        groups = _in_order(rest)
        ordered = [
            *numbers,
            *told,
            *looked_up,
            *windows,
            *itertools.chain.from_iterable(members for _, members in groups),
        ]
        self._slot = {id(node): slot for slot, node in enumerate(ordered)}
        self.size = len(ordered)
        self._numbers = np.array([node.value for node in numbers], np.float64)[:, None, None]
        self._told = [(self._slot[id(node)], node.name) for node in told]
        self._rows = np.array([index[row_name(node) or ""] for node in looked_up], np.intp)
        self._steps: list[tuple[Operation, list[IntArray], slice]] = []
        at = len(leaves)
        for name, members in groups:
            under = [children(node) for node in members]
            operands = [self.slots([each[place] for each in under]) for place in range(len(under[0]))]
            self._steps.append((OPERATIONS[name], operands, slice(at, at + len(members))))
            at += len(members)

    def slots(self, nodes: Iterable[Node]) -> IntArray:
        """Give the places of nodes in the table."""
        return np.array([self._slot[id(node)] for node in nodes], np.intp)

    def start(self, table: FloatArray, constants: Mapping[str, float]) -> FloatArray:
        """Make the table, shape ``(nodes, bins, 2)``, with all that is given in it."""
        values = np.empty((self.size, *table.shape[1:]))
        values[: len(self._numbers)] = self._numbers
        for slot, name in self._told:
            values[slot] = constants[name]
        count = len(self._numbers) + len(self._told)
        values[count : count + self._rows.size] = table[self._rows]
        return values

    def finish(self, values: FloatArray) -> None:
        """Work out the rest, in place."""
        for operation, operands, out in self._steps:
            values[out] = operation(*[values[slots] for slots in operands])


def _below(roots: Iterable[Node]) -> list[Node]:
    """List nodes and all below them once, parents before children; what is below a window is not looked at."""
    order: list[Node] = []
    done: set[int] = set()

    def visit(node: Node) -> None:
        if id(node) in done:
            return
        done.add(id(node))
        if row_name(node) is None and not (isinstance(node, Call) and node.bins):
            for child in children(node):
                visit(child)
        order.append(node)

    for root in roots:
        visit(root)
    return order[::-1]


def _in_order(nodes: Sequence[Node]) -> list[tuple[str, list[Node]]]:
    """Put nodes of one operation together, as many as can be at once, each after what it is worked out from."""
    waiting = {id(node): 0 for node in nodes}
    above: dict[int, list[Node]] = {}
    for node in nodes:
        for child in children(node):
            if id(child) in waiting:
                waiting[id(node)] += 1
                above.setdefault(id(child), []).append(node)
    ready: dict[str, list[Node]] = {}
    for node in nodes:
        if not waiting[id(node)]:
            ready.setdefault(operation_of(node), []).append(node)
    groups = []
    while ready:
        name = max(ready, key=lambda each: (len(ready[each]), each))
        members = ready.pop(name)
        groups.append((name, members))
        for parent in itertools.chain.from_iterable(above.get(id(node), []) for node in members):
            waiting[id(parent)] -= 1
            if not waiting[id(parent)]:
                ready.setdefault(operation_of(parent), []).append(parent)
    return groups
