"""Rules about the file as a whole (OC0xx): whether there is a mapping of settings to read at all."""

from __future__ import annotations

from onecycle_cli.findings.rule import Rule, Severity

NOT_YAML = Rule(
    "OC001",
    Severity.ERROR,
    "not YAML",
    "The file breaks YAML's grammar at the place shown, so nothing after it can be trusted. "
    "Usual causes: a tab for indentation, a missing space after a colon, a bracket or quote left open.",
    "max_lr: 0.1\ntotal_steps: [1000\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
NOT_TEXT = Rule(
    "OC002",
    Severity.ERROR,
    "not UTF-8 text",
    "The file holds bytes that are not UTF-8. YAML files are UTF-8 (UTF-16 with a byte-order mark is read too); "
    "an editor that saved in another encoding, or a file that is no text at all, leads here.",
    "name: caf\ufffd\nmax_lr: 0.1\ntotal_steps: 1000\n",
    "name: café\nmax_lr: 0.1\ntotal_steps: 1000\n",
)
NOT_A_MAPPING = Rule(
    "OC003",
    Severity.ERROR,
    "no settings in it",
    "A config is one mapping of settings to values (`max_lr: 0.1`). An empty file, a list or a bare text has none.",
    "- max_lr\n- total_steps\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
SEVERAL_DOCUMENTS = Rule(
    "OC004",
    Severity.ERROR,
    "several documents",
    "A line `---` after the first settings begins a second YAML document. One file holds one plan; "
    "which of several was meant cannot be known.",
    "max_lr: 0.1\ntotal_steps: 1000\n---\nmax_lr: 0.2\n",
    "max_lr: 0.1\ntotal_steps: 1000\n",
)
TOO_MUCH = Rule(
    "OC005",
    Severity.ERROR,
    "too large or too deep",
    "The file is larger, or nested deeper, than any config is: over 4 MiB, 100 levels or 200,000 values. "
    "It is refused before it can take the machine down; most often the wrong file was named.",
    "max_lr: " + "[" * 101 + "0.1" + "]" * 101 + "\ntotal_steps: 1000\n",
    "max_lr: [0.1]\ntotal_steps: 1000\n",
)
NOT_PYTHON = Rule(
    "OC006",
    Severity.ERROR,
    "not Python",
    "The Python config breaks Python's grammar at the place shown. It is read without being run, by the grammar of "
    "the Python that runs this program. Usual causes: a comma, bracket or quote that is missing, a tab, Python 2.",
    "param_scheduler = [dict(type='OneCycleLR', eta_max=0.1, total_steps=1000]\n",
    "param_scheduler = [dict(type='OneCycleLR', eta_max=0.1, total_steps=1000)]\n",
)
