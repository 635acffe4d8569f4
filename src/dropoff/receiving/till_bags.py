"""What the till says of bags: their names, what they hold, and into which one a parcel goes. Pure."""

from typing import Final

import msgspec

from dropoff.counter.service import BagTold
from dropoff.web import words
from dropoff.web.languages import N_, _, ngettext


class BagWords(msgspec.Struct, frozen=True):
    """Which bag, in words as large as the answer; `kind` is its colour and its icon. A button under it, when there is
    something to do: the form it sends."""

    kind: str
    title: str
    fill: str
    button: str = ""
    action: str = ""
    fields: tuple[tuple[str, str], ...] = ()


TITLES: Final = {
    "retailer": N_("Bag for {to}"),
    "hub": N_("Hub bag: {to}"),
    "customs": N_("Customs bag: {country}"),
}
NO_BAG: Final = N_("No bag is open for it.")
OPEN_ONE: Final = N_("Open a bag for it")
FULL: Final = N_("Full: seal it, open the next")
SEAL_BEFORE: Final = N_("Bag {bag} is full: seal it")


def bag_words(told: BagTold, tag: str) -> BagWords:
    """`tag`: of the parcel, for when it is in no bag yet."""
    title = bag_title(told.kind, told.to, told.customs)
    if told.id is None or told.sscc is None:
        return BagWords(told.kind, title, _(NO_BAG), _(OPEN_ONE), f"/till/parcels/{tag}", (("container", "new"),))
    held = f"{bag_name('bag', told.sscc)} · {fill(told.parcels, told.weight_g, told.max_parcels, told.max_weight_g)}"
    if told.before is not None:
        label = _(SEAL_BEFORE).format(bag=told.before.sscc[-4:])
        return BagWords(told.kind, title, held, label, f"/till/containers/{told.before.id}/seal")
    if told.full:
        return BagWords(told.kind, title, held, _(FULL), f"/till/containers/{told.id}/next")
    return BagWords(told.kind, title, held)


def bag_title(kind: str, to: str, customs: str | None) -> str:
    """`Bag for Nordlys`, `Hub bag: Copenhagen`, `Customs bag: Switzerland`."""
    return _(TITLES[kind]).format(to=to, country=words.country(customs) if customs else "")


def fill(parcels: int, grams: int, max_parcels: int | None = None, max_grams: int | None = None) -> str:
    """`3 of 20 parcels, 4.2 of 25 kg`, as far as there are limits; `empty`."""
    if not parcels and not max_parcels:
        return _("empty")
    most = ngettext("%(num)d parcel", "%(num)d parcels", parcels)
    if max_parcels:
        most = ngettext("%(part)d of %(num)d parcel", "%(part)d of %(num)d parcels", max_parcels, part=parcels)
    heavy = weight(grams)
    if heavy and max_grams:
        share = _("%(part)s of %(all)s", part=heavy.removesuffix(" kg"), all=weight(max_grams))
        return f"{most}, {share}"
    return f"{most}, {heavy}" if heavy else most


def bag_name(kind: str, sscc: str) -> str:
    """The last four digits, which stand large on the label."""
    names = {"bag": _("Bag"), "tote": _("Tote"), "cage": _("Cage"), "pallet": _("Pallet"), "parcel": _("Parcel")}
    return f"{names[kind]} {sscc[-4:]}"


def weight(grams: int) -> str:
    """`0.6 kg`, `12 kg`; nothing when nobody weighed."""
    if not grams:
        return ""
    return f"{words.decimal(grams / 1000)} kg" if grams < 10_000 else f"{words.number(round(grams / 1000))} kg"
