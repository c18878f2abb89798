"""The rule for names."""

import unicodedata

import pytest

from stackfold.domain.errors import InvalidName
from stackfold.domain.name import valid_name


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "7",
        "prod",
        "Prod-EU.v2_final",
        "2026.10",
        "a-",
        "a.",
        "größe",
        "данные",
        "数据",
        "مخزن",
        "Ωmega",
        "a" * 64,
        "数" * 64,
    ],
)
def test_a_name_is_letters_digits_and_three_marks(name):
    assert valid_name("stack", name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        " a",
        "a ",
        "a b",
        "a/b",
        "a\\b",
        "*",
        "a*",
        "-dash",
        ".hidden",
        "_under",
        "a\n",
        "\na",
        "a\tb",
        "a\0b",
        "a:b",
        "a,b",
        "a=b",
        "a@b",
        "{a}",
        "🚀",
        "a\u200bb",
        "a\u202eb",
        "\udcff",
        "a" * 65,
        "数" * 65,
    ],
)
def test_anything_else_is_refused_in_one_line(name):
    with pytest.raises(InvalidName) as refusal:
        valid_name("stack", name)
    text = str(refusal.value)
    assert text.startswith(f"{name!r} cannot name a stack: use 1 to 64 characters")
    assert "\n" not in text


def test_the_article_fits_the_noun():
    with pytest.raises(InvalidName, match="cannot name an artifact store"):
        valid_name("artifact store", "")


def test_names_are_compared_in_normal_form():
    composed = "größe"
    decomposed = unicodedata.normalize("NFD", composed)
    assert decomposed != composed
    assert valid_name("stack", decomposed) == composed


def test_the_length_is_that_of_the_normal_form():
    decomposed = "e\u0301" * 64
    assert valid_name("stack", decomposed) == "é" * 64
    with pytest.raises(InvalidName):
        valid_name("stack", "e\u0301" * 65)
