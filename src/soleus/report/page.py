"""The page as a whole: one file with its style, scripts and figures inside, that asks for nothing else."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib.resources
import json
from collections.abc import Sequence
from typing import Any, Final

from soleus.report.errors import ReportError
from soleus.report.markup import Markup, join, tag
from soleus.report.plots import Figure, fix_margins

POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'; "
    "script-src {scripts}"
)
"""Content security policy: nothing is fetched, and no script runs but the two whose hashes are named."""
MAX_BYTES: Final = 64 * 2**20
"""Size beyond which something has gone wrong."""


def document(title: str, body: Markup, figures: Sequence[Figure], sections: Sequence[tuple[str, str]]) -> bytes:
    """Put a page together.

    Parameters
    ----------
    title
        Its name.
    body
        Everything that is seen.
    figures
        What the script draws into the places that :func:`figure_place` left.
    sections
        Anchors and words of the contents.

    Raises
    ------
    ReportError
        If the page grows beyond all bounds.
    """
    plotly, script = _plotly(), _asset("report.js")
    policy = POLICY.format(scripts=" ".join(f"'sha256-{digest}'" for digest in (_plotly_digest(), _digest(script))))
    head = join(
        Markup('<meta charset="utf-8">'),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="generator", content="Soleus"),
        tag("title", title),
        tag("style", Markup(_asset("report.css"))),
    )
    contents = tag(
        "nav",
        tag("ul", *(tag("li", tag("a", words, href=f"#{name}")) for name, words in sections)),
        aria_label="Contents",
    )
    drawn = tag("script", Markup(figures_json(figures)), type="application/json", id="figures")
    without = tag("noscript", tag("p", "The plots need JavaScript; every number stands in the tables as well."))
    parts = (
        "<!doctype html>\n",
        '<html lang="en" data-theme="light">',
        tag("head", head),
        "<body>",
        tag("a", "Skip to the verdict", href="#verdict", class_="skip"),
        body.replace(CONTENTS, contents, 1),
        without,
        drawn,
        "<script>",
        plotly,
        "</script>\n<script>",
        script,
        "</script>\n</body></html>\n",
    )
    page = "".join(parts).encode("utf-8", "replace")
    if len(page) > MAX_BYTES:
        raise ReportError(f"{title}: the report would be {len(page) // 2**20} MiB; cut the session into shorter ones")
    return page


CONTENTS: Final = Markup("<!-- contents -->")
"""Where the contents go."""


def figure_place(figure: Figure, *, level: str = "h3") -> Markup:
    """Leave the place for a figure, with its caption and the numbers behind it."""
    height = f"min-height: {int(figure.layout['height'])}px"
    numbers = (
        tag("details", tag("summary", f"Numbers: {figure.title}"), figure.table) if figure.table is not None else None
    )
    plot = tag(
        "div", id=f"plot-{figure.name}", class_="plot", style=height, role="img", aria_label=figure.caption
    )  # fmt: skip
    return tag("figure", tag(level, figure.title), plot, tag("figcaption", figure.caption), numbers)


def figures_json(figures: Sequence[Figure]) -> str:
    r"""Write figures so that they can stand inside a script element, whatever text they hold.

    Examples
    --------
    >>> from soleus.report.plots import Figure, fix_margins
    >>> print(figures_json([Figure("a", "t", "c", [{"name": "</script>"}], {})]))
    [{"name":"a","data":[{"name":"\u003c/script\u003e"}],"layout":{},"time":false}]
    """
    text = json.dumps([_values(each) for each in figures], separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _values(figure: Figure) -> dict[str, Any]:
    """Give a figure as the page's script reads it."""
    made = fix_margins(figure.layout) if figure.over_time else figure.layout
    return {"name": figure.name, "data": figure.data, "layout": made, "time": figure.over_time}


@functools.cache
def _asset(name: str) -> str:
    return importlib.resources.files("soleus.report").joinpath("assets", name).read_text(encoding="utf-8")


@functools.cache
def _plotly() -> str:
    """Take plotly's script from its package, without importing the package: that costs most of a second."""
    place = importlib.resources.files("plotly").joinpath("package_data", "plotly.min.js")
    return place.read_text(encoding="utf-8").replace("\r\n", "\n")


@functools.cache
def _plotly_digest() -> str:
    return _digest(_plotly())


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
