"""Whatever happens to a line or to the text around it, it ends as a row or a reject, and both ways of reading agree."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from conftest import V1, line, log
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cfkit
from cfkit.sources import cut

LINES_A_RUN = 60
EXAMPLES = int(os.environ.get("CFKIT_EXAMPLES", "40"))

odd_bytes = st.sampled_from(
    [b"\t", b"\n", b"\r", b"\0", b"#", b'"', b"'", b"\\", b"%", b"\xff", b"\xc3\xa9", b"-", b"", b" ", b"1e9", b"nan"]
)
numbers = st.sampled_from(["0", "1", "12", "000", "0.5", "-1", "1e3", "1_000", "0x1f", "nan", "9" * 25, " 7", "+7", "1.5", "abc", "-", ""])


@st.composite
def mutated_line(draw: st.DrawFn) -> bytes:
    values = {}
    for field in draw(st.lists(st.sampled_from(V1), max_size=3)):
        name = field.replace("-", "_").replace("(", "_").replace(")", "")
        values[name] = draw(st.text(st.characters(blacklist_characters="\t\n\r", blacklist_categories=("Cs",)), max_size=12))
    data = line(**values).encode()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(data)))
        data = data[:at] + draw(odd_bytes) + data[draw(st.integers(at, min(len(data), at + 30))) :]
    return data


@st.composite
def mutated_text(draw: st.DrawFn) -> bytes:
    header = log().encode()
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    parts = [header.replace(b"\n", end)]
    for data in draw(st.lists(mutated_line(), min_size=1, max_size=LINES_A_RUN)):
        parts.append(data + end)
        if draw(st.integers(0, 19)) == 0:
            parts.append(draw(st.sampled_from([header, b"\n", b"#remark\n", b"#Fields: time date c-ip sc-status\n"])))
    text = b"".join(parts)
    return text if draw(st.booleans()) else text.removesuffix(b"\n")


def lines_by_hand(text: bytes) -> int:
    """Data lines by the definition, in plain Python: not blank, not beginning with #."""
    every = text.replace(b"\r\n", b"\n").removesuffix(b"\r").split(b"\n")
    return sum(1 for each in every if each.strip(b" ") and not each.startswith(b"#"))


def load(folder: Path, text: bytes, careful: bool) -> tuple[cfkit.Case, list[list[object]], list[list[object]]]:
    path = folder / "E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz"
    path.write_bytes(gzip.compress(text, 1))
    original = cut.Cutter._piece
    if careful:  # every line read one by one, as if each object held a bad one

        def examined(self: cut.Cutter, *args: object) -> list[cut.Piece]:
            pieces = original(self, *args)
            for piece in pieces:
                piece.examine = True
            return pieces

        cut.Cutter._piece = examined
    try:
        case = cfkit.Case()
        case.load(path, progress=False)
    finally:
        cut.Cutter._piece = original
    rows = case.sql("select * exclude (extra, object_id), cast(extra as varchar) as extra from requests order by all")
    rows = rows.astype(str).values.tolist()
    bad = case.sql("select line, reason, raw from rejects order by all").values.tolist()
    return case, rows, bad


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=mutated_text())
def test_any_mutation_of_any_line_is_accounted_for(tmp_path_factory, text: bytes) -> None:
    folder = tmp_path_factory.mktemp("mutated")
    case, rows, bad = load(folder, text, careful=False)
    entry = case.sql("select lines, rows, rejected, ignored, duplicates, status from objects").to_dict("records")[0]
    assert entry["status"] == "loaded"
    assert entry["lines"] == entry["rows"] + entry["rejected"] == lines_by_hand(text)
    assert (entry["rows"], entry["rejected"]) == (len(rows), len(bad))
    every = text.replace(b"\r\n", b"\n").split(b"\n")
    for number, _, raw in bad:
        assert every[int(number) - 1].decode("utf-8", "backslashreplace")[:2000] in (raw, raw + "\r")


@settings(max_examples=EXAMPLES // 2, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=mutated_text())
def test_reading_in_bulk_and_line_by_line_gives_the_same_rows_and_rejects(tmp_path_factory, text: bytes) -> None:
    folder = tmp_path_factory.mktemp("both")
    _, rows, bad = load(folder, text, careful=False)
    _, rows_by_line, bad_by_line = load(folder, text, careful=True)
    assert rows == rows_by_line
    assert bad == bad_by_line


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(values=st.lists(numbers, min_size=1, max_size=8))
def test_a_number_is_read_alike_in_bulk_and_line_by_line(tmp_path_factory, values: list[str]) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    text = log(*(line(**{name: value}) for value in values for name in ("sc_bytes", "time_taken", "c_port"))).encode()
    assert load(folder, text, careful=False)[1:] == load(folder, text, careful=True)[1:]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(cut=st.floats(0, 1), flip=st.integers(0, 255), data=st.data())
def test_any_damage_to_the_gzip_leaves_a_ledger_that_adds_up(tmp_path_factory, cut: float, flip: int, data: st.DataObject) -> None:
    lines = (line(c_port=str(i + 1), x_edge_request_id=os.urandom(20).hex()) for i in range(300))
    packed = bytearray(gzip.compress(log(*lines).encode(), 6))
    if data.draw(st.booleans()):
        packed = packed[: int(len(packed) * cut)]
    else:
        packed[min(int(len(packed) * cut), len(packed) - 1)] ^= flip or 1
    path = tmp_path_factory.mktemp("damaged") / "E2EXAMPLE1.2026-03-04-14.0a1b2c3d.gz"
    path.write_bytes(bytes(packed))
    case = cfkit.Case()
    report = case.load(path, progress=False)
    counts = report.counts
    assert counts["lines"] == counts["rows"] + counts["rejected"]
    assert case.sql("select count(*) as n from requests").n[0] == counts["rows"] <= 300
    assert report.loaded + report.failed == 1
