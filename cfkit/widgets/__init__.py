"""Choosing by hand in a notebook. A widget chooses and the next cell draws: `picker.scope` and `form.answer` are
plain values.

Without anybody there to click, both hold their defaults, so a notebook run by a machine tells the same story. On an
exported page a widget becomes the words, and the picture, of what was chosen.
"""

from cfkit.widgets.filing import Filing
from cfkit.widgets.form import QueryForm
from cfkit.widgets.handover import Handover
from cfkit.widgets.picker import ScopePicker

__all__ = ["Filing", "Handover", "QueryForm", "ScopePicker"]
