"""The config: all faults at once and by name, flags over file, --set over both; and the file that shows it all."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from siamese_er.commands import exit_status, fault_lines, one_value_a_flag, status_of
from siamese_er.config import MatchConfig, load_config, nested, not_yet_supported
from siamese_er.config_text import config_text
from siamese_er.errors import ContractFault, GateFailed, OutputInUse, StepFailed

CHECKOUT = Path(__file__).parent.parent
BROKEN = """
[run]
outptu = "here"
shuffle_partitions = 0
[score]
floor = 1.5
[blocking]
passes = ["national_id", "no_such_pass"]
[decide]
preset = 3
[input]
records = "Jane Canary"
[nonsense]
"""


def settings_of(model: type[BaseModel], path: str = "") -> list[str]:
    """Every dotted key of the model."""
    keys = []
    for name, field in model.model_fields.items():
        is_section = isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
        keys += settings_of(field.annotation, f"{path}{name}.") if is_section else [path + name]
    return keys


def faults_of(*arguments) -> list[str]:
    with pytest.raises(ContractFault) as caught:
        load_config(*arguments)
    return caught.value.faults


def test_shipped_file_parses_to_the_defaults():
    assert load_config(str(CHECKOUT / "conf" / "match.toml"), {}, []) == MatchConfig() == load_config(None, {}, [])


def test_shipped_file_is_what_the_command_prints():
    assert (CHECKOUT / "conf" / "match.toml").read_text() == config_text()


@pytest.mark.parametrize("setting", settings_of(MatchConfig))
def test_shipped_file_shows_every_setting_with_a_comment(setting):
    section, _, key = setting.rpartition(".")
    lines = config_text().splitlines()
    names = {f"[{setting}]", f"#[{setting}.NAME]"}
    within = lines[lines.index(f"[{section}]") :] if section else lines
    shown = [n for n, line in enumerate(within) if line in names or line.startswith((f"{key} =", f"#{key} ="))]

    assert shown
    assert within[shown[0] - 1].startswith("# ")


def test_commented_settings_without_a_default_are_accepted_when_given_a_value(tmp_path):
    text = config_text().replace("#previous =", 'previous = "old"').replace("#auto_threshold =", "auto_threshold = 0.9")
    (tmp_path / "match.toml").write_text(
        text.replace("#[sources.NAME]", "[sources.NAME]").replace("#trust =", "trust =")
    )

    config = load_config(str(tmp_path / "match.toml"), {}, [])

    assert (config.run.previous, config.decide.threshold(), list(config.sources)) == ("old", 0.9, ["NAME"])


def test_all_faults_are_told_at_once_by_key_and_without_values(tmp_path):
    (tmp_path / "broken.toml").write_text(BROKEN)

    faults = faults_of(str(tmp_path / "broken.toml"), {"run.mode": "partial"}, ["score.floor", "score.rounds=1"])

    assert [fault.split(": ")[0] for fault in faults] == [
        "--set score.floor", "config run.mode", "config run.shuffle_partitions", "config run.outptu",
        "config input.records", "config blocking.passes.1", "config score.floor", "config score.rounds",
        "config decide.preset", "config nonsense",
    ]  # fmt: skip
    assert "Canary" not in "".join(faults)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(None, "No such file", id="no file"),
        pytest.param(b"[run\n", "not valid TOML", id="not TOML"),
        pytest.param(b"[run]\noutput = '\xff'\n", "not valid TOML", id="not UTF-8"),
    ],
)
def test_unreadable_file_is_one_fault(tmp_path, content, expected):
    path = tmp_path / "match.toml"
    if content is not None:
        path.write_bytes(content)

    faults = faults_of(str(path), {}, [])

    assert len(faults) == 1
    assert expected in faults[0]


def test_flags_win_over_the_file_and_set_over_both(tmp_path):
    (tmp_path / "match.toml").write_text('[run]\noutput = "file"\nmode = "full"\n[score]\nfloor = 0.1\n')

    config = load_config(
        str(tmp_path / "match.toml"),
        {"run.output": "flag", "input.records": ["a.csv", "b.csv"]},
        [
            "score.floor=0.3",
            "input.columns.pat_nm=full_name",
            'blocking.passes=["phone"]',
            "sources.lab.deduplicated=true",
        ],
    )

    assert (config.run.output, config.score.floor, config.input.records) == ("flag", 0.3, ("a.csv", "b.csv"))
    assert config.input.columns == {"pat_nm": "full_name"}
    assert config.blocking.passes == ("phone",)
    assert config.sources["lab"].deduplicated


@pytest.mark.parametrize("setting", ["run.output.deeper=1", "=1", "floor"], ids=["not a section", "no key", "no value"])
def test_set_that_cannot_be_read_is_a_fault(setting):
    assert faults_of(None, {"run.output": "x"}, [setting])[0].startswith("--set")


@pytest.mark.parametrize(
    ("overrides", "word"),
    [
        pytest.param({"input.format": "fhir"}, "FHIR", id="fhir"),
    ],
)
def test_not_yet_supported(overrides, word):
    lines = not_yet_supported(load_config(None, overrides, []))

    assert len(lines) == 1
    assert word in lines[0]


def test_not_yet_supported_of_the_defaults_is_nothing():
    assert not_yet_supported(MatchConfig()) == []


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(["--input", "a", "b", "--notes", "n"], ["--input", "a", "--input", "b", "--notes", "n"], id="two"),
        pytest.param(["--input", "a", "--input", "b"], ["--input", "a", "--input", "b"], id="repeated"),
        pytest.param(["--input=a", "b", "--dry-run"], ["--input=a", "--input", "b", "--dry-run"], id="equals sign"),
        pytest.param(["--output", "o", "stray"], ["--output", "o", "stray"], id="other flags are left"),
        pytest.param(["--input", "--notes", "n", "-"], ["--input", "--notes", "n", "--notes", "-"], id="no value"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_one_value_a_flag(given, expected):
    assert one_value_a_flag(given, ["--input", "--notes"]) == expected


@pytest.mark.parametrize(
    ("error", "status"),
    [
        pytest.param(ContractFault("x"), 2, id="fault"),
        pytest.param(OutputInUse("x"), 2, id="lock"),
        pytest.param(GateFailed(["x"]), 3, id="gate"),
        pytest.param(StepFailed("x"), 1, id="step"),
        pytest.param(KeyError("x"), 1, id="crash"),
    ],
)
def test_exit_status(error, status):
    assert exit_status(error) == status


def test_fault_lines_is_one_for_each_fault():
    assert fault_lines(ContractFault(["no id", "no rows"])) == ["siamese_er: no id", "siamese_er: no rows"]


def test_status_of_a_crash_tells_class_place_and_run_but_no_value(capsys):
    def crash() -> None:
        error = ValueError("Jane Canary 1980-01-01")
        error.run_id = "run-7"
        raise error

    status = status_of(crash)

    told = capsys.readouterr()
    assert (status, told.out) == (1, "")
    assert told.err.startswith("siamese_er: ValueError at ")
    assert "test_config.py" in told.err
    assert "run-7" in told.err
    assert len(told.err.splitlines()) == 1
    assert "Canary" not in told.err


def test_fault_lines_name_the_step_that_failed_on_an_executor_and_nothing_around_it():
    told = "siamese_er.errors.StepFailed: encode notes: KeyError at /lib/siamese_er/encode.py:7 in vectors"
    error = RuntimeError(f"Traceback ... Jane Canary\n{told}\nJane Canary")

    (line,) = fault_lines(error)

    assert line.endswith("encode notes: KeyError at /lib/siamese_er/encode.py:7 in vectors")
    assert "Canary" not in line


def test_fault_lines_place_is_in_this_package_where_it_can_be():
    try:
        nested({}, 7, None)
    except AttributeError as error:
        (line,) = fault_lines(error)

    assert "config.py" in line
    assert line.endswith(" in nested")


def test_config_command_prints_a_config():
    command = [Path(sys.executable).parent / "siamese-er", "config"]

    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert MatchConfig.model_validate(tomllib.loads(printed)) == MatchConfig()
