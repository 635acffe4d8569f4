"""What kind of thing a clerk looks for, as a small drawing beside its name. A picture of the thing itself lies with its
retailer, and a till's browser asks no stranger for anything; so the kind is read from its category and title. Pure."""

import re
from typing import Final, Literal

Kind = Literal["shoes", "clothes", "bag", "electronics", "book", "home", "beauty", "toy", "sport", "thing"]
WORDS: Final[tuple[tuple[Kind, str], ...]] = (
    ("shoes", "shoe boot sneaker sandal slipper heel footwear sko støvle stiefel schuh skor stövel sandaler"),
    (
        "electronics",
        "electronic elektroni phone telefon headphone headset kopfhörer høretelefon laptop notebook tablet camera"
        " kamera charger cable kabel ladegerät keyboard monitor speaker højttaler lautsprecher watch",
    ),
    (
        "clothes",
        "cloth apparel garment fashion jacket coat shirt blouse dress skirt trouser pants jeans sweater jumper hoodie"
        " cardigan sock underwear bra lingerie swimwear bikini scarf glove hat cap tøj jakke frakke skjorte bluse kjole"
        " nederdel bukser strømpe tørklæde klær genser bukse kläder jacka byxor tröja klänning strumpa kleidung jacke"
        " mantel hemd kleid rock hose pullover socke schal mütze",
    ),
    ("bag", "handbag backpack rucksack suitcase luggage wallet purse taske rygsæk kuffert väska tasche koffer"),
    ("book", "book bog bok buch novel calendar kalender"),
    ("beauty", "beauty cosmetic perfume cream shampoo makeup lotion kosmetik parfume parfüm creme hudpleie"),
    ("toy", "toy game puzzle lego doll legetøj leketøy leksak spiel puppe"),
    ("sport", "sport ball racket yoga fitness tennis football fodbold fotball fußball ski bicycle cykel fahrrad"),
    (
        "home",
        "home kitchen lamp chair table cushion blanket towel mug plate furniture decor hjem køkken lampe stol pude"
        " tæppe håndklæde kök kudde filt möbel küche stuhl kissen decke handtuch tasse",
    ),
)
_BEGINS: Final = tuple((kind, tuple(words.split())) for kind, words in WORDS)


def kind_of_thing(category: str | None, title: str) -> Kind:
    """The category counts before the title. A word may go on (`jackets`, `Regenjacke`): endings differ by language, and
    German puts the thing last."""
    for text in (category or "", title):
        said = re.findall(r"[^\W\d_]+", text.lower())
        for kind, known in _BEGINS:
            if any(_is(word, one) for word in said for one in known):
                return kind
    return "thing"


def _is(word: str, known: str) -> bool:
    if len(known) < 4:
        return word in (known, f"{known}s")
    return word.startswith(known) or (len(known) > 4 and word.endswith((known, *(f"{known}{end}" for end in "enr"))))
