"""AWS Signature Version 4: who signed a request, and whether the signature is right.

The canonical request and the signature are botocore's; this module reads what a client sent and
compares. Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from werkzeug.wrappers import Request

ALGORITHM = "AWS4-HMAC-SHA256"
ALLOWED_SKEW = timedelta(minutes=15)
LONGEST_PRESIGNED_SECONDS = 7 * 24 * 3600
UNHASHED_PAYLOADS = ("UNSIGNED-PAYLOAD", "STREAMING-")


class SignatureError(Exception):
    """A request that is unsigned, signed with an unknown key, or signed wrongly.

    Attributes:
        reason: a key of `gateway.SIGNATURE_CODES`, which has the code for each protocol.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Key:
    """An access key that the local cloud issued.

    Attributes:
        secret: the secret access key.
        principal: the ARN of its owner.
        session_token: the token that must come with it, for temporary keys.
        expires: when a temporary key ends, in UTC.
        active: false once its user made it inactive.
    """

    secret: str
    principal: str
    session_token: str | None = None
    expires: datetime | None = None
    active: bool = True


@dataclass(frozen=True)
class Signature:
    """What a client sent to prove who it is."""

    access_key_id: str
    date: str
    region: str
    signing_name: str
    timestamp: str
    signed_headers: tuple[str, ...]
    value: str
    session_token: str | None
    presigned_seconds: int | None = None


def read_signature(request: Request) -> Signature:
    """The signature of a request, from its header or, for presigned URLs, its query.

    Raises:
        SignatureError: the request carries none, or one that can't be read.
    """
    header = request.headers.get("Authorization", "")
    if header.startswith(ALGORITHM):
        return _from_header(request, header)
    if request.args.get("X-Amz-Algorithm") == ALGORITHM:
        return _from_query(request)
    if header.startswith("AWS ") or "AWSAccessKeyId" in request.args:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingAWSSDK.html
        raise SignatureError(
            "version 2",
            "The authorization mechanism you have provided is not supported. Please use "
            "AWS4-HMAC-SHA256 (boto3: Config(signature_version='s3v4')).",
        )
    raise SignatureError("missing", "The request carries no Signature Version 4.")


def _from_header(request: Request, header: str) -> Signature:
    parts = dict(
        part.strip().split("=", 1) for part in header[len(ALGORITHM) :].split(",") if "=" in part
    )
    try:
        key, date, region, name, _ = parts["Credential"].split("/")
        signed, value = parts["SignedHeaders"], parts["Signature"]
    except (KeyError, ValueError) as error:
        raise SignatureError("incomplete", "The Authorization header is incomplete.") from error
    return Signature(
        access_key_id=key,
        date=date,
        region=region,
        signing_name=name,
        timestamp=request.headers.get("X-Amz-Date", ""),
        signed_headers=tuple(signed.split(";")),
        value=value,
        session_token=request.headers.get("X-Amz-Security-Token"),
    )


def _from_query(request: Request) -> Signature:
    query = request.args
    try:
        key, date, region, name, _ = query["X-Amz-Credential"].split("/")
        return Signature(
            access_key_id=key,
            date=date,
            region=region,
            signing_name=name,
            timestamp=query["X-Amz-Date"],
            signed_headers=tuple(query["X-Amz-SignedHeaders"].split(";")),
            value=query["X-Amz-Signature"],
            session_token=query.get("X-Amz-Security-Token"),
            presigned_seconds=int(query["X-Amz-Expires"]),
        )
    except (KeyError, ValueError) as error:
        raise SignatureError("incomplete", "The presigned URL is incomplete.") from error


def verify(
    request: Request,
    signature: Signature,
    body: bytes,
    find_key: Callable[[str], Key | None],
    now: datetime | None = None,
) -> Key:
    """The key that signed the request.

    Args:
        request: the request as it arrived, its raw path in `RAW_URI`.
        signature: what `read_signature` made of it.
        body: the request's body.
        find_key: looks a key up by its id.
        now: the time to judge by, in UTC; the clock's by default.

    Raises:
        SignatureError: the key is unknown, inactive or expired, the time is off, or the signature
            is not what the key's secret yields.
    """
    now = now or datetime.now(UTC)
    key = find_key(signature.access_key_id)
    if key is None or not key.active:
        raise SignatureError("unknown", "The security token included in the request is invalid.")
    if key.session_token is not None and not hmac.compare_digest(
        key.session_token.encode(), (signature.session_token or "").encode()
    ):
        raise SignatureError("unknown", "The security token included in the request is invalid.")
    if key.expires is not None and key.expires <= now:
        raise SignatureError("expired", "The security token included in the request is expired")
    _check_time(signature, now)
    _check_body(request, body)
    if not hmac.compare_digest(_expected(request, signature, key, body), signature.value):
        raise SignatureError(
            "mismatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )
    return key


def _check_time(signature: Signature, now: datetime) -> None:
    try:
        sent = datetime.strptime(signature.timestamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise SignatureError("incomplete", "X-Amz-Date is missing or no ISO 8601 time.") from error
    if signature.presigned_seconds is not None:
        seconds = min(signature.presigned_seconds, LONGEST_PRESIGNED_SECONDS)
        if now > sent + timedelta(seconds=seconds) or sent > now + ALLOWED_SKEW:
            raise SignatureError("denied", "Request has expired")
    elif abs(now - sent) > ALLOWED_SKEW:
        raise SignatureError(
            "skewed",
            f"Signature expired: {signature.timestamp} is not within 15 minutes of "
            f"{now:%Y%m%dT%H%M%SZ}.",
        )


def _check_body(request: Request, body: bytes) -> None:
    declared = request.headers.get("X-Amz-Content-SHA256", "")
    if not declared or declared.startswith(UNHASHED_PAYLOADS):
        return
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest(), declared):
        raise SignatureError(
            "mismatch", "The provided 'x-amz-content-sha256' does not match what was computed."
        )


def _expected(request: Request, signature: Signature, key: Key, body: bytes) -> str:
    headers = {
        name: ",".join(request.headers.getlist(name))
        for name in signature.signed_headers
        if name in request.headers
    }
    raw_uri = str(request.environ.get("RAW_URI") or request.full_path)
    path, _, query = raw_uri.partition("?")
    if signature.presigned_seconds is not None:
        query = "&".join(p for p in query.split("&") if not p.startswith("X-Amz-Signature="))
    url = f"http://{request.host}{path}" + (f"?{query}" if query else "")
    signed = AWSRequest(method=request.method, url=url, data=body, headers=headers)
    signed.context["timestamp"] = signature.timestamp
    signer = _signer(signature, key)
    text = signer.string_to_sign(signed, signer.canonical_request(signed))
    return str(signer.signature(text, signed))


def _signer(signature: Signature, key: Key) -> SigV4Auth:
    credentials = BotocoreCredentials(signature.access_key_id, key.secret)
    name, region = signature.signing_name, signature.region
    if name != "s3":
        return SigV4Auth(credentials, name, region)
    if signature.presigned_seconds is not None:
        return S3SigV4QueryAuth(credentials, name, region)
    return S3SigV4Auth(credentials, name, region)
