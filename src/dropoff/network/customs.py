"""Where goods need customs papers, return or not: whenever they leave a territory within which they travel without.
Pure; by countries alone.

Sources: Regulation (EU) 952/2013, article 4 (the Union with Monaco); the customs treaty of Switzerland and
Liechtenstein of 1923; the customs and excise agreement of the United Kingdom and the Isle of Man of 1979. Where two
countries share a tariff and still ask for papers (Turkey, San Marino, Åland, the Channel Islands) there is a border:
a paper too many costs a minute, one too few a parcel. A part of a country that stands apart (the Canary Islands,
Northern Ireland) cannot be told by the country's code.
"""

from typing import Final

TERRITORIES: Final = (
    frozenset({
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT"),
        *("LT", "LU", "LV", "MC", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }),
    frozenset({"CH", "LI"}),
    frozenset({"GB", "IM"}),
    frozenset({"PR", "US"}),
)  # fmt: skip


def crosses_border(origin: str, destination: str) -> bool:
    """Of two countries (ISO 3166-1 alpha-2)."""
    return origin != destination and not any(origin in land and destination in land for land in TERRITORIES)
