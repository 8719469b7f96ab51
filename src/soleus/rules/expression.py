"""The rule language: text to a small tree of whitelisted nodes, its units and shape checked once, at the edge.

An expression names signals, numbers with units and a fixed list of functions. Nothing of it is ever executed as
Python: the text goes through :func:`ast.parse` and only the nodes below come out.
"""

from __future__ import annotations

import ast
import functools
import math
import warnings
from dataclasses import dataclass
from typing import Final

from soleus.rules.errors import RuleError, did_you_mean
from soleus.rules.shapes import (
    ELEMENTWISE,
    FOOTED,
    MATCHED,
    REFERENCED,
    WINDOWED,
    Shape,
    Written,
    binary_shape,
    call_shape,
    compared_shape,
)
from soleus.rules.signals import SIGNALS
from soleus.rules.units import RATIO, TIME, UNITS, Dimension, multiply

BIN_S: Final = 10.0
"""Width of the bins that steps are gathered into [s]; windows are whole numbers of bins (design choice)."""
MAX_LENGTH: Final = 600
"""Characters of one expression."""
MAX_NODES: Final = 120
"""Nodes of one expression."""
MAX_DEPTH: Final = 24
"""Depth of one expression."""
MAX_WINDOW_S: Final = 1800.0
"""Longest window [s]."""
KEPT_EXPRESSIONS: Final = 1024
"""Expressions kept parsed: the same ones stand in many rules."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number in SI (or the field's own unit), with its dimension; ``percent`` if it was written in per cent."""

    value: float
    dimension: Dimension = RATIO
    percent: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A signal by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Negative:
    """Minus something."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Not:
    """Not something; unknown stays unknown."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and one of ``+ - * / < <= > >= and or``."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the list; ``bins`` is the window in bins, 0 for functions without one."""

    function: str
    arguments: tuple[Node, ...]
    bins: int = 0


Node = Number | Name | Negative | Not | Binary | Call


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its text, tree and shape."""

    text: str
    node: Node
    shape: Shape

    @property
    def bins(self) -> int:
        """The longest window in it, in bins."""
        return max((node.bins for node in walk(self.node) if isinstance(node, Call)), default=0)

    @property
    def names(self) -> frozenset[str]:
        """The signals it names."""
        return frozenset(node.name for node in walk(self.node) if isinstance(node, Name))


def children(node: Node) -> tuple[Node, ...]:
    """List the nodes directly below one."""
    match node:
        case Negative(operand) | Not(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments, _):
            return arguments
        case _:
            return ()


def walk(node: Node) -> list[Node]:
    """List a node and all below it, parents first."""
    found = [node]
    for each in found:
        found.extend(children(each))
    return found


def intern(node: Node, table: dict[object, Node]) -> Node:
    """Give the one object that stands for a tree equal to this one, so that equal parts are worked out once."""
    under = tuple(intern(child, table) for child in children(node))
    # Equal children are one object by now: their identities tell trees apart without walking them.
    below = tuple(id(child) for child in under)
    match node:
        case Negative():
            return table.setdefault(("negative", below), Negative(*under))
        case Not():
            return table.setdefault(("not", below), Not(*under))
        case Binary(operator, _, _):
            return table.setdefault((operator, below), Binary(operator, *under))
        case Call(function, _, bins):
            return table.setdefault((function, bins, below), Call(function, under, bins))
        case _:
            return table.setdefault(node, node)


@functools.lru_cache(KEPT_EXPRESSIONS)
def parse(text: str) -> Expression:
    """Parse and check an expression.

    Raises
    ------
    RuleError
        If it is too long or deep, is not of the language, names an unknown signal or function, or mixes units.

    Examples
    --------
    >>> parse("median(contact_time, 60*s) > 1.04 * baseline(contact_time)").shape.truth
    True
    >>> parse("contact_tim > 200*ms")
    Traceback (most recent call last):
    soleus.rules.errors.RuleError: unknown name 'contact_tim'; did you mean 'contact_time'?
    >>> parse("contact_time > 8*cm")
    Traceback (most recent call last):
    soleus.rules.errors.RuleError: 'contact_time > 8 * cm' compares s with m; give both sides the same unit
    """
    if len(text) > MAX_LENGTH:
        raise RuleError(f"the expression has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else "it cannot be parsed"
        raise RuleError(f"'{text}' is no expression: {reason}") from None
    _bound(tree)
    node, shape = _build(tree)
    return Expression(text.strip(), node, shape)


def _bound(tree: ast.expr) -> None:
    """Refuse a tree that is too large, level by level, so that the check itself cannot recurse too deep."""
    level: list[ast.AST] = [tree]
    seen = 0
    for _ in range(MAX_DEPTH):
        seen += len(level)
        level = [child for node in level for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
        if seen + len(level) > MAX_NODES:
            raise RuleError(f"the expression has more than {MAX_NODES} parts; split the rule")
        if not level:
            return
    raise RuleError(f"the expression is nested deeper than {MAX_DEPTH} levels; split the rule")


_ARITHMETIC: Final[dict[type[ast.operator], str]] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}
_COMPARISON: Final[dict[type[ast.cmpop], str]] = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}

Built = tuple[Node, Shape]


def _build(tree: ast.expr) -> Built:  # noqa: PLR0911 - one return a kind
    """Turn one node of Python's grammar into one of ours, or refuse it."""
    match tree:
        case ast.Constant():
            return _number(tree)
        case ast.Name():
            return _name(tree)
        case ast.UnaryOp():
            return _unary(tree)
        case ast.BinOp():
            return _binary(tree)
        case ast.BoolOp():
            return _logic(tree)
        case ast.Compare():
            return _comparison(tree)
        case ast.Call():
            return _call(tree)
        case ast.Attribute():
            raise RuleError(f"'{ast.unparse(tree)}' reaches into an attribute; write left(x) or right(x) for one foot")
        case _:
            raise RuleError(f"'{ast.unparse(tree)[:80]}' is not part of the rule language")


def _number(tree: ast.Constant) -> Built:
    if isinstance(tree.value, bool) or not isinstance(tree.value, int | float):
        raise RuleError(f"'{ast.unparse(tree)[:80]}' is not a number; only numbers and signal names are allowed")
    try:
        value = float(tree.value)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise RuleError("a number in the expression is too large")
    return Number(value), Shape(RATIO, low=value, high=value, constant=True)


def _name(tree: ast.Name) -> Built:
    unit = UNITS.get(tree.id)
    if unit is not None:
        number = Number(unit.size, unit.dimension, percent=tree.id == "percent")
        return number, Shape(unit.dimension, low=unit.size, high=unit.size, constant=True)
    signal = SIGNALS.get(tree.id)
    if signal is None:
        raise RuleError(f"unknown name '{tree.id}'{did_you_mean(tree.id, [*SIGNALS, *UNITS])}")
    return Name(tree.id), Shape(signal.dimension, per_foot=signal.kind == "foot", low=signal.low, high=signal.high)


def _unary(tree: ast.UnaryOp) -> Built:
    node, shape = _build(tree.operand)
    if isinstance(tree.op, ast.Not):
        if not shape.truth:
            raise RuleError(f"'{ast.unparse(tree)}' negates a number; 'not' needs a comparison")
        return Not(node), shape
    if not isinstance(tree.op, ast.USub) or shape.truth:
        raise RuleError(f"'{ast.unparse(tree)}' is not part of the rule language")
    negative = Shape(
        shape.dimension, per_foot=shape.per_foot, low=-shape.high, high=-shape.low, constant=shape.constant
    )
    if isinstance(node, Number):
        return Number(-node.value, node.dimension, node.percent), negative
    return Negative(node), negative


def _binary(tree: ast.BinOp) -> Built:
    operator = _ARITHMETIC.get(type(tree.op))
    if operator is None:
        raise RuleError(f"'{ast.unparse(tree)}' uses an operator outside + - * /")
    (left, a), (right, b) = _build(tree.left), _build(tree.right)
    shape = binary_shape(operator, a, b, lambda: ast.unparse(tree))
    folded = _fold(operator, left, right)
    return folded or Binary(operator, left, right), shape


def _fold(operator: str, left: Node, right: Node) -> Number | None:
    """Work out an operation on two numbers now, so that '8*cm' is one number everywhere."""
    if not isinstance(left, Number) or not isinstance(right, Number):
        return None
    if operator == "/" and right.value == 0.0:
        raise RuleError("the expression divides by zero")
    power = {"*": 1.0, "/": -1.0}.get(operator, 0.0)
    dimension = multiply(left.dimension, right.dimension, power) if power else left.dimension or right.dimension
    value = {
        "+": left.value + right.value,
        "-": left.value - right.value,
        "*": left.value * right.value,
        "/": left.value / right.value if right.value else math.nan,
    }[operator]
    if not math.isfinite(value):
        raise RuleError("a number in the expression is too large")
    return Number(value, dimension, left.percent or right.percent)


def _logic(tree: ast.BoolOp) -> Built:
    word = "and" if isinstance(tree.op, ast.And) else "or"
    built = [_build(value) for value in tree.values]
    for (_, shape), value in zip(built, tree.values, strict=True):
        if not shape.truth:
            raise RuleError(f"'{ast.unparse(value)}' is a number; '{word}' joins comparisons")
    node = built[0][0]
    for other, _ in built[1:]:
        node = Binary(word, node, other)
    return node, Shape(RATIO, truth=True, per_foot=any(shape.per_foot for _, shape in built), low=0.0, high=1.0)


def _comparison(tree: ast.Compare) -> Built:
    operands = [_build(each) for each in (tree.left, *tree.comparators)]
    node: Node | None = None
    per_foot = False
    for operator, (left, a), (right, b) in zip(tree.ops, operands[:-1], operands[1:], strict=True):
        sign = _COMPARISON.get(type(operator))
        if sign is None:
            raise RuleError(f"'{ast.unparse(tree)}' compares with something else than < <= > >=")
        shape = compared_shape(a, b, lambda: ast.unparse(tree))
        per_foot = per_foot or shape.per_foot
        pair = Binary(sign, left, right)
        node = pair if node is None else Binary("and", node, pair)
    if node is None:
        raise RuleError(f"'{ast.unparse(tree)}' compares nothing")
    return node, Shape(RATIO, truth=True, per_foot=per_foot, low=0.0, high=1.0)


def _call(tree: ast.Call) -> Built:
    written = functools.partial(ast.unparse, tree)
    functions = [*WINDOWED, *FOOTED, *REFERENCED, MATCHED, *ELEMENTWISE]
    if not isinstance(tree.func, ast.Name) or tree.func.id not in functions:
        name = ast.unparse(tree.func)[:80]
        raise RuleError(f"unknown function '{name}'{did_you_mean(name, functions)}")
    name = tree.func.id
    wanted = 2 if name in WINDOWED else ELEMENTWISE.get(name, 1)
    if tree.keywords or len(tree.args) != wanted or any(isinstance(a, ast.Starred) for a in tree.args):
        raise RuleError(f"'{written()}': {name}() takes {wanted} plain argument{'s' if wanted > 1 else ''}")
    built = [_build(argument) for argument in tree.args]
    bins = 0
    if name in WINDOWED:
        if any(isinstance(node, Call) and node.bins for node in walk(built[0][0])):
            raise RuleError(f"'{written()}': a window inside a window is not allowed")
        bins = _window(built.pop()[0], written)
    nodes = tuple(node for node, _ in built)
    if name in {*REFERENCED, MATCHED} and not (isinstance(nodes[0], Name) and SIGNALS[nodes[0].name].kind == "foot"):
        raise RuleError(f"'{written()}': {name}() takes the bare name of a signal of the foot, such as contact_time")
    return Call(name, nodes, bins), call_shape(
        name, [shape for _, shape in built], bins * BIN_S, BIN_S, lambda: ast.unparse(tree)
    )


def _window(node: Node, written: Written) -> int:
    """Take the number of bins of a window."""
    if not isinstance(node, Number) or node.dimension != TIME:
        raise RuleError(f"'{written()}': the window must be a time, such as 60*s")
    bins = node.value / BIN_S
    if bins != round(bins) or not BIN_S <= node.value <= MAX_WINDOW_S:
        raise RuleError(
            f"'{written()}': the window must be a multiple of {BIN_S:g} s between {BIN_S:g} s and "
            f"{MAX_WINDOW_S / 60:g} min"
        )
    return round(bins)
