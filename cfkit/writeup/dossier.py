"""Answers as files that can be put away: what was asked, what came back, and on what it rests.

A dossier is a zip with each answer's rows and SQL, the ledger of every object the case was made of, and a manifest with the scope, the
parameters and a digest of every file in it. The same answers make the same bytes, but for the moment they were saved.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfkit import escape
from cfkit.errors import CaseError, WrongUse

if TYPE_CHECKING:
    from cfkit.answer import Answer
    from cfkit.case import Case

_LEDGER = """
select object_id, uri, sha256, source, distribution, bytes, lines, rows, rejected, ignored, duplicates, first_time, last_time,
    last_modified, loaded_at, status, note
from objects order by object_id
"""
_REJECTS = "select object_id, line, reason, raw from rejects order by object_id, line, reason"
_SAID = """\
{title}

Saved {saved} by cfkit {version} from the case {case}.
In view: {scope}. All times are UTC.

{headlines}

manifest.json  what was asked, with which values, and the SHA-256 of every file here
*.csv          the rows of each answer; *.sql is the query, which DuckDB runs on the case as it is
ledger.csv     every object the case was made of, with the SHA-256 of its bytes as stored, and what became of its records
rejects.csv    every record that could not be read, with the reason
"""


class Dossier:
    """`answers` of one case, to be filed. Shows itself as a list of what is in it."""

    def __init__(self, case: Case, *answers: Answer, title: str = "Answers of an investigation") -> None:
        if not answers:
            raise WrongUse("A dossier needs an answer. Pass those that should be in it: Dossier(case, answer, ...).")
        self._case, self.answers, self.title = case, answers, title

    @property
    def names(self) -> list[str]:
        """The file name, without its ending, of each answer in turn: that of its query, numbered where one was asked twice."""
        plain = [answer.query.name.replace("/", "-") for answer in self.answers]
        return [name if plain.count(name) == 1 else f"{name}-{plain[:at].count(name) + 1}" for at, name in enumerate(plain)]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the zip, whole or not at all, and returns where it is. Raises CaseError when it cannot be written."""
        target = Path(os.path.expanduser(os.fspath(path)))
        beside = target.with_name(target.name + ".part")
        try:
            beside.write_bytes(self.bytes(datetime.now(UTC)))
            beside.replace(target)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise CaseError(f"The dossier cannot be written to {target}: {error.strerror or error}. Name another file.") from error
        return target

    def bytes(self, saved: datetime) -> bytes:
        from cfkit import __version__

        files: dict[str, bytes] = {}
        told: list[dict[str, Any]] = []
        for name, answer in zip(self.names, self.answers, strict=True):
            files[f"{name}.csv"] = _encoded(answer.table("csv"))
            files[f"{name}.sql"] = _encoded(answer.sql)
            about = {key: value for key, value in answer.to_dict().items() if key not in ("rows", "sql")}
            if "lookups" in answer.provenance:
                about["lookups"] = answer.provenance["lookups"]
            told.append(about | {"rows": len(answer), "files": [f"{name}.csv", f"{name}.sql"], "command": answer.command()})
        files["ledger.csv"] = _table(self._case, _LEDGER)
        files["rejects.csv"] = _table(self._case, _REJECTS)
        headlines = "\n".join(f"- {escape.plain(answer.headline)} [{answer.query.name}]" for answer in self.answers)
        files["README.txt"] = _SAID.format(
            title=self.title, saved=f"{saved:%Y-%m-%d %H:%M:%S} UTC", version=__version__, case=escape.plain(self._case.name),
            scope=escape.plain(self._case.current_scope), headlines=headlines,
        ).encode()  # fmt: skip
        manifest = {
            "title": self.title,
            "saved_at": saved.replace(microsecond=0, tzinfo=None).isoformat() + "Z",
            "cfkit": __version__,
            "case": self._case.name,
            "provenance": {key: str(value) for key, value in self._case.provenance().items()},
            "answers": told,
            "sha256": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
        }
        files["manifest.json"] = (json.dumps(manifest, indent=1, ensure_ascii=False, default=str) + "\n").encode()
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in sorted(files):
                info = zipfile.ZipInfo(name, (saved.year, saved.month, saved.day, saved.hour, saved.minute, saved.second))
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, files[name])
        return out.getvalue()

    def __str__(self) -> str:
        lines = [f"A dossier of {len(self.answers)} answers: {self.title}", ""]
        return "\n".join([*lines, *(f"  {name}  {what}" for name, what in self.contents)])

    __repr__ = __str__

    @property
    def contents(self) -> list[tuple[str, str]]:
        """Each file and what it holds, in words; `.sql` beside each `.csv` goes without saying."""
        return [
            *(
                (f"{name}.csv", f"{len(answer):,} rows of {answer.query.name}")
                for name, answer in zip(self.names, self.answers, strict=True)
            ),
            ("ledger.csv", "every object the case was made of, with the digest of its bytes"),
            ("rejects.csv", "every record that could not be read, with the reason"),
            ("manifest.json", "what was asked, with which values, and the digest of every file"),
        ]


def _encoded(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "replace")


def _table(case: Case, sql: str) -> bytes:
    """Rows of the case's own tables as CSV, guarded as the rows of an answer are."""
    from cfkit.answer import as_csv

    frame = case.sql(sql)
    return _encoded(as_csv(frame.columns, frame.itertuples(index=False, name=None)))
