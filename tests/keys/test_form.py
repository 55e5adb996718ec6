"""A key's form: what it is made of, and what is refused without a look-up."""

from __future__ import annotations

import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usage.keys import ALPHABET, checksum, digest, make_key, presented_key, well_formed

BODY = "pbk_0123456789abcdefghijklmnopqrstuv"
KEY = f"{BODY}{checksum(BODY)}".encode()
POSITIONS = st.integers(0, 41)


def test_a_key_is_pbk_then_32_characters_of_chance_then_6_of_checksum():
    key = make_key()
    assert key.startswith("pbk_")
    assert len(key) == 42
    assert set(key[4:]) <= set(string.ascii_letters + string.digits)
    assert key != make_key()


def test_the_checksum_is_crc32_in_base62_most_significant_digit_first():
    body = "pbk_" + "0" * 32
    value = 0
    for character in checksum(body):
        value = value * 62 + ALPHABET.index(character)
    assert value == zlib.crc32(body.encode())


def test_a_fresh_key_is_well_formed():
    assert all(well_formed(make_key().encode()) for _ in range(100))


@given(POSITIONS, st.sampled_from(ALPHABET))
def test_a_key_with_one_character_mistyped_is_not_well_formed(position, character):
    wrong = KEY[:position] + character.encode() + KEY[position + 1 :]
    assert well_formed(wrong) is (wrong == KEY)


@given(st.integers(0, 40))
def test_a_key_with_two_neighbours_swapped_is_not_well_formed(position):
    wrong = bytearray(KEY)
    wrong[position], wrong[position + 1] = wrong[position + 1], wrong[position]
    assert well_formed(bytes(wrong)) is (bytes(wrong) == KEY)


@pytest.mark.parametrize(
    "key",
    [b"", b"pbk_", KEY[:-1], KEY + b"0", KEY + b"\n", b"sk-" + KEY[4:], KEY[:-1] + b"\xc3"],
    ids=["empty", "prefix", "cut", "longer", "line end", "another prefix", "not ascii"],
)
def test_what_has_another_shape_is_not_well_formed(key):
    assert not well_formed(key)


@given(st.binary(max_size=60))
def test_no_bytes_whatever_break_the_check(key):
    well_formed(key)


def test_a_digest_depends_on_the_whole_key_and_the_pepper():
    assert digest(b"a" * 32, KEY) == digest(b"a" * 32, KEY)
    assert digest(b"a" * 32, KEY) != digest(b"b" * 32, KEY)
    assert digest(b"a" * 32, KEY) != digest(b"a" * 32, KEY[:-1] + b"!")


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({b"authorization": b"Bearer " + KEY}, b""),
        ({b"authorization": b"bearer  " + KEY}, b""),
        ({b"x-api-key": KEY}, b""),
        ({b"api-key": KEY}, b""),
        ({b"x-goog-api-key": KEY}, b""),
        ({}, b"key=" + KEY),
        ({}, b"alt=sse&key=" + KEY),
        ({b"authorization": b"Bearer sk-ant-something", b"x-api-key": KEY}, b""),
        ({b"authorization": b"Basic eDp5", b"x-api-key": b"sk-1", b"api-key": KEY}, b""),
    ],
)
def test_a_key_is_found_wherever_a_vendor_s_client_puts_it(headers, query):
    assert presented_key(headers, query) == KEY


def test_the_first_place_that_holds_a_key_of_ours_counts():
    other = make_key().encode()
    headers = {b"x-api-key": other, b"authorization": b"Bearer " + KEY}
    assert presented_key(headers, b"key=" + other) == KEY


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, b""),
        ({b"authorization": KEY}, b""),
        ({b"authorization": b"Bearer"}, b""),
        ({b"x-api-key": b"sk-ant-1"}, b""),
        ({b"cookie": b"key=" + KEY}, b""),
        ({}, b"apikey=" + KEY),
    ],
)
def test_what_is_no_key_of_ours_is_no_key(headers, query):
    assert presented_key(headers, query) is None
