"""Secrets: keys derived from `DROPOFF_SECRET`, sealed values (ChaCha20-Poly1305), and hashes of tokens.

What must be used again (webhook secrets, stored answers) is sealed; what is only compared is hashed.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


class Vault:
    def __init__(self, secret: str) -> None:
        self._root = hashlib.sha256(b"dropoff\0" + secret.encode()).digest()

    def derive(self, purpose: str, *parts: str) -> bytes:
        """32 bytes that depend on the secret, the purpose and the parts; parts cannot run into each other."""
        told = [part.encode() for part in (purpose, *parts)]
        message = b"".join([len(part).to_bytes(4, "big") + part for part in told])
        return hmac.digest(self._root, message, "sha256")

    def seal(self, purpose: str, plain: bytes) -> bytes:
        nonce = secrets.token_bytes(12)
        return nonce + ChaCha20Poly1305(self.derive("seal", purpose)).encrypt(nonce, plain, purpose.encode())

    def open(self, purpose: str, sealed: bytes) -> bytes:
        """Raises `WrongSecret` when sealed under another secret or for another purpose."""
        try:
            key = self.derive("seal", purpose)
            return ChaCha20Poly1305(key).decrypt(sealed[:12], sealed[12:], purpose.encode())
        except (InvalidTag, ValueError) as error:  # the latter: too short to be sealed at all
            raise WrongSecret(purpose) from error


class WrongSecret(Exception):
    """`DROPOFF_SECRET` is not the one the value was sealed with."""


def new_token(prefix: str) -> str:
    """160 random bits, for keys and sessions."""
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(20)).decode().lower()}"


def token_hash(token: str) -> str:
    """For looking a token up: the database never holds the token. Tokens are random, so no salt and no stretching."""
    return hashlib.sha256(token.encode()).hexdigest()
