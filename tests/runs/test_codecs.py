"""The codecs of a Parquet file, read before Arrow sees it."""

import io
from contextlib import suppress

import pyarrow
import pyarrow.parquet
import pytest
from made_up_runs import describe, outcome, spec

from amrobust.runs.curves import SNAPPY, codecs, decode, encode
from amrobust.runs.validators import CorruptRun


def written(**options):
    sink = io.BytesIO()
    table = pyarrow.table({"a": [1, 2, 3] * 100, "b": ["x", "y", "z"] * 100, "c": [[1.0]] * 300})
    pyarrow.parquet.write_table(table, sink, **options)
    return sink.getvalue()


NUMBERS = {"none": 0, "snappy": 1, "gzip": 2, "brotli": 4, "zstd": 6}


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("group", [7, 1000])
def test_it_is_what_the_file_was_written_with(name, group):
    assert codecs(written(compression=name, row_group_size=group)) == {NUMBERS[name]}


def test_columns_may_have_different_ones():
    assert codecs(written(compression={"a": "snappy", "b": "zstd"})) >= {1, 6}


def test_every_cut_and_every_changed_byte_is_read_or_refused():
    data = written()
    for place in range(len(data)):
        for bad in (data[:place], data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]):
            with suppress(ValueError):
                codecs(bad)


def test_a_codec_that_arrow_does_not_know_never_reaches_it():
    """Arrow's accessor of a column's codec ends the process on one that it does not know."""
    facts = describe(spec())
    data = encode({seed: outcome(seed).curves for seed in range(3)}, facts)
    assert codecs(data) == {SNAPPY}
    unknown = 0
    for place in range(len(data) - 8 - int.from_bytes(data[-8:-4], "little"), len(data) - 8):
        bad = data[:place] + b"\x7e" + data[place + 1 :]
        try:
            unknown += max(codecs(bad)) > 7
        except ValueError:
            continue
        if max(codecs(bad)) > 7:
            with pytest.raises(CorruptRun, match="compressed"):
                decode(bad, (0, 1, 2), facts)
    assert unknown
