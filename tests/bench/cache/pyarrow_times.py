"""Answers JSON lines with times of pyarrow: {"type": "load" | "write" | "read" | "version", ...}."""

import json
import sys
import time
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_PER_GROUP = 10_000
table: pa.Table | None = None


def load(path: str) -> dict:
    global table
    table = pq.read_table(path).combine_chunks()
    return {}


def write(path: str, codec: str, tuned: bool) -> None:
    options: dict = {"compression": codec, "row_group_size": ROWS_PER_GROUP}
    if tuned:
        # No dictionaries, whole row groups as pages, floats byte by byte where a codec follows.
        split = [f.name for f in table.schema if "float" in str(f.type)] if codec != "none" else []
        paths = [f"{n}.list.element" if "list" in str(table.schema.field(n).type) else n for n in split]
        options |= {
            "use_dictionary": False,
            "write_statistics": False,
            "data_page_size": 2**24,
            "use_byte_stream_split": paths,
        }
        if codec == "zstd":
            options["compression_level"] = 1
    pq.write_table(table, path, **options)


def read(path: str) -> None:
    pq.read_table(path, use_threads=False)


def timed(work: Callable[[], object]) -> dict:
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {
        "wallMs": (time.perf_counter() - wall) * 1e3,
        "cpuMs": (time.process_time() - cpu) * 1e3,
    }


for line in sys.stdin:
    request = json.loads(line)
    match request.pop("type"):
        case "version":
            answer = {"version": pa.__version__}
        case "load":
            answer = load(**request)
        case "write":
            answer = timed(lambda: write(**request))
        case "read":
            answer = timed(lambda: read(**request))
        case other:
            sys.exit(f"no such request: {other}")
    print(json.dumps(answer), flush=True)
