"""All settings of a run, as frozen models; read from TOML, every fault listed at once, before Spark starts."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from siamese_er.errors import ContractFault

Probability = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, le=1)]
PassName = Literal[
    "national_id", "identifier", "phone", "email", "birth_date", "birth_date_name", "birth_day_name",
    "birth_month_name", "names", "names_spelled", "names_birth_year", "name_postal_code", "name_city", "address",
    "name_address", "name_noted_year", "learned",
]  # fmt: skip
SurvivorshipRule = Literal["most_recent", "source_trust", "majority", "longest", "union", "verified_first"]


DEFAULT_RULES: dict[str, SurvivorshipRule] = {
    "given_name": "majority", "middle_name": "longest", "family_name": "majority", "birth_date": "majority",
    "sex": "majority", "national_id": "majority", "identifiers": "union", "allergies": "union", "problems": "union",
    "conditions": "union", "medications": "union", "immunizations": "union", "alerts": "union",
}  # fmt: skip


class Section(BaseModel):
    """Base of all sections: immutable, and an unknown key is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InputSettings(Section):
    """Where the records come from and how their columns are named."""

    records: tuple[str, ...] = Field(
        (), description="paths, globs or folders; empty: the demo population of the package"
    )
    notes: tuple[str, ...] = Field(
        (), description="paths of clinical notes; empty: none (or a notes column on the records)"
    )
    decisions: str | None = Field(None, description="people's decisions; path of a Parquet, CSV or JSON-lines table")
    labels: str | None = Field(None, description="labelled pairs that correct the head; path of a table")
    truth: str | None = Field(
        None, description="source, record_id, entity_id: adds precision, recall, pair completeness"
    )
    format: Literal["auto", "parquet", "csv", "json", "fhir", "omop"] = Field(
        "auto", description="auto: by file name; FHIR and OMOP by content"
    )
    columns: dict[str, str] = Field(default_factory=dict, description="foreign column name = contract column name")
    source_from_path: bool = Field(
        False, description="without a source column, use the file's name as the source (FHIR, OMOP: the folder's)"
    )
    date_formats: tuple[str, ...] = Field((), description="strptime formats tried first for dates, e.g. %d.%m.%Y")
    day_first: bool | None = Field(
        None, description="05/04/1980: true day first, false month first, null by the column"
    )
    default_region: str = Field("US", min_length=2, max_length=2, description="ISO country of phones without a prefix")
    max_quarantined_share: Share = Field(0.05, description="more bad rows than this share end the run with status 2")
    max_note_characters: int = Field(
        20_000, ge=100, description="characters kept of one note; the rest is cut, counted"
    )


class StandardiseSettings(Section):
    """What counts as missing, beyond the built-in placeholders."""

    placeholder_values: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="contract column = further values that mean missing on this site"
    )
    max_people_for_identifier: int = Field(
        6, ge=2, description="distinct (given, birth date) seen with one national id or identifier; beyond it, no id"
    )
    max_people_for_contact: int = Field(
        30, ge=2,
        description="likewise with one phone, e-mail address or numbered address line; beyond it, a place and no home",
    )  # fmt: skip


class ModelSettings(Section):
    """The encoder, its head and how they run."""

    path: str | None = Field(None, description="folder of a trained model; null: the one shipped with the package")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto: a GPU where the worker has one")
    use_notes: bool = Field(True, description="false: demographics alone, for the ablation")
    towers: Literal["shared", "per_source"] = Field(
        "shared", description="per_source: a source's own adapted copy of the towers, where the model has one"
    )
    note_model: str | None = Field(
        None, description="folder of a Hugging Face encoder (safetensors) that reads the notes; null: the model's own"
    )


class NoteSettings(Section):
    """How clinical notes become evidence."""

    boilerplate_records: int = Field(
        20, ge=1, description="a sentence that more records than this share, and than boilerplate_share, is left out"
    )
    boilerplate_share: Share = Field(0.01, description="share of the records with notes; see boilerplate_records")
    most_bits: float = Field(6.0, ge=0, description="bits by which notes may raise or lower a match weight at most")


class BlockingSettings(Section):
    """Which pairs are looked at."""

    passes: tuple[PassName, ...] = Field(
        ("national_id", "identifier", "phone", "email", "birth_date", "birth_date_name", "birth_day_name",
         "birth_month_name", "names", "names_spelled", "names_birth_year", "name_postal_code", "name_city", "address",
         "name_address", "name_noted_year", "learned"),
        min_length=1, description="blocking passes; two records pair when they share the key of at least one",
    )  # fmt: skip
    max_block_size: int = Field(120, ge=2, description="records; a larger block proposes nothing and is reported")
    records_at_once: int = Field(
        250_000, ge=1000, description="records of one group; a worker holds two groups (about 1 kB a record)"
    )

    def of_table(self, *, has_notes: bool) -> "BlockingSettings":
        """The settings for a table: where no record has notes, the pass that lives of their birth years is left out."""
        if has_notes:
            return self
        others = tuple(name for name in self.passes if name != "name_noted_year")
        return self.model_copy(update={"passes": others or self.passes})


class ScoreSettings(Section):
    """How pairs become probabilities."""

    floor: Probability = Field(0.01, description="pairs below this match probability are not kept")
    n_random_records: int = Field(800, ge=50, description="records sampled for u: how often strangers agree")
    max_patterns: int = Field(500_000, ge=1000, description="agreement patterns the driver holds to fit m; rarest cut")
    em_rounds: int = Field(25, ge=1, description="most iterations of expectation maximisation")


class LabelSettings(Section):
    """What labelled pairs (``input.labels``) may change."""

    max_labels: int = Field(100_000, ge=100, description="labelled pairs the driver holds; more are chosen by hash")
    min_of_each: int = Field(25, ge=10, description="matches and non-matches; with fewer the shipped head stays")


class DecideSettings(Section):
    """From probability to band."""

    preset: Literal["safe", "balanced"] = Field("safe", description="safe: patients; balanced: best F1")
    auto_threshold: Probability | None = Field(
        None, description="null: the preset's (safe: from expected_precision; balanced: .5)"
    )
    expected_precision: Probability = Field(
        0.998, description="safe: expected share of true pairs among automatic links, by their calibrated probabilities"
    )
    least_threshold: Probability = Field(
        0.8, description="safe: no pair below this probability is linked automatically"
    )
    review_threshold: Probability = Field(0.2, description="pairs at or above it, not linked, are asked of a person")

    def threshold(self) -> float:
        """Match probability at or above which a pair is linked when nothing forbids it; ``threshold.on_table`` sets it.

        Under ``safe``, before a table is known, the strictest that a table can get.
        """
        if self.auto_threshold is not None:
            return self.auto_threshold
        return {"safe": 0.99, "balanced": 0.5}[self.preset]


class SourceSettings(Section):
    """What is known about one source system."""

    deduplicated: bool = Field(False, description="true: it holds no duplicates; its own pairs go to review at most")
    trust: int = Field(0, description="survivorship: the value of the source with the greatest trust wins")
    record_of_truth: bool = Field(
        False,
        description="survivorship: its values win in every field, whatever the rule; for corrections that people deliver",
    )


class ClusterSettings(Section):
    """Groups of linked records and the guard against chain merges."""

    max_cluster_size: int = Field(100, ge=2, description="records; a larger cluster goes to review")
    unscored_penalty: float | None = Field(
        None,
        ge=0,
        description="bits against joining two groups for each unscored cross pair; null: safe 1, balanced .25",
    )
    max_driver_links: int = Field(2_000_000, ge=0, description="links up to which components run on the driver")
    max_task_records: int = Field(
        200_000_000,
        ge=0,
        description="linked records up to which one task finds components, with 8 bytes each; more take rounds of shuffles",
    )

    def penalty(self) -> float:
        """Bits for each cross pair that was never scored; those of ``safe`` where neither setting nor preset says."""
        return 1.0 if self.unscored_penalty is None else self.unscored_penalty

    def of_preset(self, preset: str) -> "ClusterSettings":
        """The settings with the penalty of a preset of the decision, unless one is set."""
        if self.unscored_penalty is not None or preset == "safe":
            return self
        return self.model_copy(update={"unscored_penalty": 0.25})


class SurvivorshipSettings(Section):
    """Which value of a cluster's records becomes the golden one; field = rule, the default for all others."""

    default_rule: SurvivorshipRule = Field("most_recent", description="rule of unlisted fields and unknown columns")
    rules: dict[str, SurvivorshipRule] = Field(
        default_factory=lambda: dict(DEFAULT_RULES),
        description="contract column = rule",
    )  # fmt: skip


class IdentitySettings(Section):
    """Enterprise ids."""

    key: str = Field("siamese_er", min_length=1, description="key of the hash that makes new enterprise ids")


class ReviewSettings(Section):
    """How many questions people can answer; the most valuable ones are kept, all pairs stay in scored_pairs."""

    questions_per_100_records: float = Field(2.0, ge=0, description="most questions of a run, for each 100 records")
    min_questions: int = Field(500, ge=0, description="questions that a run may ask however small the table is")

    def capacity(self, n_records: int) -> int:
        """The most questions that a run of so many records asks."""
        return max(self.min_questions, int(n_records * self.questions_per_100_records / 100))


class GateSettings(Section):
    """Quality gates; a failed one keeps the results in the run's folder, unpublished, with exit status 3."""

    max_missing_records_share: Share = Field(
        0.2, description="full mode: share of the previous run's records that may be missing from this input"
    )
    max_missing_source_share: Share | None = Field(
        0.5, description="full mode: share of a source's previous records that may be missing; null: no gate"
    )
    few_missing_records: int = Field(
        5, ge=0, description="records; a source that lacks no more than so many passes max_missing_source_share"
    )
    max_cluster_size: int | None = Field(None, ge=2, description="records; null: no gate")
    max_review_share: Share | None = Field(None, description="review tasks for each record; null: no gate")
    max_pair_volume_change: float | None = Field(
        None,
        gt=1,
        description="times more or fewer candidate pairs for each record than in the last run; null: no gate",
    )
    max_drift: float | None = Field(
        None, gt=0, description="greatest population stability index against the last run; null: no gate"
    )
    max_reference_drift: float | None = Field(
        None, gt=0, description="greatest index against the model's reference, over its limit; null: no gate"
    )
    min_precision: Probability | None = Field(
        None, description="pairwise precision of the clusters on the truth, else on the labels; null: no gate"
    )
    warn_pair_volume_change: float = Field(2.0, gt=1, description="as max_pair_volume_change, but only warns")
    warn_drift: float = Field(0.25, gt=0, description="as max_drift, but only warns, for each measure")
    hold: bool = Field(
        False, description="a dry run with failed gates ends with status 0; jobs/publish.py then refuses it"
    )


class RunSettings(Section):
    """This run."""

    output: str = Field("output", description="folder of all runs; current.json in it names the published one")
    mode: Literal["full", "incremental"] = Field("full", description="full: the input is everything")
    previous: str | None = Field(None, description="folder of the previous run; null: the current run of the output")
    relearn_share: Share = Field(
        0.2, description="incremental: share of records come or changed since a whole run, beyond which all are matched"
    )
    dry_run: bool = Field(False, description="do all but publish")
    tag: str | None = Field(
        None,
        pattern=r"^[\w.:+-]{1,200}$",
        description="name by which jobs/publish.py finds the run; never of a patient",
    )
    resume: bool = Field(False, description="go on with the last unfinished run, if its input and settings are these")
    shuffle_partitions: int = Field(8, ge=1, description="partitions of each shuffle")
    kept_notes: int = Field(
        1_000_000,
        ge=0,
        description="vectors of notes taken over from the run before at most, 80 bytes each in every worker; 0: none",
    )
    lock_seconds: float = Field(120, gt=0, description="seconds without a heartbeat after which a lock has expired")


class MatchConfig(Section):
    """All that ``jobs/match.py`` needs to know."""

    run: RunSettings = RunSettings()
    input: InputSettings = InputSettings()
    sources: dict[str, SourceSettings] = Field(default_factory=dict, description="source name = what is known about it")
    standardise: StandardiseSettings = StandardiseSettings()
    model: ModelSettings = ModelSettings()
    notes: NoteSettings = NoteSettings()
    blocking: BlockingSettings = BlockingSettings()
    score: ScoreSettings = ScoreSettings()
    labels: LabelSettings = LabelSettings()
    decide: DecideSettings = DecideSettings()
    cluster: ClusterSettings = ClusterSettings()
    survivorship: SurvivorshipSettings = SurvivorshipSettings()
    identity: IdentitySettings = IdentitySettings()
    review: ReviewSettings = ReviewSettings()
    gates: GateSettings = GateSettings()


def nested(settings: dict[str, Any], dotted: str, value: Any) -> None:
    """Set ``section.key`` of nested tables in place."""
    *sections, key = dotted.split(".")
    for section in sections:
        settings = settings.setdefault(section, {})
        if not isinstance(settings, dict):
            raise ContractFault(f"--set {dotted}: {section} is not a section")
    settings[key] = value


def toml_value(text: str) -> Any:
    """The TOML value written as ``text``; a bare word is a string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def load_config(path: str | None, overrides: dict[str, Any], settings: list[str]) -> MatchConfig:
    """The config of a run: the file, then ``overrides`` (dotted key -> value of a flag), then ``--set`` pairs.

    Raises: ContractFault with all faults at once, each naming its key; values of the file are not quoted.
    """
    tables: dict[str, Any] = {}
    faults: list[str] = []
    if path is not None:
        try:
            tables = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise ContractFault(f"config {path}: {error.strerror or 'cannot be read'}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ContractFault(f"config {path}: not valid TOML: {error}") from None
    for dotted, value in overrides.items():
        nested(tables, dotted, value)
    for pair in settings:
        dotted, equals, text = pair.partition("=")
        if not equals or not dotted.strip():
            faults.append(f"--set {pair}: write SECTION.KEY=VALUE")
            continue
        try:
            nested(tables, dotted.strip(), toml_value(text.strip()))
        except ContractFault as fault:
            faults += fault.faults
    try:
        config = MatchConfig.model_validate(tables)
    except ValidationError as error:
        faults += [f"config {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
    if faults:
        raise ContractFault(faults)
    return config


def not_yet_supported(config: MatchConfig) -> list[str]:
    """One line for each setting that the contract names and this version does not do yet; empty: all is supported."""
    wanted = {
        "input.format = fhir: FHIR input": config.input.format == "fhir",
    }
    return [f"{setting} is not yet supported" for setting, is_wanted in wanted.items() if is_wanted]
