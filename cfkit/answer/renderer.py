"""Altair charts that draw in JupyterLab without a network.

Altair's own renderers fetch a newer Vega from the network, or emit a MIME type that JupyterLab 4 does not know and nbformat refuses.
JupyterLab has Vega-Lite 5.6 built in, so `cfkit`, registered here as a renderer, hands it that. Importing this module makes it the
renderer, unless another one than Altair's default has been chosen.
"""

from __future__ import annotations

import base64
from typing import Any

import altair as alt

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.6.1.json"  # JupyterLab's own version: stops its version warning
MIME = "application/vnd.vegalite.v5+json"


def specification(chart: Any) -> dict[str, Any]:
    """The chart as the Vega-Lite that JupyterLab draws without a network."""
    return _for_jupyterlab(chart.to_dict())


def bundle(chart: Any) -> dict[str, Any]:
    """MIME bundle of a chart: Vega-Lite, its title as text, and a PNG (base64) where vl-convert is installed, for viewers without Vega."""
    return _mime(chart.to_dict())


def _mime(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    spec = _for_jupyterlab(spec)
    title = spec.get("title", "")
    lines = title.get("text", "") if isinstance(title, dict) else title
    out: dict[str, Any] = {MIME: spec, "text/plain": " ".join(lines) if isinstance(lines, list) else str(lines) or "chart"}
    picture = png(spec)
    return out | ({"image/png": base64.b64encode(picture).decode()} if picture else {})


def png(spec: dict[str, Any], scale: float = 1.5) -> bytes | None:
    """A picture of the specification, or None where vl-convert is not installed (`pip install 'cfkit[charts-static]'`)."""
    try:
        import vl_convert
    except ImportError:
        return None
    # The oldest it has, nearest to JupyterLab's.
    return bytes(vl_convert.vegalite_to_png(spec, vl_version="5.8", scale=scale))


def _for_jupyterlab(spec: dict[str, Any]) -> dict[str, Any]:
    return spec | {"$schema": SCHEMA}


alt.renderers.register("cfkit", _mime)
if alt.renderers.active in ("", "default"):  # whoever chose another renderer keeps it
    alt.renderers.enable("cfkit")
