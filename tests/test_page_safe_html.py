"""HTML from outputs is rewritten from an allow-list: what is left is a document, whatever went in."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfkit.writeup.layout import script_json
from cfkit.writeup.safe_html import safe_html


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (
            "<p>plain <b>bold</b> &amp; <code>x &lt; y</code></p>",
            "<p>plain <b>bold</b> &amp; <code>x &lt; y</code></p>",
        ),
        ("<script>alert(1)</script>after", "after"),
        ("<style>p { color: red }</style><p>x</p>", "<p>x</p>"),
        ("<img src=x onerror=alert(1)>after", "after"),
        ('<img src="data:image/svg+xml;base64,PHN2Zz4=">', ""),
        ('<img alt="a" src="data:image/png;base64,iVBORw0=">', '<img alt="a" src="data:image/png;base64,iVBORw0=">'),
        ('<a href="javascript:alert(1)">x</a>', "<a>x</a>"),
        ('<a href=" java\nscript:alert(1)">x</a>', "<a>x</a>"),
        ('<a href="//example.com/x">x</a>', "<a>x</a>"),
        (
            '<a href="https://example.com/?a=1&b=2">x</a>',
            '<a href="https://example.com/?a=1&amp;b=2" rel="noopener noreferrer">x</a>',
        ),
        (
            '<td style="text-align: right; background: url(https://example.com/a)">1</td>',
            '<td style="text-align: right">1</td>',
        ),
        ('<div style="position: fixed; top: 0">over everything</div>', "<div>over everything</div>"),
        ('<p id="content" class="note" onclick="x()">x</p>', '<p class="note">x</p>'),
        ("<form action=/x><input name=a>typed</form>", "typed"),
        ("<svg><a href='javascript:x()'><text>x</text></a></svg>y", "y"),
        ("<p>never closed <b>bold", "<p>never closed <b>bold</b></p>"),
        ("</div></main>outside", "outside"),
        ("<!-- a --><p>x</p>", "<p>x</p>"),
        ("<details open><summary>more</summary>x</details>", '<details open=""><summary>more</summary>x</details>'),
    ],
)
def test_markup_of_a_document_stays_and_everything_else_goes(given_, expected):
    assert safe_html(given_) == expected


class _Strict(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen |= {tag} | {name for name, _ in attrs if name.startswith("on") or name in {"srcdoc", "action", "id"}}


_PIECES = st.sampled_from(
    """<script> </script> < > <svg /> <!-- --> <![CDATA[ ]]> <p onload=x " ' = &lt; &#60; <style> </style>
    <textarea> </p> <math> <img src=x alert(1) <iframe <template> <noscript>""".split()
    + [" ", "\n", "\x00"]
)


@given(st.lists(_PIECES, max_size=14).map("".join))
def test_no_mixture_of_markup_yields_an_active_element(text):
    strict = _Strict()
    strict.feed(safe_html(text))
    assert strict.seen <= {"p"}


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8))
def test_json_in_a_script_element_reads_back_and_holds_no_markup(value):
    import json

    text = script_json(value)
    assert json.loads(text) == value
    assert not set("<>&") & set(text)
