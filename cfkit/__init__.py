"""cfkit: investigate Amazon CloudFront.

    import cfkit
    case = cfkit.Case("incident-42.duckdb")
    case.load("s3://acme-logs/cf/", start="2026-10-01", end="2026-10-02")
    answer = case.ask("traffic/errors_by_edge", bucket="5 minutes")

Everything public is here; what else a module holds may change.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfkit import widgets
    from cfkit.answer import Answer
    from cfkit.case import Case
    from cfkit.errors import AwsError, CannotRead, CaseError, CfkitError, WrongUse
    from cfkit.load import LoadStopped
    from cfkit.load.report import LoadReport
    from cfkit.queries import catalogue
    from cfkit.scope import Scope
    from cfkit.window import Window

__version__ = "0.1.0"

_FROM = {
    "Answer": "answer", "AwsError": "errors", "CannotRead": "errors", "Case": "case", "CaseError": "errors", "CfkitError": "errors",
    "LoadReport": "load.report", "LoadStopped": "load", "Scope": "scope", "Window": "window", "WrongUse": "errors", "catalogue": "queries",
}  # fmt: skip
__all__ = [
    "Answer", "AwsError", "CannotRead", "Case", "CaseError", "CfkitError", "LoadReport", "LoadStopped", "Scope", "Window", "WrongUse",
    "catalogue", "widgets",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Names are fetched when first used, so that the command line starts without the charting and notebook libraries."""
    if name == "widgets":
        return import_module("cfkit.widgets")
    if name in _FROM:
        return getattr(import_module(f"cfkit.{_FROM[name]}"), name)
    raise AttributeError(f"module 'cfkit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
