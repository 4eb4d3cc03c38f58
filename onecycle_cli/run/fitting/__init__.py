"""From a log back to the settings: which one-cycle schedule a run followed, as far as its learning rates tell."""

from onecycle_cli.run.fitting.fit import fit
from onecycle_cli.run.fitting.fitted import Fitted

__all__ = ["Fitted", "fit"]
