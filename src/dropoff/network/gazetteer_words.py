"""Words that a gazetteer file does not hold: what others call a town or a country, and the signs before postcodes.

Seven languages are kept here: Danish, Norwegian, Swedish, Finnish, German, Polish and English. Only names that differ
by more than their spelling need an entry: `gazetteer_spelling` knows that ö is written oe.
"""

from functools import cache
from typing import Final

from dropoff.network.gazetteer_spelling import plain

_TOWNS: Final = {
    "DK": """København/Copenhagen/Kopenhagen/Köpenhamn/Kööpenhamina/Kopenhaga/Kbh, Helsingør/Elsinore,
        Kongens Lyngby/Lyngby/Kgs Lyngby, Haderslev/Hadersleben, Aabenraa/Apenrade, Sønderborg/Sonderburg,
        Tønder/Tondern, Ribe/Ripen, Nykøbing F/Nykøbing Falster, Nykøbing M/Nykøbing Mors,
        Nykøbing Sj/Nykøbing Sjælland""",
    "NO": """Trondheim/Trondhjem/Drontheim""",
    "SE": """Stockholm/Tukholma/Sztokholm/Sthlm, Göteborg/Gothenburg/Gotenburg/Gbg, Umeå/Uumaja, Luleå/Luulaja,
        Uppsala/Upsala, Gävle/Gefle""",
    "FI": """Helsinki/Helsingfors/Hki, Turku/Åbo, Tampere/Tammerfors, Espoo/Esbo, Vantaa/Vanda, Oulu/Uleåborg,
        Vaasa/Vasa, Pori/Björneborg, Porvoo/Borgå, Hämeenlinna/Tavastehus, Lappeenranta/Villmanstrand,
        Lahti/Lahtis, Rauma/Raumo, Hamina/Fredrikshamn, Kokkola/Karleby, Pietarsaari/Jakobstad,
        Maarianhamina/Mariehamn, Raasepori/Raseborg, Tammisaari/Ekenäs, Naantali/Nådendal,
        Kauniainen/Grankulla, Loviisa/Lovisa, Savonlinna/Nyslott, Uusikaupunki/Nystad, Kerava/Kervo,
        Järvenpää/Träskända, Sipoo/Sibbo, Kirkkonummi/Kyrkslätt, Lohja/Lojo, Inkoo/Ingå, Hanko/Hangö,
        Tornio/Torneå, Kajaani/Kajana""",
    "DE": """Berlin/Berliini, München/Munich/Monachium, Köln/Cologne/Kolonia, Hamburg/Hampuri/Hamborg,
        Hannover/Hanover/Hanower, Nürnberg/Nuremberg/Norymberga, Braunschweig/Brunswick/Brunszwik,
        Lübeck/Lubeka/Lybæk, Leipzig/Lipsk, Dresden/Drezno, Aachen/Akwizgran, Bremen/Brema, Mainz/Moguncja,
        Regensburg/Ratyzbona, Flensburg/Flensborg, Kiel/Kilonia, Schleswig/Slesvig, Konstanz/Constance,
        Trier/Trewir, Göttingen/Getynga, Stuttgart/Sztutgart""",
    "AT": """Wien/Vienna/Wiedeń""",
    "PL": """Warszawa/Warsaw/Warschau/Varsova, Kraków/Cracow/Krakau/Krakova, Gdańsk/Danzig, Wrocław/Breslau,
        Poznań/Posen, Szczecin/Stettin, Łódź/Lodsch, Gdynia/Gdingen, Toruń/Thorn, Bydgoszcz/Bromberg,
        Katowice/Kattowitz, Olsztyn/Allenstein, Opole/Oppeln, Gliwice/Gleiwitz, Zielona Góra/Grünberg,
        Kołobrzeg/Kolberg, Koszalin/Köslin, Elbląg/Elbing, Częstochowa/Tschenstochau, Słupsk/Stolp,
        Świnoujście/Swinemünde, Sopot/Zoppot""",
    "GB": """London/Londyn/Lontoo, Edinburgh/Edynburg""",
    "IE": """Dublin/Baile Átha Cliath""",
    "EE": """Tallinn/Tallinna/Reval, Tartu/Dorpat, Pärnu/Pernau""",
    "LV": """Rīga/Ryga/Riika, Daugavpils/Dünaburg, Liepāja/Libau""",
    "LT": """Vilnius/Wilno/Wilna/Vilna, Kaunas/Kowno, Klaipėda/Memel""",
    "NL": """Den Haag/'s-Gravenhage/The Hague/Haag/Haga""",
    "BE": """Bruxelles/Brussel/Brussels/Brüssel/Bryssel/Bruksela, Antwerpen/Antwerp/Anvers, Gent/Ghent/Gand,
        Brugge/Bruges, Liège/Luik/Lüttich""",
    "CH": """Genève/Geneva/Genf, Basel/Basle/Bâle, Luzern/Lucerne""",
    "CZ": """Praha/Prague/Prag/Praga, Brno/Brünn, Plzeň/Pilsen""",
    "FR": """Paris/Pariisi/Paryż, Nice/Nizza/Nicea, Strasbourg/Straßburg""",
    "IT": """Roma/Rome/Rom/Rzym/Rooma, Milano/Milan/Mailand/Mediolan, Venezia/Venice/Venedig/Wenecja,
        Napoli/Naples/Neapel, Firenze/Florence/Florenz/Florencja, Torino/Turin/Turyn, Genova/Genoa/Genua""",
    "ES": """Sevilla/Seville""",
    "PT": """Lisboa/Lisbon/Lissabon/Lizbona, Porto/Oporto""",
}
_DISTRICTS: Final = {
    "EE": {"Tallinn": "Haabersti/Kesklinna/Kristiine/Lasnamäe/Mustamäe/Nõmme/Pirita/Põhja-Tallinna"},
}
"""Towns that GeoNames knows by the names of their districts alone."""
_COUNTRIES: Final = {
    "DK": "Danmark/Denmark/Dänemark/Dania/Tanska",
    "NO": "Norge/Noreg/Norway/Norwegen/Norwegia/Norja",
    "SE": "Sverige/Sweden/Schweden/Szwecja/Ruotsi",
    "FI": "Finland/Suomi/Finnland/Finlandia",
    "DE": "Deutschland/Germany/Tyskland/Niemcy/Saksa",
    "AT": "Österreich/Austria/Østrig/Østerrike/Itävalta",
    "PL": "Polska/Poland/Polen/Puola",
    "GB": "Great Britain/United Kingdom/England/Scotland/Wales/Storbritannien/Großbritannien/Wielka Brytania",
    "IE": "Ireland/Éire/Irland/Irlandia/Irlanti",
    "EE": "Eesti/Estonia/Estland/Viro",
    "LV": "Latvija/Latvia/Letland/Lettland/Łotwa",
    "LT": "Lietuva/Lithuania/Litauen/Litwa/Liettua",
    "NL": "Nederland/Netherlands/The Netherlands/Holland/Niederlande/Nederländerna/Holandia/Alankomaat",
    "BE": "België/Belgique/Belgium/Belgien/Belgia",
    "LU": "Luxembourg/Luxemburg/Luksemburg",
    "CH": "Schweiz/Suisse/Svizzera/Switzerland/Sveits/Szwajcaria/Sveitsi",
    "CZ": "Česko/Czechia/Czech Republic/Tjekkiet/Tschechien/Tjeckien/Czechy/Tšekki",
    "FR": "France/Frankrig/Frankrike/Frankreich/Francja/Ranska",
    "IT": "Italia/Italy/Italien/Włochy",
    "ES": "España/Spain/Spanien/Hiszpania/Espanja",
    "PT": "Portugal/Portugalia/Portugali",
}
_SIGNS: Final = {
    "d": "DE",
    "a": "AT",
    "s": "SE",
    "n": "NO",
    "fin": "FI",
    "sf": "FI",
    "uk": "GB",
    "irl": "IE",
    "est": "EE",
    "b": "BE",
    "l": "LU",
    "f": "FR",
    "i": "IT",
    "e": "ES",
    "p": "PT",
}
"""Before postcodes, of old from the signs on cars; the ISO codes come beside them."""
WORDS_OF_A_COUNTRY: Final = 3
"""At most."""
DISTRICT_MAX: Final = 2


@cache
def _towns() -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for country, text in _TOWNS.items():
        for names in (entry.strip().split("/") for entry in text.split(",")):
            for name in names:
                found[country, plain(name)] = tuple(other for other in names if other != name)
    return found


@cache
def _countries() -> dict[str, str]:
    return {plain(name): country for country, names in _COUNTRIES.items() for name in names.split("/")}


def other_names(country: str, name: str) -> tuple[str, ...]:
    """What the same town is called elsewhere, and its districts of one or two letters: `Kbh Ø` is `København Ø`."""
    town, _, district = name.rpartition(" ")
    if town and len(district) <= DISTRICT_MAX:
        names = tuple(f"{other} {district}" for other in _towns().get((country, plain(town)), ()))
        return names or _towns().get((country, plain(name)), ())
    return _towns().get((country, plain(name)), ())


@cache
def _towns_of_districts() -> dict[tuple[str, str], str]:
    return {
        (country, part): town
        for country, towns in _DISTRICTS.items()
        for town, parts in towns.items()
        for part in parts.split("/")
    }


def town_of_district(country: str, name: str) -> str | None:
    return _towns_of_districts().get((country, name))


def country_named(words: str) -> str | None:
    """The country of this name, its letters as `plain` leaves them."""
    return _countries().get(words)


def country_of_sign(sign: str) -> str | None:
    """`dk` and `d` are signs of countries, as they stand before a postcode."""
    return _SIGNS.get(sign) or (sign.upper() if len(sign) == 2 and sign.isascii() and sign.isalpha() else None)
