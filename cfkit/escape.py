"""Text that came out of a log, made safe for the place it is shown in.

Whoever sends a request writes its path, referer and user agent. `plain` is the first step everywhere: it leaves letters of every
script alone and turns what a terminal, a browser or a spreadsheet would act on into visible marks.
"""

from __future__ import annotations

import html as _html
import unicodedata


def plain(value: object, limit: int | None = None) -> str:
    """One line without anything a terminal acts on: a control or invisible character shows as `\\x1b`.

    Text longer than `limit` characters is cut there and ends in …
    """
    text = str(value)
    if not text.isprintable():
        # Not printable: controls, direction overrides, zero widths, line separators, lone surrogates, spaces that are not a space.
        text = "".join(c if c.isprintable() else _visible(c) for c in text)
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    return text


def _visible(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def html(value: object, limit: int | None = None) -> str:
    """For text and for quoted attributes of a page."""
    return _html.escape(plain(value, limit), quote=True)


_MARKDOWN = str.maketrans({c: "\\" + c for c in "\\`*_{}[]()#+-.!|~$"} | {
    "&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", ":": "&#58;",
})  # fmt: skip


def markdown(value: object, limit: int | None = None) -> str:
    """For a table cell or a line of Markdown: no markup, no HTML, no link (an address would otherwise become one by itself)."""
    return plain(value, limit).translate(_MARKDOWN)


def spreadsheet(value: str) -> str:
    """For a text cell of a CSV file: a text that a spreadsheet would run as a formula gets an apostrophe in front, the usual guard,
    and control characters are shown as `\\x1b`, since a CSV is looked at in terminals too.

    This is for text only (numbers stay numbers), and it is the one place where a table differs from the data: take JSON or Parquet
    where the exact text matters. https://owasp.org/www-community/attacks/CSV_Injection
    """
    # Spreadsheets trim leading blanks (and full-width forms fold to ASCII in some) before they decide that a cell is a formula.
    start = unicodedata.normalize("NFKC", value.lstrip()[:1])
    guarded = "'" + value if start in {"=", "+", "-", "@"} or value[:1] in {"\t", "\r", "\n"} else value
    return plain(guarded)
