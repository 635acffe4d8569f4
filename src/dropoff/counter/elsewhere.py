"""What a clerk says of another network's label: whose it is, and where a parcel of that network goes instead. Pure."""

from typing import Final

from dropoff.kernel.foreign import Foreign, Network
from dropoff.web.languages import N_

NAMES: Final[dict[Network, str]] = {
    "UPS": "UPS",
    "USPS": "USPS",
    "FedEx": "FedEx",
    "DHL": "DHL",
    "PostNord": "PostNord",
    "GLS": "GLS",
    "InPost": "InPost",
    "post": N_("a postal service"),
    "SSCC": N_("another company"),
}
WHERE: Final[dict[Network, str]] = {
    "UPS": N_("a UPS Access Point, a UPS shop or the UPS driver"),
    "USPS": N_("a post office or collection box of the US Postal Service, or its letter carrier"),
    "FedEx": N_("a FedEx location, a FedEx drop box or the FedEx driver"),
    "DHL": N_("a DHL counter or parcel locker, or the DHL driver"),
    "PostNord": N_("a PostNord service point or parcel box"),
    "GLS": N_("a GLS parcel shop or the GLS driver"),
    "InPost": N_("an InPost locker or an InPost point"),
    "post": N_("a post office"),
    "SSCC": N_("whoever is named on the label"),
}
"""A parcel that still wears its label on purpose: the customer came to the wrong counter."""


def say(found: Foreign) -> str:
    """`This is a DHL label, not ours. …`, with `may be` where digits alone tell it."""
    names = " or ".join(NAMES[one] for one in (found.network, *found.others))
    is_ = "is" if found.strength == "certain" else "may be"
    old = f"This {is_} a label of {names}, not ours. Cover it and use one of our tags."
    return f"{old} A parcel that shall travel with it goes to {WHERE[found.network]}."


def unless(found: Foreign) -> str:
    """Of a number that may go on a parcel as a tag, and looks like another network's too."""
    return f"If it stands on a label of {NAMES[found.network]}, cover it and take one of our tags."
