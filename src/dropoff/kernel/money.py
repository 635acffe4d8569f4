"""Money is an integer of minor units beside an ISO 4217 code; there are no fractions and no floats."""

CURRENCIES: dict[str, int] = {
    code: digits
    for digits, codes in {
        0: "CLP ISK JPY KRW VND XAF XOF",
        2: "AED ARS AUD BAM BGN BRL CAD CHF CNY CZK DKK EGP EUR GBP GEL HKD HUF IDR ILS INR MAD MDL MKD MXN MYR NOK "
        "NZD PHP PLN QAR RON RSD SAR SEK SGD THB TRY TWD UAH USD ZAR",
        3: "BHD JOD KWD OMR TND",
    }.items()
    for code in codes.split()
}
"""Minor digits of the currencies that are taken (ISO 4217)."""

AMOUNT_MAX = 10**12
"""The largest amount taken, in minor units: above every real price, below every integer column."""


def display(amount: int, currency: str) -> str:
    """For people: `178.00 EUR`, `1 290.00 DKK`, `500 JPY`."""
    digits = CURRENCIES.get(currency, 2)
    sign, number = ("-" if amount < 0 else ""), abs(amount)
    whole, part = divmod(number, 10**digits)
    text = f"{whole:,}".replace(",", "\u202f")
    return f"{sign}{text}.{part:0{digits}d} {currency}" if digits else f"{sign}{text} {currency}"
