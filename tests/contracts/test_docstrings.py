"""Every public thing of the core and the model says what it takes, in which unit, and what it gives."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap

import msgspec
import pytest

import soleus.gait
import soleus.model

SECTION = re.compile(r"^(\w[\w ]*)\n-+$", re.MULTILINE)
KNOWN = {"Parameters", "Returns", "Yields", "Raises", "Attributes", "Examples", "Notes", "References", "Warns"}


def public_things():
    """(name, object) of every public class, function and method defined in the two packages."""
    for package in (soleus.gait, soleus.model):
        for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            module = importlib.import_module(info.name)
            yield info.name, module
            for name, thing in vars(module).items():
                if name.startswith("_") or getattr(thing, "__module__", None) != info.name:
                    continue
                if inspect.isclass(thing) or inspect.isfunction(thing):
                    yield f"{info.name}.{name}", thing
                if inspect.isclass(thing):
                    yield from methods(f"{info.name}.{name}", thing)


def methods(name, thing):
    """(name, function) of every public method and property that a class itself defines."""
    for method, member in vars(thing).items():
        plain = member.__func__ if isinstance(member, classmethod | staticmethod) else member
        plain = plain.fget if isinstance(plain, property) else plain
        if inspect.isfunction(plain) and not method.startswith("_") and plain.__module__ == thing.__module__:
            yield f"{name}.{method}", plain


THINGS = dict(public_things())
functions = {name: thing for name, thing in THINGS.items() if inspect.isfunction(thing)}
classes = {name: thing for name, thing in THINGS.items() if inspect.isclass(thing)}


def documented(doc: str, section: str) -> list[str]:
    """Names that a numpy section describes."""
    parts = SECTION.split(inspect.cleandoc(doc))
    if section not in parts:
        return []
    body = parts[parts.index(section) + 1]
    heads = [line for line in body.splitlines() if line and not line.startswith((" ", "\t"))]
    return [name.strip().lstrip("*") for head in heads for name in head.split(":")[0].split(",") if name.strip() != "…"]


def parameters(function) -> list[str]:
    return [
        name for name, p in inspect.signature(function).parameters.items()
        if name not in {"self", "cls"}
    ]  # fmt: skip


def test_there_is_something_to_check():
    assert len(functions) > 40
    assert len(classes) > 15


@pytest.mark.parametrize("name", THINGS)
def test_says_what_it_is_in_one_line(name):
    doc = inspect.getdoc(THINGS[name])
    assert doc, "no docstring"
    first = doc.splitlines()[0]
    assert first.endswith((".", ":", "?")), first
    assert len(first) <= 120
    assert not doc.startswith(f"{THINGS[name].__name__}("), "no generated docstring"


@pytest.mark.parametrize("name", THINGS)
def test_sections_are_those_of_numpy(name):
    assert set(SECTION.findall(inspect.getdoc(THINGS[name]) or "")) <= KNOWN


@pytest.mark.parametrize("name", functions)
def test_documented_parameters_are_the_real_ones(name):
    real = parameters(functions[name])
    told = documented(inspect.getdoc(functions[name]) or "", "Parameters")
    assert set(told) <= set(real), f"documents {sorted(set(told) - set(real))}, which it does not take"
    if told:
        missing = [p for p in real if p not in told]
        assert not missing, f"takes {missing} but documents only the others"
        assert told == [p for p in real if p in told], "in the order of the signature"


@pytest.mark.parametrize("name", functions)
def test_a_function_of_many_parameters_names_them_all(name):
    """Fewer than three may be told in the sentence; each parameter appears somewhere in the text."""
    doc = inspect.getdoc(functions[name]) or ""
    real = parameters(functions[name])
    if len(real) >= 4:
        assert documented(doc, "Parameters"), f"takes {real}, tells nothing of them"


@pytest.mark.parametrize("name", classes)
def test_classes_document_their_constructor(name):
    thing = classes[name]
    doc = inspect.getdoc(thing) or ""
    own_init = "__init__" in vars(thing) and inspect.isfunction(vars(thing)["__init__"])
    if own_init and not hasattr(thing, "__dataclass_fields__") and not issubclass(thing, msgspec.Struct):
        real = parameters(thing.__init__)
        told = documented(doc, "Parameters")
        assert set(told) <= set(real), sorted(set(told) - set(real))
        if len(real) > 1:
            assert told == real, f"takes {real}, documents {told}"
    fields = getattr(thing, "__dataclass_fields__", None) or getattr(thing, "__struct_fields__", ())
    told = documented(doc, "Attributes")
    if fields and told:
        real = {f for f in fields if not f.startswith("_")}
        properties = {n for n, v in inspect.getmembers(thing) if isinstance(v, property)}
        assert set(told) <= real | properties, sorted(set(told) - real - properties)
        assert real <= set(told), f"says nothing of {sorted(real - set(told))}"


@pytest.mark.parametrize("name", THINGS)
def test_what_it_raises_it_documents(name):
    thing = THINGS[name]
    if inspect.ismodule(thing):
        return
    doc = inspect.getdoc(thing) or ""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, IndentationError):
        return
    body = tree.body[0]
    own = [n for n in body.body if not isinstance(n, ast.FunctionDef) or n.name in {"__init__", "__post_init__"}]
    for node in (n for part in own for n in ast.walk(part)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and isinstance(node.exc.func, ast.Name):
            assert node.exc.func.id in doc, f"raises {node.exc.func.id} and does not say so"


@pytest.mark.parametrize("name", classes)
def test_public_entry_points_show_an_example(name):
    entry = {"GaitAnalyzer", "PodInfo", "PodSamples", "Belt", "Runner", "Steps", "Warnings", "Flag"}
    if name.rsplit(".", 1)[1] in entry:
        assert ">>>" in (inspect.getdoc(classes[name]) or "")


def test_constants_of_the_core_are_explained():
    """A number in capitals has a sentence within reach: its own, that of its group, or a comment above."""
    bare = []
    for info in pkgutil.iter_modules(soleus.gait.__path__, "soleus.gait."):
        module = importlib.import_module(info.name)
        lines = inspect.getsource(module).splitlines()
        for k, line in enumerate(lines):
            if re.match(r"^[A-Z][A-Z0-9_]*(, [A-Z_0-9]+)*(: Final)? = [-\d(]", line):
                nearby = lines[max(0, k - 12) : k + 12]
                if not any(part.startswith(('"""', "# ", "…")) or '"""' in part for part in nearby):
                    bare.append(f"{info.name}: {line}")
    assert bare == []
