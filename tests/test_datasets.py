"""The texts are whole, as they were when their numbers were printed, and without markup."""

import hashlib

import pytest

from xentlib.datasets import LANGUAGES, load_declaration


@pytest.mark.parametrize(
    ("language", "digest"),
    [("en", "15d645c5aa1bf34f"), ("fr", "76e34f2c9aa38661")],
)
def test_the_text_is_the_pinned_one(language, digest):
    text = load_declaration(language)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == digest


@pytest.mark.parametrize("language", LANGUAGES)
def test_both_languages_hold_the_thirty_articles_and_no_markup(language):
    lines = load_declaration(language).splitlines()
    articles = [line for line in lines if line.lower().startswith("article ") and len(line) < 17]
    assert len(articles) == 30
    assert not [line for line in lines if set("<>&") & set(line)]


def test_another_language_is_refused():
    with pytest.raises(ValueError, match="language must be one of en, fr, got 'de'"):
        load_declaration("de")
