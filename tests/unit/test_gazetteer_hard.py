"""What people really type, and what they mean by it: the first answer, country by country, over the real gazetteer."""

import pytest

from dropoff.network.gazetteer import Gazetteer

HARD = {
    "DK": """
        Kbh = København, exact · Kbh. Ø = København Ø, exact · Köpenhamn K = København K, exact
        kobenhvn = København, typo · KØBENHAVN V = København V, exact · Kgs. Lyngby = Kongens Lyngby, exact
        lyngby = Kongens Lyngby, exact · 2800 Kgs. Lyngby = 2800 Kongens Lyngby, exact · Ålborg = Aalborg, exact
        aalborg so = Aalborg SØ, exact · Fåborg = Faaborg, exact · Fabourg = Faaborg, typo
        Graasten = Gråsten, exact · Apenrade = Aabenraa, exact · Hadersleben = Haderslev, exact
        Sonderburg = Sønderborg, exact · Soenderborg = Sønderborg, exact · Aeroeskoebing = Ærøskøbing, exact
        AEROSKOBING = Ærøskøbing, exact · Hjoerring = Hjørring, exact · Nykøbing Falster = Nykøbing F, exact
        nykobing mors = Nykøbing M, exact · Elsinore = Helsingør, exact · Nørregade 5 Aarhus = Aarhus, exact
        8200 Århus N = 8200 Aarhus N, exact · Brønderslv = Brønderslev, typo
    """,
    "NO": """
        Oslo S = Oslo, prefix · Drontheim = Trondheim, exact · Aalesund = Ålesund, exact · alesund = Ålesund, exact
        Bodoe = Bodø, exact · Bodö = Bodø, exact · Roros = Røros, exact · Maaloey = Måløy, exact
        maloy = Måløy, exact · Tönsberg = Tønsberg, exact · Bronnoysund = Brønnøysund, exact
        Mo i Rana = Mo I Rana, exact · Bergen = Bergen, exact · Lund, Norge = Lund, exact
        Storgata 12 Tromsø = Tromsø, exact · Haugesnud = Haugesund, typo
    """,
    "SE": """
        Gbg = Göteborg, exact · Götborg = Göteborg, typo · Gothenberg = Göteborg, typo · Sthlm = Stockholm, exact
        Malmoe C = Malmö, prefix · Ørebro = Örebro, exact · oerebro = Örebro, exact · Ostersund = Östersund, exact
        Vaexjoe = Växjö, exact · Aare = Åre, exact · Aamaal = Åmål, exact · Gefle = Gävle, exact
        Gavle = Gävle, exact · Norrkøping = Norrköping, exact · skelleftea = Skellefteå, exact
        Hälsingborg = Helsingborg, typo · Angelholm = Ängelholm, exact · Hoeganaes = Höganäs, exact
        Drottninggatan 5, Stockholm = Stockholm, exact · Lund = Lund, exact · 11122 Sthlm = 111 22 Stockholm, exact
        Karlshavn = Karlshamn, typo
    """,
    "FI": """
        Helsingfors = Helsinki, exact · Hki = Helsinki, exact · Hesinki = Helsinki, typo · Åbo = Turku, exact
        Tavastehus = Hämeenlinna, exact · hameenlinna = Hämeenlinna, exact · Jakobstad = Pietarsaari, exact
        Aeaenekoski = Äänekoski, exact · Aanekoski = Äänekoski, exact · Seinaejoki = Seinäjoki, exact
        00100 Helsingfors = 00100 Helsinki, exact · Yli-Ii = Yli-Ii, exact · Uleåborg = Oulu, exact
        Mannerheimintie 12 Helsinki = Helsinki, exact
    """,
    "DE": """
        Frankfurt/Main = Frankfurt am Main, prefix · Frankfurt a. M. = Frankfurt am Main, prefix
        Frankfurt Oder = Frankfurt (Oder), exact · Frankfurt = Frankfurt am Main, prefix
        Halle (Saale) = Halle, prefix · Rothenburg o.d.T. = Rothenburg ob der Tauber, prefix
        Berlin-Mitte = Berlin, prefix · Hamborg = Hamburg, exact · Hamburg Altona = Hamburg, prefix
        Hauptstraße 12 Berlin = Berlin, exact · Dysseldorf = Düsseldorf, typo · Giessen = Gießen, exact
        GIEẞEN = Gießen, exact · Giesen = Giesen, exact · Neuß = Neuss, exact
        Moenchengladbach = Mönchengladbach, exact · Schwabisch Gmund = Schwäbisch Gmünd, exact
        Lybæk = Lübeck, exact · Fuessen = Füssen, exact · Muelheim an der Ruhr = Mülheim an der Ruhr, exact
        Norymberga = Nürnberg, exact · Mucnhen = München, typo · D 80331 München = 80331 München, exact
        Garmisch = Garmisch-Partenkirchen, prefix
    """,
    "AT": """
        Wien Leopoldstadt = Wien, Leopoldstadt, exact · Wiedeń = Wien, exact
        1220 Wien = 1220 Wien, Donaustadt, exact · A-1010 = 1010 Wien, Innere Stadt, exact
        Baden, Österreich = Baden, exact · Leopoldst = Wien, Leopoldstadt, prefix
    """,
    "PL": """
        00-001 Warszawa = Warszawa, exact · Warszawa, Wola = Warszawa, exact · Warzsawa = Warszawa, typo
        Łodż = Łódź, exact · lodzz = Łódź, typo · ul. Piotrkowska 100 Łódź = Łódź, exact
        90004 lodz = 90-004 Łódź, exact · Gorzow Wlkp = Gorzów Wielkopolski, prefix
        Bielsko Biala = Bielsko-Biała, exact · Zory = Żory, exact · Wroclav = Wrocław, typo
        Breslau = Wrocław, exact · Gdansk Oliwa = Gdańsk, prefix · Zoppot = Sopot, exact
        Kedzierzyn Kozle = Kędzierzyn-Koźle, exact · SWINOUJSCIE = Świnoujście, exact
        Czestochowa = Częstochowa, exact
    """,
    "GB": """
        Newcastle-upon-Tyne = Newcastle upon Tyne, exact · Newcastle = Newcastle upon Tyne, prefix
        Saint Albans = St Albans, exact · Edinbrugh = Edinburgh, typo · Londyn = London, exact
        Lontoo = London, exact · 10 Downing Street, London = London, exact · sw1a1aa = SW1A Westminster Abbey, exact
        M1 1AE = M1 Manchester, exact
    """,
    "EE": """
        Tallinn = Tallinn, exact · Reval = Tallinn, exact · Tallin = Tallinn, prefix · Dorpat = Tartu, exact
        10111 Tallinn = 10111 Kesklinna, exact · Paernu = Pärnu, exact
    """,
    "LV": """
        Rīga = Riga, exact · Ryga = Riga, exact · LV1050 = LV-1050 Riga, exact · Liepāja = Liepaja, exact
    """,
    "LT": """
        Wilno = Vilnius, exact · Vilinus = Vilnius, typo · klaipeda = Klaipėda, exact
        LT-01100 = 01100 Vilnius, exact
    """,
}
TABLE = [
    (country, *(part.strip() for part in (typed, *wanted.rsplit(",", 1))))
    for country, text in HARD.items()
    for line in text.split("\n")
    for typed, _, wanted in (entry.partition(" = ") for entry in line.split("·") if entry.strip())
]


@pytest.mark.parametrize(("country", "typed", "label", "match"), TABLE)
def test_what_is_typed_leads_first_to_what_is_meant(
    real: Gazetteer, country: str, typed: str, label: str, match: str
) -> None:
    for asked in (None, country):
        found = real.search(typed, asked, limit=1)
        assert [(place.label, place.match) for place in found] == [(f"{label}, {country}", match)]


def test_the_table_is_as_hard_as_promised() -> None:
    assert len(TABLE) >= 120
    assert {country for country, *_ in TABLE} >= {"DK", "NO", "SE", "FI", "DE", "PL", "GB"}


@pytest.mark.parametrize(
    ("typed", "country", "label"),
    [
        ("Bergen", "DE", "Bergen, Bayern, DE"),
        ("Bergen, Bayern", None, "Bergen, Bayern, DE"),
        ("Bergen, Steiermark", None, "Bergen, Steiermark, AT"),
        ("Halle, Niedersachsen", None, "Halle, Niedersachsen, DE"),
        ("Lund", "NO", "Lund, NO"),
        ("Baden", None, "Baden, AT"),
        ("Holm", "DE", "Holm, DE"),
        ("Białystok, Lublin", None, "Białystok, Lublin, PL"),
        ("1020", "AT", "1020 Wien, Leopoldstadt, AT"),
        ("1020 Wien", None, "1020 Wien, Leopoldstadt, AT"),
        ("1020 København", None, "1020 København K, DK"),
        ("10005 Olsztyn", None, "10-005 Olsztyn, PL"),
        ("10005 Stockholm", None, "100 05 Stockholm, SE"),
        ("Kesklinna", None, "Kesklinna, EE"),
    ],
)
def test_namesakes_are_told_apart(real: Gazetteer, typed: str, country: str | None, label: str) -> None:
    assert real.search(typed, country, limit=1)[0].label == label


@pytest.mark.parametrize(
    "typed",
    """xqzvw · asdfghjkl · qwertzuiop · kqzxj · Xyzzyville · lorem ipsum dolor · foo bar baz · 1234567890 · 12345678901
    !!! · -- · '' · æøåæøåæøå · DROP TABLE · 🦄🦄🦄 · 日本 · Кiев · <script> · Bad Nowhere""".replace("\n", "·").split(
        "·"
    ),
)
def test_nonsense_leads_nowhere(real: Gazetteer, typed: str) -> None:
    assert real.search(typed.strip()) == []
