"""Brings the catalogues of src/dropoff/web/locales up to the texts that stand in the code and the templates.

    python docs/words.py

A new text comes in without a translation, one that stands nowhere any more goes out, and what is translated stays as it
is. `tests/unit/test_catalogues.py` fails when a text has no translation, and names it.
"""

import re
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.pofile import read_po, write_po

from dropoff.web.languages import DOMAIN, LANGUAGES, LOCALES, SOURCE

ROOT = Path(__file__).resolve().parent.parent
WHERE = ROOT / "src" / "dropoff"
SPEAKS = re.compile(r"^from dropoff\.web(\.languages)? import|languages\.N_", re.MULTILINE)
"""Modules that mark texts; the others need no look."""
TEMPLATES = {"silent": "false", "trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}
COMMENT = "For translators:"
KEYWORDS = {**DEFAULT_KEYWORDS, "NN_": (1, 2), "plural": (1, 2)}


def texts() -> Catalog:
    """All that stand in the code, with the files they stand in."""
    found = Catalog(domain=DOMAIN, fuzzy=False)
    for path in sorted(WHERE.rglob("*.py")):
        if SPEAKS.search(path.read_text(encoding="utf-8")):
            _add(found, path, "python", {})
    for path in sorted((WHERE / "web" / "templates").rglob("*.html")):
        _add(found, path, "jinja2", TEMPLATES)
    return found


def _add(found: Catalog, path: Path, method: str, options: dict[str, str]) -> None:
    where = [(path.relative_to(WHERE).as_posix(), 0)]
    for _, message, comments, context in extract_from_file(method, path, KEYWORDS, [COMMENT], options):
        found.add(message, None, where, auto_comments=comments, context=context)


def is_translated(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)


def path_of(language: str) -> Path:
    return LOCALES / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def read(language: str) -> Catalog:
    if not path_of(language).exists():
        return Catalog(locale=language, domain=DOMAIN)
    with path_of(language).open("rb") as file:
        return read_po(file, locale=language, domain=DOMAIN)


def brought_up(language: str, current: Catalog) -> Catalog:
    held = read(language)
    fresh = Catalog(locale=language, domain=DOMAIN, project="dropoff", version="1", fuzzy=False)
    for message in current:
        if not message.id:
            continue
        former = held.get(message.id, message.context)
        same = former is not None and type(former.id) is type(message.id)
        fresh.add(
            message.id,
            former.string if same else None,
            message.locations,
            auto_comments=message.auto_comments,
            user_comments=former.user_comments if same else (),
            context=message.context,
        )
    return fresh


def write(catalog: Catalog, path: Path) -> None:
    """Sorted by text and without dates and line numbers, so that two who add texts seldom meet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, include_lineno=False, omit_header=True)
    body = path.read_text(encoding="utf-8")
    head = f'msgid ""\nmsgstr ""\n"Language: {catalog.locale}\\n"\n"Content-Type: text/plain; charset=utf-8\\n"\n'
    plural = '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
    path.write_text(f"{head}{plural}\n{body}", encoding="utf-8")


def main() -> None:
    current = texts()
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        catalog = brought_up(language, current)
        write(catalog, path_of(language))
        missing = sum(bool(one.id) and not is_translated(one) for one in catalog)
        print(f"{language}: {len(catalog)} texts, {missing} without a translation")


if __name__ == "__main__":
    main()
