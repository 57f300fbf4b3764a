"""`--tls self`: a certificate for this computer's own names, made once and kept, and how to have it trusted."""

from __future__ import annotations

import datetime
import ipaddress
import os
from pathlib import Path

NAMES, ADDRESSES = ("localhost",), ("127.0.0.1", "::1")
VALID = datetime.timedelta(days=397)  # browsers take no longer ones
RENEWED = datetime.timedelta(days=30)  # before its end


def own_folder() -> Path:
    """Where the certificate is kept: `$XDG_DATA_HOME/duologue/tls`, by default under `~/.local/share`."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "duologue" / "tls"


def own_certificate(folder: Path, now: datetime.datetime) -> bool:
    """See to it that a folder holds key.pem and cert.pem for localhost, valid for a month at least.

    Args:
        folder: made if missing.
        now: with its time zone.

    Returns:
        Whether a new one was made.

    Raises:
        ValueError: the wheel `cryptography` is missing, or the folder cannot be written.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID
    except ImportError:
        raise ValueError("--tls self needs cryptography: pip install 'duologue[serve]'") from None
    if _valid(folder, now):
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Duologue on this computer")])
    addresses = [x509.IPAddress(ipaddress.ip_address(each)) for each in ADDRESSES]
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), now, now + VALID)
        .add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, NAMES), *addresses]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kind, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "key.pem").touch(0o600)
        (folder / "key.pem").write_bytes(key.private_bytes(pem, kind, plain))
        (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    except OSError as error:
        raise ValueError(f"--tls self cannot write {folder}: {error.strerror}") from None
    return True


def how_to_trust(folder: Path) -> str:
    """What a user does so that clients take the certificate."""
    certificate = folder / "cert.pem"
    return (
        f"clients must be told to trust {certificate}: Node by NODE_EXTRA_CA_CERTS={certificate}, Python and curl by "
        f"SSL_CERT_FILE={certificate}, a browser by its question or its settings for certificates"
    )


def _valid(folder: Path, now: datetime.datetime) -> bool:
    from cryptography import x509

    try:
        kept = x509.load_pem_x509_certificate((folder / "cert.pem").read_bytes())
    except (OSError, ValueError):
        return False
    return (folder / "key.pem").is_file() and kept.not_valid_before_utc <= now < kept.not_valid_after_utc - RENEWED
