"""read_tables.py READER FOLDER: what one library makes of every table under FOLDER.

Beside each table's folder `rows` lies expected.json: columns, values and footer. Floats stand there
as the 32 bits they are made of, so that equal means equal.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np


@dataclass
class Table:
    """What a library makes of a folder of Parquet files."""

    types: dict[str, str]
    values: dict[str, list[Any]]
    # None where the library does not show it.
    footers: list[dict[str, str]] | None = None
    nullable: list[str] | None = None


def read_pyarrow(folder: Path) -> Table:
    import pyarrow as pa
    import pyarrow.dataset
    import pyarrow.parquet

    def type_name(kind: pa.DataType) -> str:
        if pa.types.is_list(kind):
            return f"list<{type_name(kind.value_type)}>"
        return {"string": "utf8"}.get(str(kind), str(kind))

    def footer(file: str) -> dict[str, str]:
        pairs = pyarrow.parquet.read_metadata(file).metadata or {}
        return {key.decode(): value.decode() for key, value in pairs.items()}

    dataset = pyarrow.dataset.dataset(folder)
    table = dataset.to_table()
    table.validate(full=True)
    return Table(
        types={field.name: type_name(field.type) for field in dataset.schema},
        values=table.to_pydict(),
        footers=[footer(file) for file in dataset.files],
        nullable=[field.name for field in dataset.schema if field.nullable],
    )


def read_polars(folder: Path) -> Table:
    import polars as pl

    def type_name(kind: pl.DataType) -> str:
        if isinstance(kind, pl.List):
            return f"list<{type_name(kind.inner)}>"
        names = {"String": "utf8", "Float32": "float"}
        return names.get(str(kind), str(kind).lower())  # Int32, UInt8, UInt16

    table = pl.scan_parquet(folder).collect()
    return Table(
        types={name: type_name(kind) for name, kind in table.schema.items()},
        values=table.to_dict(as_series=False),
        footers=[pl.read_parquet_metadata(file) for file in files_of(folder)],
    )


def read_duckdb(folder: Path) -> Table:
    import duckdb

    names = {
        "VARCHAR": "utf8",
        "INTEGER": "int32",
        "UTINYINT": "uint8",
        "USMALLINT": "uint16",
        "FLOAT": "float",
    }

    def type_name(kind: str) -> str:
        return f"list<{type_name(kind[:-2])}>" if kind.endswith("[]") else names.get(kind, kind)

    def footer(file: Path) -> dict[str, str]:
        query = "select decode(key), decode(value) from parquet_kv_metadata(?)"
        return dict(duckdb.execute(query, [str(file)]).fetchall())

    relation = duckdb.read_parquet(f"{folder}/*.parquet")
    rows = relation.fetchall()
    return Table(
        types={
            name: type_name(str(kind))
            for name, kind in zip(relation.columns, relation.types, strict=True)
        },
        values={name: [row[i] for row in rows] for i, name in enumerate(relation.columns)},
        footers=[footer(file) for file in files_of(folder)],
    )


def read_pandas(folder: Path) -> Table:
    import pandas as pd

    frame = pd.read_parquet(folder)
    names = {"str": "utf8", "float32": "float", "float64": "int32 with nulls"}

    def type_name(column: pd.Series) -> str:
        if column.dtype == object:
            return f"list<{names.get(str(column[0].dtype), str(column[0].dtype))}>"
        return names.get(str(column.dtype), str(column.dtype))

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.tolist()
        return None if pd.isna(value) else value

    return Table(
        types={name: type_name(frame[name]) for name in frame.columns},
        values={name: [plain(value) for value in frame[name]] for name in frame.columns},
    )


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def float_bits(values: list[float]) -> list[int]:
    return np.asarray(values, np.float32).view(np.uint32).tolist()


def comparable(kind: str, values: list[Any]) -> list[Any]:
    if kind == "float":
        return float_bits(values)
    return [float_bits(row) for row in values] if kind == "list<float>" else values


def compare(what: str, found: Any, expected: Any) -> None:
    if found == expected:
        return
    if isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        row = next(i for i, value in enumerate(found) if value != expected[i])
        what, found, expected = f"{what}, row {row}", found[row], expected[row]
    sys.exit(f"{what}: {str(found)[:300]} is not {str(expected)[:300]}")


def check(reader: str, rows: Path) -> int:
    expected = json.loads((rows.parent / "expected.json").read_text())
    table = READERS[reader](rows)
    types: dict[str, str] = expected["types"]
    values: dict[str, list[Any]] = expected["values"]
    shown = dict(types)
    if reader == "pandas":
        holed = [name for name in types if types[name] == "int32" and None in values[name]]
        shown |= {name: "int32 with nulls" for name in holed}
    compare(f"{rows}: column types", table.types, shown)
    for name, kind in types.items():
        compare(f"{rows}: {name}", comparable(kind, table.values[name]), values[name])
    if table.nullable is not None:
        compare(f"{rows}: nullable columns", table.nullable, expected["nullable"])
    for footer in table.footers or []:
        compare(f"{rows}: footer", footer, expected["footer"])
    return len(values["example_id"]) * len(types)


READERS: dict[str, Callable[[Path], Table]] = {
    "pyarrow": read_pyarrow,
    "polars": read_polars,
    "duckdb": read_duckdb,
    "pandas": read_pandas,
}

if __name__ == "__main__":
    _, reader, folder = sys.argv
    counts = [check(reader, file.parent / "rows") for file in Path(folder).rglob("expected.json")]
    print(json.dumps({"tables": len(counts), "values": sum(counts)}))
