"""Every setting, read once from `DROPOFF_*` and passed in. Nothing reads the environment at import."""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

EXAMPLE_GS1_PREFIX = "9521321"
"""GS1's own prefix for examples (952…): no real parcel may carry it."""

GEOCODERS = ("nominatim", "photon", "pelias")


OPENSTREETMAP = "© OpenStreetMap contributors"
"""Nearly all tiles are drawn from its data, which asks to be named."""


class Misconfigured(Exception):
    """A setting is missing or wrong; the message names it and says what to do."""


class MapTiles(msgspec.Struct, frozen=True):
    """Where the map's pictures come from; nowhere when `address` is empty."""

    address: str = ""
    attribution: str = ""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The origins a browser asks, for the policy of the pages that show a map."""
        if not self.address:
            return ()
        parts = urlsplit(self.address)
        names = [parts.netloc.replace("{s}", letter) for letter in "abc"] if "{s}" in parts.netloc else [parts.netloc]
        return tuple(f"{parts.scheme}://{name}" for name in names)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    database_url: str
    data: Path
    base_url: str
    operator_key: str
    secret: str
    webhook_allow_private: bool = False
    gs1_prefix: str = EXAMPLE_GS1_PREFIX
    map_tiles: MapTiles = MapTiles()
    smtp_url: str = ""
    geocoder: str = ""
    geocoder_url: str = ""
    geocoder_user_agent: str = ""
    log_level: str = "info"

    @property
    def gs1_is_example(self) -> bool:
        return self.gs1_prefix.startswith("952")


DOCUMENTED = {
    "DROPOFF_DATABASE_URL": "The database; default SQLite in the data folder, or `postgresql://user:password@host/name`.",
    "DROPOFF_DATA": "The folder for the SQLite file, the made secret and temporary files; default `data`.",
    "DROPOFF_BASE_URL": "The address clients use, without a path; default `http://127.0.0.1:PORT`.",
    "DROPOFF_OPERATOR_KEY": "The first operator key; default derived from the secret and shown at start by `make run`.",
    "DROPOFF_SECRET": "The root of all derived codes and sealed values; made in the data folder on SQLite, required on PostgreSQL.",
    "DROPOFF_WEBHOOK_ALLOW_PRIVATE": "`true` lets webhooks go to private and loopback addresses, for trials only; default `false`.",
    "DROPOFF_GS1_PREFIX": "Your GS1 company prefix (7 to 10 digits); unset, GS1's example prefix is used and every label says so.",
    "DROPOFF_MAP_TILES": "Map tiles for the finder: `https://tiles.example.org/{z}/{x}/{y}.png`, then a blank and whom to credit; unset, the map is an outline.",
    "DROPOFF_GEOCODER": "A service that is asked for places nobody here knows: `nominatim`, `photon` or `pelias`; default none. What shoppers search for is sent there.",
    "DROPOFF_GEOCODER_URL": "Its address, when it is not the public one; `pelias` has no public one.",
    "DROPOFF_GEOCODER_USER_AGENT": "How we name ourselves to it, with a way to reach you; default the version and `DROPOFF_BASE_URL`.",
    "DROPOFF_SMTP_URL": "Mail server for notices; kept for the mails, unused so far.",
    "DROPOFF_LOG_LEVEL": "`debug`, `info`, `warning` or `error`; default `info`.",
}
"""Every variable, for the docs and for naming unknown ones at start. Adapters read `DROPOFF_CARRIER_<NAME>_*`."""


def data_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("DROPOFF_DATA") or "data").absolute()


def load(environ: Mapping[str, str] | None = None, *, port: int = 8000) -> Settings:
    """`port`: where this process will answer, for the default address."""
    env = os.environ if environ is None else environ
    unknown = [
        name
        for name in env
        if name.startswith("DROPOFF_")
        and name not in DOCUMENTED
        and not name.startswith(("DROPOFF_CARRIER_", "DROPOFF_LOCATIONS_", "DROPOFF_TEST_"))
        and name not in ("DROPOFF_SHARED", "DROPOFF_CONTRACTS")
    ]
    if unknown:
        raise Misconfigured(f"unknown settings: {', '.join(sorted(unknown))}. Known: {', '.join(DOCUMENTED)}.")
    data = data_folder(env)
    database_url = env.get("DROPOFF_DATABASE_URL") or f"sqlite:///{data}/dropoff.sqlite3"
    if not database_url.startswith(("sqlite:///", "postgresql://", "postgres://", "postgresql+psycopg://")):
        raise Misconfigured("DROPOFF_DATABASE_URL must begin with sqlite:/// or postgresql://.")
    if database_url.startswith(("sqlite:///:memory:", "sqlite:///?")) or database_url == "sqlite:///":
        raise Misconfigured("DROPOFF_DATABASE_URL must name a file: what is in memory only is lost.")
    secret = _secret(env, data, database_url)
    return Settings(
        database_url=database_url,
        data=data,
        base_url=_base_url(env.get("DROPOFF_BASE_URL") or f"http://127.0.0.1:{port}"),
        operator_key=_operator_key(env.get("DROPOFF_OPERATOR_KEY"), secret),
        secret=secret,
        webhook_allow_private=_flag("DROPOFF_WEBHOOK_ALLOW_PRIVATE", env.get("DROPOFF_WEBHOOK_ALLOW_PRIVATE")),
        gs1_prefix=_gs1_prefix(env.get("DROPOFF_GS1_PREFIX")),
        map_tiles=_map_tiles(env.get("DROPOFF_MAP_TILES", "")),
        smtp_url=env.get("DROPOFF_SMTP_URL", ""),
        geocoder=_geocoder(env.get("DROPOFF_GEOCODER", ""), env.get("DROPOFF_GEOCODER_URL", "")),
        geocoder_url=_geocoder_url(env.get("DROPOFF_GEOCODER_URL", "")),
        geocoder_user_agent=_user_agent(env.get("DROPOFF_GEOCODER_USER_AGENT", "")),
        log_level=_level(env.get("DROPOFF_LOG_LEVEL") or "info"),
    )


def make_folder(path: Path) -> None:
    """Readable for nobody else: the database in it holds names and addresses."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(f"DROPOFF_DATA: the folder {path} cannot be made: {error.strerror}.") from None
    if not os.access(path, os.W_OK | os.X_OK):
        raise Misconfigured(f"DROPOFF_DATA: nothing can be written into the folder {path}.")


def _secret(env: Mapping[str, str], data: Path, database_url: str) -> str:
    given = env.get("DROPOFF_SECRET", "")
    if given:
        if len(given) < 16:
            raise Misconfigured("DROPOFF_SECRET must have at least 16 characters; `openssl rand -hex 32` makes one.")
        return given
    if not database_url.startswith("sqlite"):
        raise Misconfigured("DROPOFF_SECRET is required with PostgreSQL, the same for every process.")
    make_folder(data)
    path = data / "secret"
    if not path.exists():
        fresh = data / f"secret.{os.getpid()}"
        fresh.touch(0o600)
        fresh.write_text(secrets.token_hex(32) + "\n")
        # A link appears whole or not at all, so of several first starts one makes it and the others read it.
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    kept = path.read_text().strip()
    if len(kept) < 16:
        raise Misconfigured(f"{path} is damaged: it must hold the secret this database was made with.")
    return kept


def _operator_key(given: str | None, secret: str) -> str:
    if given:
        if len(given) < 16:
            raise Misconfigured("DROPOFF_OPERATOR_KEY must have at least 16 characters.")
        return given
    return "op_" + hmac.digest(secret.encode(), b"operator key", hashlib.sha256).hex()[:40]


def _base_url(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise Misconfigured("DROPOFF_BASE_URL must be like https://returns.example.org, without a path.")
    return f"{parts.scheme}://{parts.netloc}"


def _map_tiles(text: str) -> MapTiles:
    address, _, attribution = text.strip().partition(" ")
    if not address:
        return MapTiles()
    parts = urlsplit(address)
    plain = re.fullmatch(r"(\{s\}\.)?[a-z0-9.-]+(:[0-9]+)?", parts.netloc)
    if (
        parts.scheme not in ("http", "https")
        or not plain
        or any(part not in parts.path for part in ("{z}", "{x}", "{y}"))
    ):
        raise Misconfigured("DROPOFF_MAP_TILES must be like https://tiles.example.org/{z}/{x}/{y}.png.")
    return MapTiles(address, attribution.strip() or OPENSTREETMAP)


def _flag(name: str, text: str | None) -> bool:
    if text is None or text.lower() in ("", "false", "0", "no"):
        return False
    if text.lower() in ("true", "1", "yes"):
        return True
    raise Misconfigured(f"{name} must be true or false.")


def _gs1_prefix(text: str | None) -> str:
    if not text:
        return EXAMPLE_GS1_PREFIX
    if not (text.isascii() and text.isdigit() and 7 <= len(text) <= 10):
        raise Misconfigured("DROPOFF_GS1_PREFIX must be 7 to 10 digits.")
    return text


def _geocoder(name: str, url: str) -> str:
    if name and name.lower() not in GEOCODERS:
        raise Misconfigured(f"DROPOFF_GEOCODER must be one of {', '.join(GEOCODERS)}.")
    if url and not name:
        raise Misconfigured("DROPOFF_GEOCODER_URL is set, but DROPOFF_GEOCODER does not say which service that is.")
    if name.lower() == "pelias" and not url:
        raise Misconfigured("DROPOFF_GEOCODER_URL is required with pelias, which has no public server.")
    return name.lower()


def _geocoder_url(text: str) -> str:
    parts = urlsplit(text.rstrip("/"))
    try:
        well_formed = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        well_formed = False
    if text and (not well_formed or parts.query or parts.fragment):
        raise Misconfigured("DROPOFF_GEOCODER_URL must be like https://photon.example.org.")
    return text.rstrip("/")


def _user_agent(text: str) -> str:
    if not (text.isascii() and text.isprintable() and len(text) <= 200):
        raise Misconfigured("DROPOFF_GEOCODER_USER_AGENT must be at most 200 printable ASCII characters.")
    return text


def _level(text: str) -> str:
    if text.lower() not in ("debug", "info", "warning", "error"):
        raise Misconfigured("DROPOFF_LOG_LEVEL must be debug, info, warning or error.")
    return text.lower()
