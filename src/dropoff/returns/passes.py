"""What a shopper holds: the codes of passes and visits, and the token of a receipt. Derived from the secret, so that
they can be shown again; looked up by a hash, so that the database never holds one. A plain hash would not do for the
short code: its 53 bits could be searched offline."""

import base64

from dropoff.db.vault import Vault
from dropoff.kernel import codes

_SHORT_SPACE = 29 ** (codes.SHORT_LENGTH - 1)


class PassKeys:
    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def code(self, return_id: str, generation: int) -> str:
        """16 Crockford characters, as in the QR."""
        return codes.encode_code(self._vault.derive("pass code", return_id, str(generation))[:10])

    def short_code(self, return_id: str, generation: int) -> str:
        """11 characters and their check, for voice and hand."""
        signs = self._signs("short code", return_id, str(generation))
        return signs + codes.short_check(signs)

    def _signs(self, purpose: str, *parts: str) -> str:
        number = int.from_bytes(self._vault.derive(purpose, *parts)) % _SHORT_SPACE
        signs = ""
        for _ in range(codes.SHORT_LENGTH - 1):
            number, place = divmod(number, len(codes.SHORT_ALPHABET))
            signs += codes.SHORT_ALPHABET[place]
        return signs

    def visit_code(self, visit_id: str) -> str:
        """16 Crockford characters, of which the first says that it is a visit's."""
        return codes.VISIT_SIGN + codes.encode_code(self._vault.derive("visit code", visit_id)[:10])[1:]

    def visit_short_code(self, visit_id: str) -> str:
        signs = codes.VISIT_SIGN + self._signs("visit short code", visit_id)[1:]
        return signs + codes.visit_short_check(signs)

    def receipt_token(self, hand_in_id: str) -> str:
        """160 bits, for the address of a receipt: shown again on the till that took the things in."""
        return f"rcp_{base64.b32encode(self._vault.derive('receipt token', hand_in_id)[:20]).decode().lower()}"

    def code_hash(self, code: str) -> str:
        return self._vault.derive("pass code hash", code).hex()

    def short_hash(self, short_code: str) -> str:
        return self._vault.derive("short code hash", short_code).hex()

    def visit_code_hash(self, code: str) -> str:
        return self._vault.derive("visit code hash", code).hex()

    def visit_short_hash(self, short_code: str) -> str:
        return self._vault.derive("visit short hash", short_code).hex()
