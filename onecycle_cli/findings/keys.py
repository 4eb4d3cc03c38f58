"""Rules about keys and the kinds of their values (OC1xx)."""

from __future__ import annotations

from onecycle_cli.findings.rule import Rule, Severity

UNKNOWN_KEY = Rule(
    "OC101",
    Severity.ERROR,
    "unknown key",
    "The key is no setting of a one-cycle schedule, so it would act on nothing. Most often it is mistyped, or "
    "another framework's name: fastai's `div_final` and Paddle's `phase_pct` are `final_div_factor` and "
    "`pct_start` here. `onecycle schema` lists every setting.",
    "max_lr: 0.1\ntotal_steps: 1000\npct_strat: 0.25\n",
    "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.25\n",
)
DUPLICATE_KEY = Rule(
    "OC102",
    Severity.ERROR,
    "duplicate key",
    "The key stands twice. PyYAML silently keeps the last value, other readers the first or none; the "
    "author most likely changed one of the two.",
    "max_lr: 0.1\ntotal_steps: 1000\nmax_lr: 0.2\n",
    "max_lr: 0.2\ntotal_steps: 1000\n",
)
WRONG_TYPE = Rule(
    "OC103",
    Severity.ERROR,
    "wrong type",
    "The value is not of the kind that the setting takes, such as a text where a number must stand.",
    "max_lr: fast\ntotal_steps: 1000\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
YAML_VERSIONS = Rule(
    "OC104",
    Severity.WARNING,
    "YAML 1.1 and 1.2 read it differently",
    "PyYAML, which most training scripts use, reads YAML 1.1: there `1e-3` is a text (a float needs a dot and a "
    "signed exponent), `010` is eight, `1_000` a thousand and `yes` true. YAML 1.2 readers, and this program, "
    "take `1e-3` for .001 and `010` for ten. Write the value so that both agree.",
    "max_lr: 1e-3\ntotal_steps: 1000\n",
    "max_lr: 1.0e-3\ntotal_steps: 1000\n",
)
NUMBER_KIND = Rule(
    "OC105",
    Severity.WARNING,
    "a number PyTorch refuses",
    "PyTorch's OneCycleLR checks the Python type: `pct_start` must be a float (1 is refused, 1.0 taken) and "
    "`total_steps` an int (100.0 is refused, 100 taken). The plan is computed as if it were written right.",
    "max_lr: 0.1\ntotal_steps: 100.0\n",
    "max_lr: 0.1\ntotal_steps: 100\n",
)
UNKNOWN_CHOICE = Rule(
    "OC106",
    Severity.ERROR,
    "unknown choice",
    "The setting takes one of a few words, and this is none of them.",
    "max_lr: 0.1\ntotal_steps: 1000\nanneal_strategy: cosine\n",
    "max_lr: 0.1\ntotal_steps: 1000\nanneal_strategy: cos\n",
)
MISSING_SETTING = Rule(
    "OC107",
    Severity.ERROR,
    "missing setting",
    "A schedule cannot be drawn without its peak: `max_lr` has no default in any framework.",
    "total_steps: 1000\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
