"""The files that come with the kit: queries, notebooks, samples. In a checkout they are its own folders, in a wheel they lie inside it."""

from __future__ import annotations

from pathlib import Path

_INSIDE = Path(__file__).parent / "shipped"
CHECKOUT = Path(__file__).parent.parent


def in_checkout() -> bool:
    return (CHECKOUT / "pyproject.toml").is_file() and (CHECKOUT / "queries").is_dir() and not _INSIDE.is_dir()


def queries_folder() -> Path:
    return CHECKOUT / "queries" if in_checkout() else _INSIDE / "queries"


def notebooks_folder() -> Path:
    return CHECKOUT / "notebooks" if in_checkout() else _INSIDE / "notebooks"


def samples_folder() -> Path:
    return CHECKOUT / "data" / "samples" if in_checkout() else _INSIDE / "samples"


def sample_objects() -> tuple[Path, ...]:
    """What there is to load among the samples: three buckets, each a folder with its objects under their keys (access logs, CloudTrail,
    AWS WAF), what somebody saved of the configuration, and where the search engine's crawler comes from."""
    names = ("acme-cf-logs", "acme-trail-logs", "aws-waf-logs-acme", "acme-inventory", "crawler_ranges.json")
    return tuple(samples_folder() / name for name in names)
