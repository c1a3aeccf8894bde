"""Column expressions that turn raw columns of any type into the contract's text, lists, times and identifiers."""

import json
from collections.abc import Callable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    MapType,
    NullType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
    TimestampType,
    VariantType,
)

from siamese_er.schemas import IDENTIFIERS
from siamese_er.sources.mapping import Placement, bare
from siamese_er.sources.tables import RawTable

STRINGS = "array<string>"
NO_DATE_PART = ("nat", "nan", "none", "null", "na", "n/a", "unknown", "?", "-")
NOT_BLANK = r"(?U)\S"
EDGES = r"(?U)^\s+|\s+$"
LEAST_PRINTED, MOST_PRINTED = "!", "~"
"""The first and the last character of ASCII that one sees; order and comparison are those of bytes."""
TRUE_WORDS = ("true", "t", "yes", "y", "1")
FALSE_WORDS = ("false", "f", "no", "n", "0")


def is_nested(kind: DataType) -> bool:
    """True for types that are neither one text nor a list of texts."""
    if isinstance(kind, ArrayType):
        return isinstance(kind.elementType, ArrayType | MapType | StructType | VariantType)
    return isinstance(kind, MapType | StructType | VariantType)


def text(value: Column, kind: DataType) -> Column:
    """One scalar as text: ISO dates, a date where a timestamp is a midnight, whole numbers without a fraction."""
    if isinstance(kind, StringType):
        return value
    if isinstance(kind, DoubleType | FloatType | DecimalType):
        whole = value.try_cast("decimal(38,0)")
        plain = F.when(whole == value, whole.cast("string")).otherwise(value.cast("string"))
        return plain if isinstance(kind, DecimalType) else F.when(~F.isnan(value), plain)
    if isinstance(kind, TimestampType | TimestampNTZType):
        day = value.cast("date")
        return F.when(day.cast(kind) == value, day.cast("string")).otherwise(value.cast("string"))
    if isinstance(kind, BinaryType):
        return F.try_validate_utf8(value.cast("string"))
    return F.lit(None).cast("string") if isinstance(kind, NullType) else value.cast("string")


def begins_printed(value: Column) -> Column:
    """Whether the first character is one of ASCII that one sees: most are, and then no regular expression is asked."""
    return value.between(LEAST_PRINTED, MOST_PRINTED)


def is_present(value: Column) -> Column:
    """Whether a text is neither null nor blank."""
    return begins_printed(value) | value.rlike(NOT_BLANK)


def present(values: Column) -> Column:
    """The list without nulls and blanks; an empty list where the list is null."""
    kept = F.filter(values, lambda value: value.isNotNull() & value.rlike(NOT_BLANK))
    return F.coalesce(kept, no_texts())


def no_texts() -> Column:
    """An empty list."""
    return F.array().cast(STRINGS)


def trimmed(value: Column) -> Column:
    """A text without blanks around it, which are looked for where an end is not one of ASCII that one sees."""
    is_trim = begins_printed(value) & begins_printed(F.right(value, F.lit(1)))
    return F.when(is_trim, value).otherwise(F.regexp_replace(value, EDGES, ""))


def texts(table: RawTable, name: str) -> Column:
    """All values of one raw column as a list of texts, as written; blank ones are missing.

    In JSON lines a value that is itself a list of texts is that list.
    """
    value, kind = table.column(name), table.kind(name)
    if isinstance(kind, ArrayType):
        element = kind.elementType
        return present(F.transform(value, lambda item: text(item, element)) if element != StringType() else value)
    if is_plain(table, kind):
        return F.when(is_present(value), F.array(value)).otherwise(no_texts())
    single = F.array(text(value, kind))
    if table.layout != "json":
        return present(single)
    return present(F.when(value.startswith("["), F.coalesce(F.from_json(value, STRINGS), single)).otherwise(single))


def is_plain(table: RawTable, kind: DataType) -> bool:
    """Whether each value of a column is one text, as written. Such are most; what is made of them is compiled whole."""
    return isinstance(kind, StringType) and table.layout != "json"


def first_text(table: RawTable, name: str) -> Column:
    """The first value of one raw column, without blanks around it; null where there is none."""
    value = table.column(name)
    if is_plain(table, table.kind(name)):
        return F.when(is_present(value), trimmed(value))
    return F.regexp_replace(F.get(texts(table, name), F.lit(0)), EDGES, "")


def placed_texts(table: RawTable, placement: Placement) -> Column:
    """All values of one contract column as a list of texts; empty where it is missing."""
    if placement.how == "date_parts":
        return present(F.array(birth_date(table, dict(placement.parts))))
    if placement.how == "address_parts":
        return present(F.array(address_line(table, dict(placement.parts))))
    lists = [texts(table, column) for column in placement.columns]
    if placement.how == "several":
        return F.array_distinct(F.concat(*lists))
    if placement.how == "joined":
        return present(F.array(F.concat_ws(" ", *lists)))
    if placement.how == "first_present":
        return F.when(F.size(lists[0]) > 0, lists[0]).otherwise(lists[1])
    return lists[0]


def once(value: Column, made: Callable[[Column], Column]) -> Column:
    """``made(value)`` with the value computed once; Spark repeats an expression wherever it is mentioned, and code
    that grows past 64 KB is no longer compiled."""
    return F.get(F.transform(F.array(value), made), F.lit(0))


def birth_date(table: RawTable, parts: dict[str, str]) -> Column:
    """Year, month and day joined as far as they are known: YYYY-MM-DD, YYYY-MM, YYYY, or --MM-DD without a year.

    Impossible dates stay, as near misses (1931-04-72). A day of zero, and a month of zero without a day, mean unknown.
    """
    numbers = F.struct(*[date_part(table, parts.get(part)).alias(part) for part in ("year", "month", "day")])
    return once(numbers, known_date)


def known_date(numbers: Column) -> Column:
    """The date of a struct of year, month and day, as far as it is known."""
    year = F.when(~numbers["year"].rlike("^0+$"), numbers["year"])
    day = F.when(~numbers["day"].rlike("^0+$"), F.lpad(numbers["day"], 2, "0"))
    month = F.when(~numbers["month"].rlike("^0+$") | day.isNotNull(), padded(numbers["month"]))
    return (
        F.when(year.isNotNull() & month.isNotNull(), F.concat_ws("-", year, month, day))
        .when(year.isNotNull(), year)
        .when(month.isNotNull() & day.isNotNull(), F.concat(F.lit("--"), month, F.lit("-"), day))
    )


def padded(number: Column) -> Column:
    """Two digits where there is one; anything longer, such as a month's name, as it is."""
    return F.when(F.length(number) < 2, F.lpad(number, 2, "0")).otherwise(number)


def date_part(table: RawTable, name: str | None) -> Column:
    """One part of a date, null where its column is absent, blank or a word for nothing; ``4.0`` is ``4``."""
    if name is None:
        return F.lit(None).cast("string")
    value = F.regexp_replace(first_text(table, name), r"\.0+$", "")
    return once(value, lambda part: F.when(~F.lower(part).isin(*NO_DATE_PART), part))


def address_line(table: RawTable, parts: dict[str, str]) -> Column:
    """Number, street and unit joined; "PO Box n" where they are missing and a box is given; null without any."""
    line = F.concat_ws(" ", *[first_text(table, parts[part]) for part in ("number", "street", "unit") if part in parts])
    line = F.nullif(line, F.lit(""))
    if "po_box" not in parts:
        return line
    box = once(
        first_text(table, parts["po_box"]),
        lambda box: F.when(box.rlike(r"^\w+$"), F.concat(F.lit("PO Box "), box)).otherwise(box),
    )
    return F.coalesce(line, box)


def flag(value: Column) -> Column:
    """``true`` or ``false`` where the text says so in another spelling, else the text as written."""

    def spelt(word: Column) -> Column:
        is_true, is_false = F.lower(word).isin(*TRUE_WORDS), F.lower(word).isin(*FALSE_WORDS)
        return F.when(is_true, F.lit("true")).when(is_false, F.lit("false")).otherwise(word)

    return once(value, spelt)


def time(table: RawTable, name: str) -> Column:
    """The moment a raw column tells; null where its text is none (the row stays)."""
    kind = table.kind(name)
    if isinstance(kind, TimestampType | TimestampNTZType | DateType):
        return table.column(name).cast("timestamp")

    def told(written: Column) -> Column:
        compact = F.when(written.rlike(r"^\d{8}$"), F.try_to_timestamp(written, F.lit("yyyyMMdd")))
        return F.coalesce(compact, F.when(~written.rlike(r"^\d{5,}$"), F.try_to_timestamp(written)))

    return once(first_text(table, name), told)


def identifiers(table: RawTable, name: str) -> Column | None:
    """The list of (system, type, value), entries without a value left out; null where the type is another."""
    value, kind = table.column(name), table.kind(name)
    if isinstance(kind, StringType):
        written = F.from_json(value, IDENTIFIERS)
    elif isinstance(kind, ArrayType) and isinstance(kind.elementType, StructType):
        fields = {bare(field.name): field for field in kind.elementType.fields}
        if "value" not in fields:
            return None
        written = F.transform(value, lambda item: identifier(item, fields))
    else:
        return None
    kept = F.filter(written, lambda item: item["value"].rlike(NOT_BLANK))
    return F.coalesce(kept, F.array().cast(IDENTIFIERS))


def identifier(item: Column, fields: dict[str, StructField]) -> Column:
    """One identifier of a foreign struct; parts it does not have are null."""
    parts = []
    for part in ("system", "type", "value"):
        field = fields.get(part)
        value = F.lit(None).cast("string")
        if field is not None and not is_nested(field.dataType):
            value = text(item[field.name], field.dataType)
        parts.append(value.alias(part))
    return F.struct(*parts)


def extra(table: RawTable, names: Sequence[str], max_characters: int) -> Column:
    """The unplaced columns under their own names as text, nested ones as JSON, each cut at ``max_characters``.

    Null where all are blank."""
    if not names:
        return F.lit(None).cast("map<string,string>")
    listed = F.from_json(F.lit(json.dumps(list(names))), STRINGS)
    if table.layout == "json":
        keyed = F.map_filter("fields", lambda name, _: F.array_contains(listed, name))
    elif table.layout == "csv":
        places = F.from_json(F.lit(json.dumps([table.columns.index(name) for name in names])), "array<int>")
        keyed = F.map_from_arrays(listed, F.transform(places, lambda place: F.get("values", place)))
    else:
        keyed = F.map_from_arrays(listed, F.array(*[any_text(table, name) for name in names]))
    kept = F.map_filter(keyed, lambda _, value: value.rlike(NOT_BLANK))
    cut = F.transform_values(kept, lambda _, value: F.substring(value, 1, max_characters))
    return F.when(F.size(cut) > 0, cut)


def any_text(table: RawTable, name: str) -> Column:
    """A raw column of any type as text; lists and structs as JSON."""
    value, kind = table.column(name), table.kind(name)
    return F.to_json(value) if is_nested(kind) or isinstance(kind, ArrayType) else text(value, kind)
