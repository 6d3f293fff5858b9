"""job.json is read by one reader on host and helper: what it takes, what it refuses, and the sentence, are the same."""

from __future__ import annotations

import itertools
import json
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bmsrescue.agent.files import shared_dir
from bmsrescue.twin.helper.process import find_interpreter
from rescuelink.errors import JobError
from rescuelink.job_text import MAX_JOB_BYTES, check_size, parse_job

# What it says, worked out by hand from the text.
REFUSED = {
    b"": "job.json, line 1: the file ends early",
    b'{"a": 1': "job.json, line 1: the file ends early",
    b'{"a": 1, "a": 1}': 'job.json, line 1: "a" is given twice',
    b'{\n "policy": {\n  "consent": [],\n  "consent": ["wrp"]}}': 'job.json, line 4: "consent" is given twice',
    b'{"a": NaN}': "job.json, line 1: no JSON value begins here",
    b'{"a": +1}': "job.json, line 1: no JSON value begins here",
    b'{"a": 01}': "job.json, line 1: 01 is no number",
    b'{"a": 1.}': "job.json, line 1: 1. is no number",
    b'{"a": 1}\n{"b": 2}': "job.json, line 2: something follows the end",
    b'{"a": [1 2]}': "job.json, line 1: a comma is missing",
    b'{"a" 1}': "job.json, line 1: a colon is missing",
    b'{"a": "x': "job.json, line 1: a text has no end",
    b'{"a": "\\q"}': "job.json, line 1: no such escape in a text",
    b'{"a": "\\ud83d"}': "job.json, line 1: half a character in a text",
    b'{"a": "x\ny"}': "job.json, line 1: a line end or control character in a text",
    b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}": "job.json, line 1: objects are nested too deep",
    b'{"a": ' + b"9" * 6000 + b"}": "job.json, line 1: a number of 6000 characters",
    b"[1]": "job.json holds no JSON object",
    b"\xff\xfe{\x00": "job.json is UTF-16 text",
    b'{"a": "\xe4"}': "job.json is not UTF-8 text",
    b'{"a": "\xed\xa0\x80"}': "job.json is not UTF-8 text",
    b'{"a": "\xc0\x80"}': "job.json is not UTF-8 text",
    b'{"a": [' + b",".join([b"{}"] * 400) + b"]}": "job.json, line 1: more than 400 values",
    b" " * (MAX_JOB_BYTES + 1): f"job.json has {MAX_JOB_BYTES + 1} bytes, a helper reads {MAX_JOB_BYTES} at most",
}
TAKEN = {
    b"\xef\xbb\xbf{}": {},
    b' {"a" : [ 1 , -2, {"b":null}, true, false ] }\r\n': {"a": [1, -2, {"b": None}, True, False]},
    '{"ger\u00e4t": "\\u00e9 \\ud83d\\ude00 \\"\\\\"}'.encode(): {"ger\u00e4t": '\u00e9 \U0001f600 "\\'},
}
ON_THE_HELPER = """
import sys
sys.path.insert(0, %r)
from rescuelink.errors import JobError
from rescuelink.job_text import parse_job
for data in eval(sys.stdin.read()):
    try:
        parse_job(data)
        print("taken")
    except JobError as error:
        print(error.message)
"""

keys = st.text(st.characters(codec="utf-8"), max_size=8)
leaves = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | keys
documents = st.dictionaries(
    keys,
    st.recursive(leaves, lambda of: st.lists(of, max_size=4) | st.dictionaries(keys, of, max_size=4), max_leaves=9),
    max_size=5,
)


@pytest.mark.parametrize("data", list(REFUSED), ids=range(len(REFUSED)))
def test_what_is_no_job_is_refused_with_its_line(data: bytes) -> None:
    with pytest.raises(JobError) as refused:
        parse_job(data)
    assert refused.value.message == REFUSED[data]
    assert refused.value.next_step


@pytest.mark.parametrize("data", list(TAKEN), ids=range(len(TAKEN)))
def test_byte_order_mark_escapes_and_white_space_are_taken(data: bytes) -> None:
    assert parse_job(data) == TAKEN[data]


@settings(max_examples=200, deadline=None)
@given(documents, st.sampled_from([None, 2]), st.booleans())
def test_what_another_writer_wrote_is_read_as_it_was_meant(
    document: dict[str, object], indent: int | None, ascii_only: bool
) -> None:
    def depth(value: object) -> int:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return 1 + max(map(depth, inner), default=0) if isinstance(value, (dict, list)) else 0

    data = json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode()
    if depth(document) <= 8:
        assert parse_job(data) == document


def test_the_helper_says_the_same_in_the_same_words(tmp_path: Path) -> None:
    script = tmp_path / "read.py"
    script.write_text(ON_THE_HELPER % str(shared_dir()))
    cases = [*REFUSED, *TAKEN]
    said = subprocess.run(
        [find_interpreter(), script], input=repr(cases), capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.splitlines() == [*REFUSED.values(), *(["taken"] * len(TAKEN))]


def test_a_size_is_refused_before_the_file_is_read() -> None:
    with pytest.raises(JobError, match="16385 bytes"):
        check_size(MAX_JOB_BYTES + 1)
    check_size(MAX_JOB_BYTES)


def test_numbers_are_those_of_json_and_no_others() -> None:
    for length in range(1, 5):
        for characters in itertools.product("+-.01eE", repeat=length):
            text = f'{{"a": {"".join(characters)}}}'
            try:
                meant = json.loads(text)["a"]
            except ValueError:
                meant = None
            try:
                read = parse_job(text.encode())["a"]
            except JobError:
                read = None
            assert read == meant, text
