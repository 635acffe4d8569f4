"""Every text that people read has a translation in every language, with the same gaps. `make words` brings the
catalogues up to the code; docs/languages.md says how to go on from there."""

import importlib.util
import json
import re
from functools import lru_cache
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog, Message

from dropoff.web import languages

ROOT = Path(__file__).parents[2]
TRANSLATED = [name for name in languages.LANGUAGES if name != languages.SOURCE]
GAP = re.compile(r"%\(\w+\)[sd]|%[sd]|(?<!\{)\{\w+\}")
"""Of Python and of the templates, and those in braces that scripts fill."""


@lru_cache(maxsize=1)
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_words", ROOT / "docs" / "words.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@lru_cache(maxsize=1)
def texts() -> Catalog:
    found: Catalog = tool().texts()
    return found


def held(language: str) -> Catalog:
    catalog: Catalog = tool().read(language)
    return catalog


def forms(message: Message) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The English ones and the translated ones."""
    english = (message.id,) if isinstance(message.id, str) else tuple(message.id)
    other = (message.string,) if isinstance(message.string, str) else tuple(message.string)
    return english, other


def gaps(text: str) -> list[str]:
    return sorted(GAP.findall(text))


def test_texts_are_found_in_python_in_templates_and_in_the_tables_of_the_scripts() -> None:
    current = texts()
    assert len(current) > 1_000
    for text in ("Ready to hand in", "Skip to the content", "Put it into bag {bag}."):
        assert current.get(text) is not None, text


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_is_without_a_translation_and_nothing_is_left_over(language: str) -> None:
    catalog, current = held(language), texts()
    wanted = {(str(message.id), message.context) for message in current if message.id}
    have = {(str(message.id), message.context) for message in catalog if message.id}
    assert sorted(map(str, wanted - have)) == [], "run `make words`, then translate (docs/languages.md)"
    assert sorted(map(str, have - wanted)) == [], "run `make words`"
    empty = [message.id for message in catalog if message.id and not tool().is_translated(message)]
    assert empty == [], "translate these (docs/languages.md)"
    assert [message.id for message in catalog if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_gaps_of_the_text_and_no_sign_that_would_end_an_attribute(language: str) -> None:
    for message in held(language):
        if not message.id:
            continue
        english, other = forms(message)
        assert len(english) == len(other), message.id
        for one, said in zip(english, other, strict=True):
            assert gaps(said) == gaps(one), (one, said)
            assert not re.search('["<>&]', said), said
            assert (one[:1].isspace(), one[-1:].isspace()) == (said[:1].isspace(), said[-1:].isspace()), (one, said)


def test_every_language_of_ours_counts_in_one_and_many() -> None:
    for language in TRANSLATED:
        catalog = held(language)
        assert (catalog.num_plurals, catalog.plural_expr) == (2, "(n != 1)"), language


def test_the_package_carries_the_catalogues() -> None:
    """They lie inside it and nothing leaves them out, so that a wheel and an image have them as a checkout has."""
    inside = Path(languages.__file__).parent
    for language in TRANSLATED:
        assert tool().path_of(language).is_relative_to(inside)
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8") + (ROOT / ".dockerignore").read_text(encoding="utf-8")
    assert not re.search(r"\.po\b|locales", ignored)


@pytest.mark.parametrize("language", languages.LANGUAGES)
def test_the_tills_script_is_told_everything_in_its_language(language: str) -> None:
    from dropoff.receiving.till_script import script_words

    with languages.speaking(languages.SOURCE):
        english = json.loads(script_words())
    with languages.speaking(language):
        told = json.loads(script_words())
    assert told.keys() == english.keys()
    assert told["results"].keys() == english["results"].keys()
    for name, result in told["results"].items():
        assert (result["tone"], result["icon"]) == (english["results"][name]["tone"], english["results"][name]["icon"])
        assert gaps(str(result)) == gaps(str(english["results"][name])), name
    same = [name for name, said in told["says"].items() if said == english["says"][name]]
    assert language == languages.SOURCE or len(same) < 5, same
