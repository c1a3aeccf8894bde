"""The schema of every table, declared once, and `conform`, which every public step ends in.

Inside the pipeline one ``record_key`` stands for (source, record_id): ``source + "\\x1f" + record_id``; it sorts as the
pair does. Outside (contract tables) pairs carry both sides' source and record_id.
"""

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from siamese_er.errors import SchemaMismatch

KEY_SEPARATOR = "\x1f"
STRING = StringType()
STRINGS = ArrayType(STRING)
LONGS = ArrayType(LongType())


def table(**columns: DataType) -> StructType:
    """A StructType of nullable columns in the order given."""
    return StructType([StructField(name, kind, True) for name, kind in columns.items()])


# Text columns of the contract that may hold several values; inside they are always arrays (empty = missing).
MULTIVALUED = (
    "given_name", "middle_name", "family_name", "name_suffix", "full_name", "former_family_name", "mother_maiden_name",
    "birth_date", "death_date", "sex", "national_id", "mrn", "phone", "email", "address_line", "city", "state",
    "postal_code", "country",
)  # fmt: skip
# Columns of the contract with one value, as text ("true"/"false" for flags).
SINGLE_VALUED = ("multiple_birth", "birth_order", "deleted", "sensitivity", "race", "ethnicity", "language")
IDENTIFIERS = ArrayType(table(system=STRING, type=STRING, value=STRING))

RECORDS = table(
    record_key=STRING, source=STRING, record_id=STRING,
    **{name: STRINGS for name in MULTIVALUED},
    **{name: STRING for name in SINGLE_VALUED},
    identifiers=IDENTIFIERS,
    updated_at=TimestampType(),
    extra=MapType(STRING, STRING),  # unknown input columns ride along under their own names
)  # fmt: skip
"""One row for each living record; raw values, as written."""

HISTORY = RECORDS
"""Earlier versions of records re-sent with the same key."""

NOTES = table(record_key=STRING, note_id=STRING, note_date=STRING, note_type=STRING, text=STRING)
QUARANTINE = table(source_path=STRING, position=STRING, source=STRING, record_id=STRING, reason=STRING)

# Standardised values: lower-case ASCII, arrays without nulls, blanks or duplicates, in input order; empty = missing.
STANDARD_COLUMNS = (
    "given_names", "middle_names", "family_names", "former_family_names", "maiden_names", "suffixes", "birth_dates",
    "invalid_birth_dates", "death_dates", "sexes", "national_ids", "invalid_national_ids", "scoped_identifiers",
    "phones", "emails", "addresses", "cities", "states", "postal_codes", "countries", "birth_orders", "name_marks",
    "value_faults",
)  # fmt: skip
STANDARDISED = table(record_key=STRING, source=STRING, record_id=STRING, **{name: STRINGS for name in STANDARD_COLUMNS})
"""One row for each record; see ``siamese_er/fields`` for the normal form of each column."""

EMBEDDINGS = table(
    record_key=STRING,
    field_vectors=BinaryType(), record_vector=BinaryType(), note_vector=BinaryType(),
    note_terms=BinaryType(), note_births=STRINGS, note_sexes=STRINGS, note_names=STRINGS, chart_facts=STRINGS,
    wrong_chart=BooleanType(), note_digests=BinaryType(), note_own_vectors=BinaryType(),
)  # fmt: skip
"""Vectors of one record: int8, see ``neural/encoder.py`` for the layout; null vector = nothing to encode. note_terms is
the signed hash of clinical terms; note_births ("1950:1951", first and last year), note_sexes and note_names
("given|family") are what its notes state, null = nothing. wrong_chart: a note contradicts its own record and was left
out; null = no notes; chart_facts is what such notes state ("born 1950:1951", "sex m", "name ann|lee"). note_digests and
note_own_vectors: of each of its notes that count the keyed digest of what is left of it (16 bytes) and the vector, for the
next run (``neural/kept_notes.py``)."""

CHUNKS = table(chunk=LongType(), group=IntegerType(), part=IntegerType(), content=BinaryType(), codes=BinaryType())
"""Records by the thousand (``linkage/chunks.py``): one row with the content (part -1), and one for each part of the code
space with the codes of the chunk's blocking keys and values. group is the group of records that the chunk belongs to."""

PLACES = table(record_key=STRING, chunk=LongType(), wrong_chart=BooleanType())
"""The chunk that holds each record; wrong_chart as in EMBEDDINGS."""

CODE_COUNTS = table(
    chunk=LongType(), group=IntegerType(), part=IntegerType(), counts=BinaryType(),
    blocking_pass=IntegerType(), n_records=LongType(), n_blocks=LongType(), n_pairs=LongType(), digest=STRING,
)  # fmt: skip
"""How often each code of a chunk and part occurs in the whole table (int32, in the order of the codes). Rows without a
chunk report blocks that are too large; digest names one block, null stands for n_blocks others."""

HELD_CODES = table(part=IntegerType(), codes=BinaryType(), n_holders=BinaryType())
"""Of records beside some chunks, by part: their codes, or how many of them hold each code of these chunks (int64, in the
order of the codes, each once)."""

MEETING_SUMS = table(blocking_pass=IntegerType(), n_pairs=LongType(), n_squares=DoubleType())
"""Of a pass, over some of its blocks: the sum of their pairs, and of the squares of that."""

PARTED = table(part=IntegerType(), kind=IntegerType(), content=BinaryType())
"""Rows on their way through a shuffle (``parted.py``): Arrow messages of those of one part, and which table they are of."""

PAIR_TASKS = table(
    task=IntegerType(), is_within=BooleanType(), group=IntegerType(), chunk=LongType(), part=IntegerType(),
    content=BinaryType(),
)  # fmt: skip
"""What each task needs to form the pairs of two groups of records, and those within a group (is_within): contents of chunks
(part -1) and their counts."""

COMPARED_PAIRS = table(
    left_key=STRING, right_key=STRING, blocking_passes=LongType(), n_pairs=LongType(), levels=BinaryType(),
    measures=BinaryType(),
)  # fmt: skip
"""Candidate pairs, each once, with what comparing found: one byte a comparison, and float16 measures (``score.py``).
blocking_passes is a bit mask over ``linkage.keys.PASS_NAMES``. n_pairs is 1; a row without keys stands for n_pairs
pairs that were looked at and not kept."""

FIRST_SCORES = table(
    left_key=STRING, right_key=STRING, blocking_passes=LongType(), levels=BinaryType(), measures=BinaryType(),
    first_weight=DoubleType(), bare_weight=DoubleType(),
)  # fmt: skip
"""COMPARED_PAIRS that the first round of the pair head does not rule out; first_weight is its log2 odds, bare_weight the
same without what notes say."""

CONTEXTS = table(**{field.name: field.dataType for field in FIRST_SCORES.fields}, context=BinaryType(),
                 soft=ArrayType(LongType()))  # fmt: skip
"""FIRST_SCORES with what the other pairs of both records say: ``linkage.context.pair_context`` as float32, and in
millionths p (1 - p), p * shared partners, p * partners of one side alone, p."""

EVIDENCE = ArrayType(table(field=STRING, comparison=STRING, similarity=DoubleType(), weight=DoubleType()))
SCORED_PAIRS = table(
    left_source=STRING, left_record_id=STRING, right_source=STRING, right_record_id=STRING,
    match_probability=DoubleType(), match_weight=DoubleType(), band=STRING,
    vetoes=STRINGS, blocking_passes=STRINGS, evidence=EVIDENCE,
)  # fmt: skip
"""Candidate pairs at or above the floor. match_probability is calibrated, 0..1; match_weight is its log2 odds and the
sum of the evidence weights (bits)."""

SCORES = table(
    left_key=STRING, right_key=STRING, match_probability=DoubleType(), match_weight=DoubleType(),
    vetoes=STRINGS, blocking_passes=STRINGS, evidence=EVIDENCE,
)  # fmt: skip
"""SCORED_PAIRS before the decision: record keys instead of sources and ids, no band."""

DECISIONS = table(left_key=STRING, right_key=STRING, decision=STRING, reviewer=STRING, decided_at=STRING, reason=STRING)
"""People's decisions, the latest of each pair; left_key <= right_key; decision is match or no_match. Of a record and itself:
the answer to a question about that record, one person's or not."""

DECISION_CONFLICTS = table(
    conflict=IntegerType(), decision=STRING, left_source=STRING, left_record_id=STRING, right_source=STRING,
    right_record_id=STRING, reviewer=STRING, decided_at=STRING, reason=STRING,
)  # fmt: skip
"""Decisions that contradict one another, by number: a no_match, and the matches over which its two records are joined."""

LABELS = table(left_key=STRING, right_key=STRING, is_match=BooleanType(), weight=DoubleType())
"""Labelled pairs, each once; left_key < right_key. weight is an importance weight above 0 (1: a random sample)."""

LINKS = table(left_key=STRING, right_key=STRING, match_weight=DoubleType(), match_probability=DoubleType(),
              band=STRING, vetoes=STRINGS, is_verified=BooleanType())  # fmt: skip
"""Scored pairs in the form that clustering takes: every pair above the floor, any band. is_verified is true for a
person's match, false for a person's no_match, null where nobody decided. match_weight and match_probability are null where only
a decision brought the pair in."""

MEMBERSHIPS = table(record_key=STRING, cluster_key=STRING)
"""Each living record once; cluster_key is the smallest record_key of its cluster."""

CUTS = table(left_key=STRING, right_key=STRING, match_probability=DoubleType(), reason=STRING)
"""Auto links that the guard refused, for review."""

ENTERPRISE_IDS = table(record_key=STRING, enterprise_id=STRING, previous_enterprise_id=STRING)
CROSSWALK = table(
    source=STRING, record_id=STRING, enterprise_id=STRING, link_status=STRING, run_id=STRING,
    valid_from=STRING, valid_to=STRING, previous_enterprise_id=STRING,
)  # fmt: skip
GOLDEN_FIELDS = (
    *(name for name in MULTIVALUED if name != "full_name"),
    "multiple_birth", "birth_order", "race", "ethnicity", "language",
)  # fmt: skip
PROVENANCE = MapType(STRING, table(source=STRING, record_id=STRING, rule=STRING))
GOLDEN_RECORDS = table(
    enterprise_id=STRING,
    **{name: STRING for name in GOLDEN_FIELDS},
    identifiers=IDENTIFIERS,
    n_records=IntegerType(), sources=STRINGS,
    provenance=PROVENANCE,
    alternates=MapType(STRING, STRINGS),
    conflicts=STRINGS,
    extra=MapType(STRING, STRING),
)  # fmt: skip
CLUSTERS = table(
    enterprise_id=STRING, n_records=IntegerType(), n_sources=IntegerType(), min_link_probability=DoubleType(),
    density=DoubleType(), has_conflict=BooleanType(), suspected_overlay=BooleanType(),
)  # fmt: skip
REVIEW_QUEUE = table(
    task_id=STRING, kind=STRING, left_source=STRING, left_record_id=STRING, right_source=STRING, right_record_id=STRING,
    enterprise_ids=STRINGS, match_probability=DoubleType(), reason=STRING, priority=DoubleType(),
)  # fmt: skip
QUESTIONS = table(
    task_id=STRING, kind=STRING, left_source=STRING, left_record_id=STRING, right_source=STRING, right_record_id=STRING,
    enterprise_ids=STRINGS, match_probability=DoubleType(), reason=STRING, priority=DoubleType(),
    first_id=STRING, second_id=STRING,
)  # fmt: skip
"""All that could be asked, of which REVIEW_QUEUE is the most valuable part; first_id and second_id are its enterprise_ids."""
ENTERPRISE_ID_HISTORY = table(
    enterprise_id=STRING, event=STRING, other_enterprise_id=STRING, run_id=STRING, reason=STRING
)

FIRST_WEIGHTS = table(left_key=STRING, right_key=STRING, first_weight=DoubleType())
"""FIRST_SCORES as kept for the next run."""

LEARNED = table(name=STRING, shape=ArrayType(IntegerType()), numbers=ArrayType(DoubleType()))
"""What a run learned about its table: one row for each number or array."""

NOTE_COUNTS = table(kind=STRING, bucket=LongType(), n=LongType())
"""What recurs in the notes of a table: boilerplate sentences, terms, records with notes; by hash."""

GROUPED = table(record_key=STRING, cluster_key=STRING, component_key=STRING)
"""MEMBERSHIPS with the component of links that the cluster was cut from; component_key is null without links."""

ANSWERS = table(left_key=STRING, right_key=STRING, match_probability=DoubleType())
"""Pairs between clusters that a person keeps apart, as they were scored when the person answered."""

RECORD_DOUBTS = table(record_key=STRING, reason=STRING, evidence=STRING, answered=STRING)
"""Records in doubt by themselves. evidence is a hash of the reason and of all that the record, its earlier versions and its
notes say, null (as is the reason) where the doubt is over; answered is that of what a person saw who answered, null where
nobody did."""

CROSSWALK_HISTORY = CROSSWALK
"""Crosswalk rows that hold no longer; valid_to says until when they did."""

PROPOSALS = table(
    proposal_id=STRING, kind=STRING, source=STRING, record_id=STRING, other_source=STRING, other_record_id=STRING,
    enterprise_id=STRING, match_probability=DoubleType(), basis=STRING,
)  # fmt: skip
"""What source systems may want to do; see ``proposals.py``."""

PUBLISHED = {
    "crosswalk": CROSSWALK, "scored_pairs": SCORED_PAIRS, "golden_records": GOLDEN_RECORDS, "clusters": CLUSTERS,
    "review_queue": REVIEW_QUEUE, "quarantine": QUARANTINE, "enterprise_id_history": ENTERPRISE_ID_HISTORY,
}  # fmt: skip
"""The tables of the contract, by name."""

KPIS = table(run_id=STRING, started=STRING, status=STRING, kpi=STRING, value=DoubleType(), unit=STRING)
"""Key figures of all runs, kept under OUTPUT/kpis; one row for each run and figure, null where it is not known."""


def no_rows(spark: SparkSession, schema: StructType) -> DataFrame:
    """An empty table that plans know to be empty: what is joined with it costs nothing."""
    nulls = [F.lit(None).cast(field.dataType).alias(field.name) for field in schema.fields]
    return spark.range(0).select(*nulls).limit(0)


def conform(frame: DataFrame, schema: StructType) -> DataFrame:
    """The frame with exactly the schema's columns in its order; runs no job.

    Nullability is not compared: Spark infers it unreliably.

    Raises: SchemaMismatch, listing all missing columns and all wrong types at once.
    """
    actual = {field.name: field.dataType for field in frame.schema.fields}
    faults = [f"missing column {field.name}" for field in schema.fields if field.name not in actual]
    faults += [
        f"{field.name} is {actual[field.name].simpleString()}, not {field.dataType.simpleString()}"
        for field in schema.fields
        if field.name in actual and actual[field.name].simpleString() != field.dataType.simpleString()
    ]
    if faults:
        raise SchemaMismatch("; ".join(faults))
    return frame if frame.columns == schema.names else frame.select(*schema.names)


def keys_of_sides() -> dict[str, Column]:
    """left_key and right_key of SCORED_PAIRS."""
    sides = ("left", "right")
    return {f"{side}_key": F.concat_ws(KEY_SEPARATOR, f"{side}_source", f"{side}_record_id") for side in sides}
