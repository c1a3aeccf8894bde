"""Files as raw tables: one table for all files with the same columns, bad rows marked with a reason, none dropped.

CSV is parsed as ISO-8859-1, where each byte is one character, and its fields are turned back into bytes and read as
UTF-8. So one row with foreign bytes is marked and the others are sound; UTF-8 never hides a comma or a quote in a byte.
JSON lines are parsed as maps, so that fields may come and go from line to line.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StringType, StructField, StructType

from siamese_er.errors import ContractFault
from siamese_er.schemas import KEY_SEPARATOR
from siamese_er.sources.inputs import Footer, Header, InputFile, bare_path, csv_header, escaped, parquet_footer

BAD_ROW = "_bad_row"
MAX_LINE_BYTES = 1 << 25  # of JSON; parsing holds several copies, and an executor may have 1 GB
MAX_TEXT = str(2**31 - 1)
JSON_OPTIONS = {"maxStringLen": MAX_TEXT}


@dataclass(frozen=True)
class RawTable:
    """Rows of files that share their columns.

    ``rows`` holds the values (CSV: the list ``values``; JSON lines: the map ``fields``; Parquet: ``c0``, ``c1`` ..., as
    foreign names may hold anything), then ``source_path``, ``block``, ``mark`` (ascending within a block of a file) and
    ``reason`` (null for a sound row). Lists and maps keep the plan of a table of a thousand columns small.
    """

    paths: tuple[str, ...]
    layout: str
    columns: tuple[str, ...]
    rows: DataFrame

    def column(self, name: str) -> Column:
        """The raw column of this foreign name."""
        if self.layout == "json":
            return F.col("fields").getItem(name)
        position = self.columns.index(name)
        return F.col(f"c{position}") if self.layout == "parquet" else F.get("values", F.lit(position))

    def kind(self, name: str) -> DataType:
        """The type of the raw column of this foreign name."""
        return self.rows.schema[f"c{self.columns.index(name)}"].dataType if self.layout == "parquet" else StringType()


def raw_tables(
    spark: SparkSession,
    files: Sequence[InputFile],
    is_header: Callable[[Sequence[str]], bool],
    is_ambiguous: Callable[[Sequence[str]], bool],
) -> list[RawTable]:
    """The tables of these files; files without a row of data give none.

    Only JSON lines need a job, to learn their field names. ``is_header`` says whether the first line of a CSV can be
    a header; ``is_ambiguous`` whether the fields of all JSON files together claim a contract column twice, in which
    case each file is mapped on its own.

    Raises: ContractFault listing every unreadable, headless or ill-named file.
    """
    faults: list[str] = []
    headers: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    footers: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for file in files:
        try:
            if file.layout == "csv" and (header := sound_header(spark, file, is_header)) is not None:
                headers.setdefault((header.separator, header.columns), []).append(file.path)
            elif file.layout == "parquet" and (footer := footer_with_rows(spark, file)) is not None:
                footers.setdefault((footer.schema, footer.columns), []).append(file.path)
        except ContractFault as fault:
            faults += fault.faults
    if faults:
        raise ContractFault(faults)
    tables = [csv_table(spark, paths, columns, separator) for (separator, columns), paths in headers.items()]
    tables += [parquet_table(spark, paths, columns) for (_, columns), paths in footers.items()]
    return tables + json_tables(spark, [f.path for f in files if f.layout == "json" and f.n_bytes], is_ambiguous)


def sound_header(spark: SparkSession, file: InputFile, is_header: Callable[[Sequence[str]], bool]) -> Header | None:
    """The header of a CSV file with rows; null without rows. Never quotes what may be a patient's line."""
    header = csv_header(spark, file) if file.n_bytes else None
    if header is not None and not is_header(header.columns):
        raise ContractFault(
            f"{file.path}: the first line ({len(header.columns)} fields) is not a header: no known column name in it"
        )
    return header if header is not None and header.has_rows else None


def footer_with_rows(spark: SparkSession, file: InputFile) -> Footer | None:
    """The footer of a Parquet file with rows; null without rows."""
    footer = parquet_footer(spark, file)
    return footer if footer.n_rows else None


def csv_table(spark: SparkSession, paths: Sequence[str], columns: tuple[str, ...], separator: str) -> RawTable:
    """CSV files with one header; quoted line breaks allowed, so each file is one task."""
    names = [f"c{position}" for position in range(len(columns))]
    schema = StructType([StructField(name, StringType()) for name in (*names, BAD_ROW)])
    rows = (
        spark.read.schema(schema)
        .options(header=True, sep=separator, quote='"', escape='"', multiLine=True, encoding="ISO-8859-1")
        .options(mode="PERMISSIVE", columnNameOfCorruptRecord=BAD_ROW, columnPruning=False)
        .options(maxCharsPerColumn=-1, maxColumns=max(20_480, 2 * len(columns)))
        .csv([escaped(path) for path in paths])
    )
    own = F.slice(F.array("*"), 1, len(columns))
    decoded = rows.select(
        F.transform(own, lambda value: F.encode(value, "ISO-8859-1").cast("string")).alias("values"),
        *places(),
        F.col(BAD_ROW).isNotNull().alias(BAD_ROW),
    )
    reason = F.when(F.col(BAD_ROW), F.lit("wrong_field_count")).when(~is_utf8(["values"]), F.lit("bad_encoding"))
    return RawTable(tuple(paths), "csv", columns, decoded.withColumn("reason", reason).drop(BAD_ROW))


def parquet_table(spark: SparkSession, paths: Sequence[str], columns: tuple[str, ...]) -> RawTable:
    """Parquet files with one schema, types as they are."""
    rows = spark.read.parquet(*[escaped(path) for path in paths])
    types = {field.name: field.dataType for field in rows.schema.fields}
    names = [f"c{position}" for position in range(len(columns))]
    of_texts = (StringType(), ArrayType(StringType()))
    texts = [name for name, column in zip(names, columns, strict=True) if types[column] in of_texts]
    named = rows.select(
        *[F.col(f"`{column.replace('`', '``')}`").alias(name) for name, column in zip(names, columns, strict=True)],
        F.col("_metadata.file_path").alias("source_path"),
        F.lit(0).cast("long").alias("block"),
        F.col("_metadata.row_index").alias("mark"),
    )
    reason = F.when(~is_utf8(texts), F.lit("bad_encoding"))
    return RawTable(tuple(paths), "parquet", columns, named.withColumn("reason", reason))


def json_tables(
    spark: SparkSession, paths: Sequence[str], is_ambiguous: Callable[[Sequence[str]], bool]
) -> list[RawTable]:
    """JSON-lines files as one table with the fields of all, or one for each file where the fields are ambiguous."""
    if not paths:
        return []
    lines = json_lines(spark, paths)
    found = lines.select("source_path", F.explode(F.map_keys("fields")).alias("field")).distinct().collect()
    fields: dict[str, set[str]] = {}
    for row in found:
        fields.setdefault(row["source_path"], set()).add(row["field"])
    union = sorted(set().union(*fields.values()))
    if len(paths) == 1 or not is_ambiguous(union):
        return [json_table(lines, paths, union)] if fields or has_rows(lines) else []
    singles = [(path, json_lines(spark, [path])) for path in paths]
    read = {path: sorted(own) for path, own in fields.items()}
    return [json_table(own_lines, [path], fields_of(read, path)) for path, own_lines in singles]


def fields_of(read: dict[str, list[str]], path: str) -> list[str]:
    """The fields found in one file; Spark spells the path of a local file in its own way (``file:///``)."""
    return next((own for name, own in read.items() if bare_path(name) == bare_path(path)), [])


def json_lines(spark: SparkSession, paths: Sequence[str]) -> DataFrame:
    """Each line that is not blank with its fields as text (null where it is too long or not exactly one JSON object)."""
    value = F.col("value")
    objects = F.from_json(value, "map<string,string>", JSON_OPTIONS)
    is_short = F.octet_length(value) <= MAX_LINE_BYTES
    is_one = F.json_array_length(F.concat(F.lit("["), value, F.lit("]"))) == 1
    return (
        spark.read.text([escaped(path) for path in paths])
        .select(value, *places())
        .where(F.when(is_short, value.rlike(r"\S")).otherwise(True))
        .select(
            F.when(is_short, F.when(F.is_valid_utf8(value) & is_one, objects)).alias("fields"),
            (~is_short).alias("is_long"),
            (~F.is_valid_utf8(value)).alias("is_foreign"),
            *kept_places(),
        )
    )


def json_table(lines: DataFrame, paths: Sequence[str], fields: Sequence[str]) -> RawTable:
    """The lines as a table; each field is text, or the JSON text of what is nested."""
    reason = (
        F.when(F.col("is_long"), F.lit("line_too_long"))
        .when(F.col("is_foreign"), F.lit("bad_encoding"))
        .when(F.col("fields").isNull(), F.lit("unparsable_line"))
    )
    rows = lines.select(
        "fields",
        *kept_places(),
        reason.alias("reason"),
    )
    return RawTable(tuple(paths), "json", tuple(fields), rows)


def has_rows(rows: DataFrame) -> bool:
    """True where there is at least one row; runs a short job."""
    return not rows.isEmpty()


def places() -> list[Column]:
    """File, block of the file (its first byte) and a number that ascends within the block."""
    return [
        F.col("_metadata.file_path").alias("source_path"),
        F.col("_metadata.file_block_start").alias("block"),
        F.monotonically_increasing_id().alias("mark"),
    ]


def kept_places() -> list[Column]:
    """The columns that `places` made."""
    return [F.col("source_path"), F.col("block"), F.col("mark")]


def is_utf8(values: Iterable[str]) -> Column:
    """True where every text, and every element of every list of texts, is valid UTF-8 or null.

    They are looked at as one text: with a character of one byte between them, none completes what another left broken.
    """
    return F.is_valid_utf8(F.concat_ws(KEY_SEPARATOR, *[F.col(name) for name in values]))


def positions(table: RawTable, bad_rows: DataFrame) -> DataFrame:
    """The bad rows with ``position``: ``row index N`` (Parquet, from 0), ``row N`` (CSV, from 1 after the header) or
    ``line N`` (JSON lines, from 1, blank ones included).

    Blocks of a split file are numbered on: the rows of each block are counted once, by file and block.
    """
    if table.layout == "parquet":
        return bad_rows.withColumn("position", F.concat(F.lit("row index "), F.col("mark").cast("string")))
    blocks = table.rows if table.layout == "csv" else unfiltered(table)
    counted = blocks.groupBy("source_path", "block").agg(
        F.min("mark").alias("first_mark"), F.count("*").alias("n_rows")
    )
    before = Window.partitionBy("source_path").orderBy("block").rowsBetween(Window.unboundedPreceding, -1)
    starts = counted.withColumn("n_before", F.coalesce(F.sum("n_rows").over(before), F.lit(0))).drop("n_rows")
    number = F.col("mark") - F.col("first_mark") + F.col("n_before") + 1
    word = "row " if table.layout == "csv" else "line "
    return (
        bad_rows.join(F.broadcast(starts), on=["source_path", "block"], how="left")
        .withColumn("position", F.concat(F.lit(word), number.cast("string")))
        .drop("first_mark", "n_before")
    )


def unfiltered(table: RawTable) -> DataFrame:
    """Places of all lines of JSON-lines files, blank ones too."""
    spark = table.rows.sparkSession
    return spark.read.text([escaped(path) for path in table.paths]).select(*places())
