"""The records of whole people, as `golden_rows.golden_batch` reads them: put together from three tables by two shuffles.

What travels are columns in Arrow messages, cut by the hash of a key (``parted.py``): records, their normal forms and
their enterprise ids meet by record_key, then the records of a person meet by enterprise_id. Source: the hash join and
the grouping by exchange of parallel databases (Graefe, Query evaluation techniques for large databases, ACM Computing
Surveys 1993), with batches of columns for rows.
"""

from collections.abc import Iterator
from functools import reduce

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from siamese_er.errors import without_values
from siamese_er.golden_values import STANDARD_OF, one_array
from siamese_er.parted import in_parts, parted, rows_by_kind
from siamese_er.schemas import GOLDEN_FIELDS, MULTIVALUED, PARTED
from siamese_er.whole_files import OF_VERSIONS, living

STEP = "survive"
RECORD, STANDARD, PERSON = range(3)
"""Kinds of rows that meet."""
NEVER = 2**62
"""Recency of a record without updated_at."""
OF_RECORD = (
    "record_key", "source", "record_id", "sensitivity", "updated_at", *GOLDEN_FIELDS, "full_name", "identifiers", "extra",
    *OF_VERSIONS,
)  # fmt: skip
OF_STANDARD = ("record_key", "name_marks", *STANDARD_OF.values())
OF_PERSON = ("record_key", "enterprise_id", "is_verified")
TEXTS, MARK = pa.list_(pa.string()), "test"
EXTRA = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))
IDENTIFIERS = pa.list_(pa.struct([("system", pa.string()), ("type", pa.string()), ("value", pa.string())]))


def members(
    records: DataFrame, standardised: DataFrame, ids: DataFrame, verified: DataFrame | None, n_parts: int
) -> DataFrame:
    """PARTED, all rows of a part in one partition: the records of all people but test patients, each person's in one part.

    In: RECORDS or ranked versions of them, STANDARDISED, each as rows or as whole files (`whole_files.rows_of`);
    ENTERPRISE_IDS; record_key, is_verified of the records that a person joined, null: nobody asks.
    """
    named = ids.select("record_key", "enterprise_id")
    if verified is None:
        people = named.withColumn("is_verified", F.lit(False))
    else:
        people = named.join(verified, "record_key", "left").withColumn(
            "is_verified", F.coalesce("is_verified", F.lit(False))
        )
    sides = [
        parted(frame, STEP, kind, n_parts, "record_key", form, columns)
        for frame, kind, form, columns in (
            (records, RECORD, record_rows, OF_RECORD),
            (standardised, STANDARD, standard_rows, OF_STANDARD),
            (people, PERSON, person_rows, OF_PERSON),
        )
    ]

    @without_values(STEP)
    def met(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        rows = rows_by_kind(batches)
        if rows.keys() == {RECORD, STANDARD, PERSON}:
            yield in_parts(joined(rows[RECORD], rows[STANDARD], rows[PERSON]), "enterprise_id", n_parts)

    of_record = reduce(DataFrame.unionAll, sides).repartitionById(n_parts, "part")
    return of_record.mapInArrow(met, PARTED).repartitionById(n_parts, "part")


def in_order(batches: Iterator[pa.RecordBatch]) -> pa.Table | None:
    """The records of one part, by enterprise_id and record_key; null where it has none. In: PARTED."""
    rows = rows_by_kind(batches).get(RECORD)
    if rows is None:
        return None
    keys = [("enterprise_id", "ascending"), ("record_key", "ascending")]
    return rows.take(pc.sort_indices(rows, sort_keys=keys))


def record_rows(rows: pa.Table) -> pa.Table:
    """What a golden record takes of RECORDS; of versions those that are the latest of a living record."""
    rows = living(rows)
    sensitivity = pc.utf8_lower(pc.utf8_trim(rows["sensitivity"], " "))
    micros = rows["updated_at"].cast(pa.timestamp("us", rows.schema.field("updated_at").type.tz)).cast(pa.int64())
    columns = {
        **{name: rows[name] for name in ("record_key", "source", "record_id")},
        "is_restricted": pc.fill_null(pc.equal(sensitivity, "restricted"), False),
        "recency": pc.fill_null(pc.negate(micros), NEVER),
        **{name: filled(rows[name]) for name in MULTIVALUED},
        **{name: rows[name] for name in GOLDEN_FIELDS if name not in MULTIVALUED},
        "identifiers": rows["identifiers"].cast(IDENTIFIERS),
        "extra": entries(one_array(rows["extra"])),
    }
    return pa.table(columns)


def standard_rows(rows: pa.Table) -> pa.Table:
    """What a golden record takes of STANDARDISED, of all but test patients."""
    marks = one_array(rows["name_marks"])
    is_test = np.zeros(rows.num_rows, bool)
    hits = pc.equal(pc.list_flatten(marks), MARK).to_numpy(zero_copy_only=False)
    is_test[pc.list_parent_indices(marks).to_numpy()[hits]] = True
    kept = rows.filter(pa.array(~is_test))
    return pa.table({"record_key": kept["record_key"], **{name: filled(kept[name]) for name in STANDARD_OF.values()}})


def person_rows(rows: pa.Table) -> pa.Table:
    """The rows as they are."""
    return rows.select(list(OF_PERSON))


def joined(records: pa.Table, standards: pa.Table, people: pa.Table) -> pa.Table:
    """The records of which there are all three, with the columns of all."""
    places = [pc.index_in(records["record_key"], value_set=one_array(own["record_key"])) for own in (standards, people)]
    here = pc.and_(*(pc.is_valid(place) for place in places))
    found = records.filter(here)
    for own, place in zip((standards, people), places, strict=True):
        beside = own.drop_columns(["record_key"]).take(place.filter(here))
        for name, column in zip(beside.column_names, beside.columns, strict=True):
            found = found.append_column(name, column)
    return found


def filled(lists: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of lists of texts, a list that is null as an empty one."""
    return pc.coalesce(lists, pa.scalar([], lists.type)).cast(TEXTS)


def entries(maps: pa.MapArray) -> pa.ListArray:
    """The entries of each map as a list; none of a map that is null."""
    maps = pc.coalesce(maps, pa.scalar([], maps.type))
    pairs = pa.StructArray.from_arrays([maps.keys.cast(pa.string()), maps.items.cast(pa.string())], ["key", "value"])
    return pa.ListArray.from_arrays(maps.offsets, pairs).cast(EXTRA)
