"""The library of guidance, read from TOML, and the choice of the one or two entries that fit."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib import resources
from typing import Annotated, Final

import msgspec

MAX_SHOWN: Final = 2
"""Entries shown with a finding: more are not read (design choice)."""
STOP: Final = "stop"
"""Severity that ends all training advice."""


class Guidance(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One piece of guidance.

    Attributes
    ----------
    name, title
        Its name and what it is about.
    rules
        Rules whose finding it fits.
    text, not_when
        What to try, and when not to.
    reference, doi
        Source.
    """

    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=48)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
    rules: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=600)]
    not_when: Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]
    doi: Annotated[str, msgspec.Meta(pattern=r"^10\.\d{4,9}/\S+$")] | None = None

    @property
    def source(self) -> str:
        """The reference with its DOI."""
        return f"{self.reference} doi:{self.doi}" if self.doi else self.reference


class _Library(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    entry: tuple[Guidance, ...]


@functools.cache
def load_guidance() -> tuple[Guidance, ...]:
    """Read the library that comes with Soleus.

    Examples
    --------
    >>> load_guidance()[0].name
    'cadence-up'
    """
    text = resources.files("soleus.guidance").joinpath("library.toml").read_bytes()
    return msgspec.toml.decode(text, type=_Library).entry


def guidance_for(findings: Iterable[tuple[str, str]]) -> tuple[Guidance, ...]:
    """Choose the one or two entries that fit findings best; none as soon as one of them says stop.

    Parameters
    ----------
    findings
        Rule and severity of each warning, the most pressing first.

    Examples
    --------
    >>> [each.name for each in guidance_for([("soreness-long", "caution")])]
    ['see-a-professional']
    >>> guidance_for([("overstride", "notice"), ("red-flag-clot", "stop")])
    ()
    """
    listed = list(findings)
    if any(severity == STOP for _, severity in listed):
        return ()
    chosen: dict[str, Guidance] = {}
    for rule, _ in listed:
        for each in load_guidance():
            if rule in each.rules and len(chosen) < MAX_SHOWN:
                chosen.setdefault(each.name, each)
    return tuple(chosen.values())


def guidance_markdown() -> str:
    """Write the library as a page.

    Examples
    --------
    >>> guidance_markdown().splitlines()[0]
    '# What may help'
    """
    parts = [_HEAD]
    for each in load_guidance():
        rules = ", ".join(f"[{rule}](rules.md#{rule})" for rule in each.rules)
        source = f"{each.reference} [doi:{each.doi}](https://doi.org/{each.doi})" if each.doi else each.reference
        parts += [f"## {each.title}\n", f"{each.text}\n"]
        parts += [f"- *not when* {each.not_when}", f"- *fits* {rules}", f"- *source* {source}\n"]
    return "\n".join(parts).rstrip() + "\n"


_HEAD: Final = """# What may help

This page is generated from the library that comes with Soleus (`src/soleus/guidance/library.toml`).

A warning or a test links to the one or two entries that fit it. Red flags and every other *stop* suppress all of
them. It is training advice with its sources, no treatment and no diagnosis; Soleus does not tell an ideal foot strike,
takes no impact peak for calf load and gives no chance of injury.
"""
