"""HTML that is safe by construction: whatever is not marked as markup is text, and text is escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Final

VOID: Final = ("br", "hr", "meta", "img", "input")
"""Elements without an end."""


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Part = Markup | str | None


def text(part: Part) -> Markup:
    """Turn a part into markup: plain text is escaped, nothing is nothing.

    Examples
    --------
    >>> text("<script>"), text(Markup("<b>"))
    ('&lt;script&gt;', '<b>')
    """
    if part is None:
        return Markup("")
    return part if isinstance(part, Markup) else Markup(html.escape(_printable(part), quote=True))


def join(*parts: Part) -> Markup:
    """Put parts behind each other."""
    return Markup("".join(text(part) for part in parts))


def tag(name: str, /, *parts: Part, **attributes: str | bool | None) -> Markup:
    """Make an element; ``class_`` and ``aria_label`` become ``class`` and ``aria-label``.

    Examples
    --------
    >>> tag("p", "1 < 2", class_="small")
    '<p class="small">1 &lt; 2</p>'
    >>> tag("details", open=True, id=None)
    '<details open></details>'
    """
    written = []
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            written.append(f" {label}")
        elif isinstance(value, str):
            written.append(f' {label}="{html.escape(_printable(value), quote=True)}"')
    head = f"<{name}{''.join(written)}>"
    return Markup(head if name in VOID else f"{head}{join(*parts)}</{name}>")


def table(
    head: tuple[Part, ...],
    rows: Sequence[tuple[Part, ...]],
    *,
    caption: str,
    words: tuple[int, ...] = (0,),
    class_: str = "",
) -> Markup:
    """Make a table whose first column names its rows; columns outside ``words`` hold numbers.

    Examples
    --------
    >>> '<td class="n">1</td>' in table(("a", "b"), [("x", "1")], caption="c")
    True
    """
    side = [None if position in words else "n" for position in range(len(head))]
    heads = join(*(tag("th", part, scope="col", class_=side[i]) for i, part in enumerate(head)))
    body = join(
        *(
            tag(
                "tr",
                tag("th", row[0], scope="row"),
                *(tag("td", part, class_=side[i]) for i, part in enumerate(row[1:], 1)),
            )
            for row in rows
        )
    )
    made = tag(
        "table", tag("caption", caption), tag("thead", tag("tr", heads)), tag("tbody", body), class_=class_ or None
    )
    # Wide tables scroll inside their own box, which must then be reachable from the keyboard.
    return tag("div", made, class_="scroll", tabindex="0", role="region", aria_label=caption)


def items(*parts: Part) -> Markup:
    """Make a list of points."""
    return tag("ul", *(tag("li", part) for part in parts if part))


def _printable(plain: str) -> str:
    """Take out what HTML cannot hold: control characters, and halves of characters."""
    if plain.isprintable():
        return plain
    return "".join(c if c.isprintable() or c in _SPACES else "\ufffd" for c in plain)


_SPACES: Final = " \n\t\u00a0\u202f\u2009"
