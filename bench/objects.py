"""Standard log objects to measure with: two million varied lines, and the same lines in smaller objects or over more months.

Lines are made once, in plain Python, with what decides the cost of loading: random request ids, a few thousand paths, agents with a
dozen encoded spaces, thousands of addresses. Larger sets repeat them under other dates, so that making them is quick.
"""

from __future__ import annotations

import base64
import random
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

from isal import igzip

from cfkit.sources.access import V1_FIELDS

HEADER = ("#Version: 1.0\n#Fields: " + " ".join(V1_FIELDS) + "\n").encode()
LARGE, ROWS_OF_LARGE = 400, 5_000
SMALL, ROWS_OF_SMALL = 5_000, 100
DELIVERED, ROWS_OF_DELIVERED = 20_000, 36  # about 4.4 KB, a quiet distribution's deliveries

_EDGES = ["FRA56-P4", "IAD89-C1", "LHR61-P5", "NRT57-P2", "SFO53-C1", "GRU3-C1", "BOM78-P6", "SYD62-P1"]
_TYPES = ["Hit"] * 12 + ["RefreshHit"] + ["Miss"] * 4 + ["Error", "Redirect"]
_STATUSES = ["200"] * 40 + ["206", "301", "304", "404", "404", "403", "500", "503", "000"]
_AGENTS = [
    f"Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20AppleWebKit/537.36%20(KHTML,%20like%20Gecko)%20Chrome/{v}.0.0.0%20Safari/537.36"
    for v in range(90, 130)
]


def _line(r: random.Random, day: str, hour: int) -> str:
    kind, status = r.choice(_TYPES), r.choice(_STATUSES)
    first = r.random() * (0.03 if "Hit" in kind else 0.6)
    size = r.randrange(300, 90_000)
    return "\t".join(
        (
            day, f"{hour:02d}:{r.randrange(60):02d}:{r.randrange(60):02d}", r.choice(_EDGES), str(size),
            f"198.{18 + r.randrange(2)}.{r.randrange(120)}.{r.randrange(256)}", "GET", "d111111abcdef8.cloudfront.net",
            f"/products/{int(r.paretovariate(0.7)) % 3000}/image%20{r.randrange(20)}.jpg", status,
            f"https://www.example.com/{r.randrange(500)}", r.choice(_AGENTS),
            "-" if r.random() < 0.6 else f"q={r.randrange(10_000)}%2520x", "-", kind,
            base64.urlsafe_b64encode(r.randbytes(40)).decode()[:54] + "==", "www.example.com", "https", str(r.randrange(100, 900)),
            f"{first * 1.2:.3f}", "-", "TLSv1.3", "TLS_AES_128_GCM_SHA256", kind, "HTTP/2.0", "-", "-", str(r.randrange(1024, 65_000)),
            f"{first:.3f}", kind, "image/jpeg", str(size - 250), "-", "-",
        )
    )  # fmt: skip


def _write(folder: str, number: int, rows: int, month: str = "2026-09") -> None:
    r = random.Random(number)
    day, hour = f"{month}-{1 + number // 24 % 28:02d}", number % 24
    body = "\n".join(_line(r, day, hour) for _ in range(rows)) + "\n"
    name = f"E{1 + number % 2}BENCHEXAMPLE.{day}-{hour:02d}.{number:08x}.gz"
    (Path(folder) / name).write_bytes(igzip.compress(HEADER + body.encode(), compresslevel=2))


def large(folder: Path, objects: int = LARGE) -> Path:
    """`objects` objects of 5,000 lines."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor() as pool:
            list(pool.map(_write, [str(folder)] * objects, range(objects), [ROWS_OF_LARGE] * objects, chunksize=8))
        (folder / "done").touch()
    return folder


def small(folder: Path, source: Path, objects: int = SMALL) -> Path:
    """The lines of `source` in objects of 100."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        for path in sorted(source.glob("*.gz")):
            lines = igzip.decompress(path.read_bytes()).split(b"\n")[2:-1]
            for at in range(0, len(lines), ROWS_OF_SMALL):
                if number == objects:
                    break
                stem = path.name.rsplit(".", 2)[0]
                body = HEADER + b"\n".join(lines[at : at + ROWS_OF_SMALL]) + b"\n"
                (folder / f"{stem}.{number:08x}.gz").write_bytes(igzip.compress(body, compresslevel=2))
                number += 1
        (folder / "done").touch()
    return folder


def delivered(folder: Path, objects: int = DELIVERED) -> Path:
    """`objects` small objects, four for each hour of some months."""
    if not (folder / "done").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor() as pool:
            list(pool.map(_deliver, [str(folder)] * objects, range(objects), chunksize=100))
        (folder / "done").touch()
    return folder


def _deliver(folder: str, number: int) -> None:
    r = random.Random(number)
    hour = datetime(2026, 1, 1) + timedelta(hours=number // 4)
    body = "\n".join(_line(r, f"{hour:%Y-%m-%d}", hour.hour) for _ in range(ROWS_OF_DELIVERED)) + "\n"
    name = f"E1BENCHEXAMPLE.{hour:%Y-%m-%d-%H}.{number:08x}.gz"
    (Path(folder) / name).write_bytes(igzip.compress(HEADER + body.encode(), compresslevel=2))


def months(folder: Path, source: Path, copies: int) -> Path:
    """The lines of `source` under `copies` months, one after the other."""
    for copy in range(copies):
        part = folder / f"{copy:02d}"
        if (part / "done").exists():
            continue
        part.mkdir(parents=True, exist_ok=True)
        month = f"{2024 + copy // 12}-{1 + copy % 12:02d}".encode()
        with ProcessPoolExecutor() as pool:
            paths = sorted(source.glob("*.gz"))
            list(pool.map(_moved, paths, [part] * len(paths), [month] * len(paths), chunksize=8))
        (part / "done").touch()
    return folder


def _moved(path: Path, folder: Path, month: bytes) -> None:
    text = igzip.decompress(path.read_bytes()).replace(b"\n2026-09", b"\n" + month)
    (folder / path.name.replace("2026-09", month.decode())).write_bytes(igzip.compress(text, compresslevel=2))
