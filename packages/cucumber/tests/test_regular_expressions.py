import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suitkaise.cucumber import SerializationError, deserialize, serialize


def facts(match):
    return (
        match.regs,
        match.groups(),
        match.groupdict(),
        match.pos,
        match.endpos,
        match.lastindex,
        match.lastgroup,
        match.string,
        match.re.pattern,
    )


@pytest.mark.comes_back("re.Match", how="the same match, found again")
@pytest.mark.parametrize(
    "match",
    [
        re.search(r"(?P<first>\w+) (\w+)?", "...hello world"),
        re.match(r"a|ab", "abc"),
        re.fullmatch(r"a|ab", "ab"),
        re.compile(r"(?<=x)y").search("xyxy", 2),
        re.compile(r"b").match("abc", 1, 2),
        list(re.finditer(r"\d(\d)?", "1 22 3 44"))[2],
        list(re.finditer(r"", "abc"))[1],
        re.search(rb"(b)", b"abc"),
        re.search(r"(x)?(a)", "a", re.IGNORECASE),
    ],
)
def test_a_match_is_the_same(match):
    copy = deserialize(serialize(match))

    assert type(copy) is re.Match
    assert facts(copy) == facts(match)
    assert copy.expand(r"[\g<0>]" if isinstance(match.string, str) else rb"[\g<0>]") == (
        match.expand(r"[\g<0>]" if isinstance(match.string, str) else rb"[\g<0>]")
    )
    assert copy[0] == match[0]


@given(st.text("ab1 ", max_size=12), st.sampled_from([r"\w+", r"a*", r"(a)|(b)", r"(?=b)", r"a?b"]))
def test_every_match_in_a_text_is_the_same(text, pattern):
    matches = list(re.finditer(pattern, text))

    assert list(map(facts, deserialize(serialize(matches)))) == list(map(facts, matches))


def test_all_matches_of_a_text_are_found_in_one_search():
    pattern, text = re.compile("ab"), "ab" * 20_000  # each by itself would take minutes
    matches = list(pattern.finditer(text))

    payload = serialize([matches[::-1], text])
    copies, text_copy = deserialize(payload)

    assert [copy.span() for copy in copies] == [match.span() for match in matches[::-1]]
    assert copies[0].string is copies[-1].string is text_copy
    assert copies[0].re is copies[-1].re


@pytest.mark.comes_back("re.Scanner", how="with its lexicon and flags")
def test_a_scanner_works():
    scanner = re.Scanner([(r"\d+", lambda _, word: int(word)), (r"\s", None)], re.VERBOSE)

    copy = deserialize(serialize(scanner))

    assert copy.scan("1 22 x") == ([1, 22], "x")
    assert copy.scanner.flags == scanner.scanner.flags


def test_a_match_that_is_not_found_again_is_refused_with_the_remedy():
    scanner = re.compile("aa").scanner("aaa")
    scanner.search()
    match = re.compile("aa").scanner("aaa", 1).search()
    odd = re.compile("a|aa").scanner("aaa")
    odd.match()

    assert deserialize(serialize(match)).span() == (1, 3)
    assert deserialize(serialize(odd.match())).span() == (1, 2)


def test_what_finditer_returned_is_consumed():
    found = re.finditer(r"\d", "1 2 3")
    next(found)

    assert [match[0] for match in deserialize(serialize(found))] == ["2", "3"]
    assert list(found) == []


@pytest.mark.comes_back("re.Pattern", how="with its flags")
def test_a_pattern_keeps_its_flags():
    assert deserialize(serialize(re.compile("a", re.IGNORECASE))).match("A")


def test_a_match_in_a_text_that_was_changed_is_refused():
    text = bytearray(b"abc")
    match = re.search(b"b", text)
    text[1:2] = b"x"

    with pytest.raises(SerializationError, match="groupdict"):
        serialize(match)
