"""The JSON Schema of configs and the template of `onecycle init`, compared with what `onecycle validate` accepts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from onecycle_cli.cli import main
from onecycle_cli.findings import RULES, Severity
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.settings import SETTINGS, Section
from onecycle_cli.policy.validation import validate_settings
from onecycle_cli.render.config_template import config_template, json_schema

from .conftest import read_text

SCHEMA = json_schema()
VALIDATOR = Draft7Validator(SCHEMA)
SOUND: dict[str, Any] = {"max_lr": 0.1, "total_steps": 1000}
SAMPLES: list[Any] = [
    0,
    1,
    -1,
    0.5,
    2.5,
    1000,
    2000.0,
    -0.0,
    2**53,
    2**53 + 1,
    True,
    False,
    "cos",
    "torch",
    "x",
    "",
    "1",
]
SAMPLES += [[], [0.1], [0.1, 0.2], [1, 2], ["a"], ["a", "b"], ["a", "a"], [True], [[0.1]], [-1], {}, {"a": 1}]


OF_THE_KEY = {"OC103", "OC106", "OC201", "OC202", "OC206"}
"""The codes that a schema can see too: a wrong type, choice or range of one setting."""

HAVE = {
    setting: {"convention": convention.name}
    for setting in CONVENTIONS[DEFAULT].unsupported
    for convention in CONVENTIONS.values()
    if convention.supports(setting)
} | {"lr_decay": {"groups": 3}}
"""By setting that needs others: for one that the default convention does not support, a convention that does."""


def errors(values: dict[str, Any]) -> list[str]:
    """Return the codes of the errors that we find in values."""
    return [finding.code for finding in validate_settings(values).findings if finding.severity is Severity.ERROR]


def with_sample(setting: str, sample: object) -> dict[str, Any]:
    return {**SOUND, **HAVE.get(setting, {}), setting: sample}


def accepted(setting: str) -> list[Any]:
    """Return the samples that we accept for a setting."""
    return [sample for sample in SAMPLES if not errors(with_sample(setting, sample))]


def refused(setting: str) -> list[Any]:
    """Return the samples that we refuse for what the setting itself is, read from a file."""
    found = []
    for sample in SAMPLES:
        findings = validate_settings(read_text(yaml.safe_dump(with_sample(setting, sample))).values).findings
        if {finding.code for finding in findings if finding.setting == setting} & OF_THE_KEY:
            found.append(sample)
    return found


def test_it_is_a_schema_of_draft_7() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "http://json-schema.org/draft-07/schema#"


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out) == SCHEMA
    assert captured.err == ""


def test_every_setting_is_documented() -> None:
    for setting, about in SETTINGS.items():
        assert SCHEMA["properties"][setting]["description"] == about.description
        assert about.description.endswith(".")


def test_it_has_our_settings_and_no_others() -> None:
    assert set(SCHEMA["properties"]) == set(SETTINGS)
    assert SCHEMA["additionalProperties"] is False


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_settings_example_passes(setting: str) -> None:
    values = {**SOUND, **HAVE.get(setting, {}), setting: yaml.safe_load(SETTINGS[setting].example)}
    assert list(VALIDATOR.iter_errors(values)) == []
    assert errors(values) == []


def test_null_counts_as_not_given() -> None:
    for setting in SETTINGS:
        values = {**SOUND, setting: None}
        assert VALIDATOR.is_valid(values) == (errors(values) == []), setting


@pytest.mark.parametrize("setting", SETTINGS)
def test_what_we_accept_passes_and_wrong_types_choices_and_ranges_fail(setting: str) -> None:
    good, bad = accepted(setting), refused(setting)
    assert good
    assert bad
    assert [sample for sample in good if not VALIDATOR.is_valid(with_sample(setting, sample))] == []
    assert [sample for sample in bad if VALIDATOR.is_valid(with_sample(setting, sample))] == []


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"max_lr": 0.1}, id="no length"),
        pytest.param({"total_steps": 10}, id="no peak"),
        pytest.param({"max_lr": 0.1, "epochs": 10}, id="epochs alone"),
        pytest.param({"max_lr": 0.1, "epochs": 10, "batch_size": 2}, id="half the data"),
        pytest.param({"max_lr": 0.1, "steps_per_epoch": 10}, id="no epochs"),
        pytest.param({**SOUND, "lr": 0.1}, id="unknown key"),
        pytest.param({**SOUND, "max_lr": "1e-3"}, id="what PyYAML makes of 1e-3"),
        pytest.param([SOUND], id="list"),
        pytest.param("max_lr", id="text"),
        pytest.param(None, id="empty"),
    ],
)
def test_what_is_no_config_fails(values: object) -> None:
    assert not VALIDATOR.is_valid(values)


@pytest.mark.parametrize(
    "values",
    [
        {"max_lr": 0.1, "epochs": 10, "steps_per_epoch": 5},
        {"max_lr": 0.1, "epochs": 10, "dataset_size": 50, "batch_size": 5},
        {"max_lr": [0.1, 0.01], "total_steps": 10, "groups": ["a", "b"], "max_momentum": [0.9, 0.8]},
    ],
)
def test_every_form_of_the_length_passes(values: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(values)
    assert errors(values) == []


ACCEPTED = [(setting, sample) for setting in SETTINGS if setting not in HAVE for sample in accepted(setting)]


@given(st.lists(st.sampled_from(ACCEPTED), max_size=6).map(dict))
def test_settings_that_we_accept_together_pass(values: dict[str, Any]) -> None:
    values = {**SOUND, **values}
    assume(not errors(values))
    assert [error.message for error in VALIDATOR.iter_errors(values)] == []


@pytest.mark.parametrize("line", ["name: 2024", "name: yes", "groups: [1, 2]", "groups: [on, off]", "max_lr: 1"])
def test_what_has_no_finding_passes_as_pyyaml_reads_it(line: str) -> None:
    text = "".join(f"{setting}: {value}\n" for setting, value in SOUND.items() if not line.startswith(setting))
    config = read_text(f"{text}{line}\n")
    assert [*config.findings, *validate_settings(config.values).findings] == []
    assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(f"{text}{line}\n"))] == []


def test_fixed_examples_pass() -> None:
    codes = [
        code for code in RULES if code > "OC1" and not RULES[code].fixed.startswith(("trainer", "scheduler", "opt"))
    ]
    assert codes
    for code in codes:
        assert [error.message for error in VALIDATOR.iter_errors(yaml.safe_load(RULES[code].fixed))] == [], code


# --- The template -----------------------------------------------------------------------------------------------


def test_the_template_has_no_findings_and_passes_the_schema(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "-"]) == 0
    text = capsys.readouterr().out
    assert text == config_template()
    path = tmp_path / "onecycle.yaml"
    path.write_text(text)
    assert main(["validate", "--strict", str(path)]) == 0
    assert capsys.readouterr().out == "1 file checked: nothing found\n"
    assert VALIDATOR.is_valid(yaml.safe_load(text))


def test_the_template_explains_every_setting() -> None:
    words = " ".join(config_template().replace("#", " ").split())
    for setting, about in SETTINGS.items():
        assert (about.description or "?") in words
        assert f"{setting}: {about.example}" in words


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_line_of_the_template_can_be_uncommented(setting: str) -> None:
    text = config_template().replace(f"\n# {setting}:", f"\n{setting}:")
    text += "".join(f"{needed}: {value}\n" for needed, value in HAVE.get(setting, {}).items())
    assert f"\n{setting}: " in text
    config = read_text(text)
    findings = [*config.findings, *validate_settings(config.values).findings]
    ours = [finding for finding in findings if finding.setting == setting and finding.severity is not Severity.INFO]
    assert [finding.code for finding in ours] == []
    assert VALIDATOR.is_valid(yaml.safe_load(text))


def test_the_template_has_every_section() -> None:
    for section in Section:
        assert f"# --- {section.value} ---" in config_template()


def test_init_writes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    assert Path("onecycle.yaml").read_text() == config_template()
    Path("onecycle.yaml").write_text("mine\n")
    assert main(["init"]) == 2
    assert "--force" in capsys.readouterr().err
    assert Path("onecycle.yaml").read_text() == "mine\n"
    assert main(["init", "--force"]) == 0
    assert Path("onecycle.yaml").read_text() == config_template()
    assert [path.name for path in tmp_path.iterdir()] == ["onecycle.yaml"]
