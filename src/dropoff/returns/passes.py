"""The two codes of a pass: derived from the secret, so that they can be shown again; looked up by a keyed hash, so that
the database never holds one. A plain hash would not do for the short code: its 53 bits could be searched offline."""

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
        number = int.from_bytes(self._vault.derive("short code", return_id, str(generation))) % _SHORT_SPACE
        signs = ""
        for _ in range(codes.SHORT_LENGTH - 1):
            number, place = divmod(number, len(codes.SHORT_ALPHABET))
            signs += codes.SHORT_ALPHABET[place]
        return signs + codes.short_check(signs)

    def code_hash(self, code: str) -> str:
        return self._vault.derive("pass code hash", code).hex()

    def short_hash(self, short_code: str) -> str:
        return self._vault.derive("short code hash", short_code).hex()
