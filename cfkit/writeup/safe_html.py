"""HTML from notebook outputs and Markdown, reduced to what a document needs.

Log fields are written by attackers, and an output may carry one unescaped. Everything is parsed and written anew from
an allow-list: text is escaped, attributes are quoted, and no element is let through whose content a browser reads by
other rules (script, style, svg, math, template ...). So what comes out is inert whatever went in, even where this
parser and a browser would disagree.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

_TAGS = frozenset(
    """
    a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6
    hr i img kbd li mark ol p pre s samp section small span strong sub summary sup table tbody td tfoot th thead time
    tr u ul
    """.split()
)
_VOID = frozenset({"br", "col", "hr", "img"})
_DROPPED_WHOLE = frozenset(
    """
    script style title textarea template noscript iframe object embed svg math xmp noembed noframes plaintext select
    head
    """.split()
)
_ATTRIBUTES = frozenset("class colspan rowspan scope title lang open start span width height alt role".split())
_STYLES = frozenset(
    """
    background background-color border border-bottom border-collapse border-left border-radius border-right border-top
    color display font-family font-size font-style font-variant-numeric font-weight height line-height margin
    margin-bottom margin-left margin-right margin-top max-width min-width opacity overflow overflow-wrap overflow-x
    padding padding-bottom padding-left padding-right padding-top text-align text-decoration vertical-align
    white-space width word-break
    """.split()
)
_STYLE_VALUE = re.compile(r"[\w\s.,%#()+'-]*\Z")
_LINK = re.compile(r"(https?://|mailto:|#|(?!//)[\w./-]+(?:[#?]|\Z))", re.IGNORECASE)
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z")


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.open: list[str] = []
        self.dropping: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self.dropping or tag in _DROPPED_WHOLE:
            self.dropping.append(tag)
            return
        if tag not in _TAGS:
            return
        attributes = _attributes(tag, attrs)
        if tag == "img" and "src" not in dict(attributes):
            return
        kept = "".join(f' {name}="{escape(value)}"' for name, value in attributes)
        self.out.append(f"<{tag}{kept}>")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WHOLE or self.dropping:
            return  # <svg/>: empty, so nothing follows that belongs to it
        self.handle_starttag(tag, attrs)
        if tag in _TAGS and tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.dropping:
            if tag in self.dropping:
                while self.dropping.pop() != tag:
                    pass
            return
        if tag in self.open:
            while True:
                last = self.open.pop()
                self.out.append(f"</{last}>")
                if last == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self.dropping:
            self.out.append(escape(data))


def _attributes(tag: str, attrs: list[tuple[str, str | None]]) -> list[tuple[str, str]]:
    kept: list[tuple[str, str]] = []
    for name, raw in attrs:
        value = raw or ""
        if name in _ATTRIBUTES or name.startswith("aria-"):
            kept.append((name, value))
        elif name == "style":
            style = _style(value)
            if style:
                kept.append((name, style))
        elif (name == "href" and tag == "a" and _LINK.match(value.strip())) or (name == "src" and tag == "img" and _PICTURE.match(value)):
            kept.append((name, value.strip()))
    if any(name == "href" and value.lower().startswith("http") for name, value in kept):
        kept.append(("rel", "noopener noreferrer"))
    return kept


def _style(value: str) -> str:
    kept = []
    for declaration in value.split(";"):
        name, _, what = declaration.partition(":")
        name, what = name.strip().lower(), what.strip()
        if name in _STYLES and _STYLE_VALUE.match(what) and not re.search("url|expression", what, re.IGNORECASE):
            kept.append(f"{name}: {what}")
    return "; ".join(kept)


def safe_html(text: str) -> str:
    """`text` with everything but plain document markup removed; unclosed elements are closed."""
    writer = _Writer()
    writer.feed(text)
    writer.close()
    while writer.open:
        writer.out.append(f"</{writer.open.pop()}>")
    return "".join(writer.out)
