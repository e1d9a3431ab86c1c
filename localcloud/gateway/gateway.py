"""The one address of all AWS APIs of the local cloud.

A request goes through these stages, and each may refuse it: who signed it, which operation it is
for, whether its parameters keep the model's constraints, whether its caller is allowed, and then
the service: its own handler, or checks ahead of the emulator, the emulator, and what follows from
its success. What neither a service nor the emulator knows is refused in words.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from moto.core.request import Request
from werkzeug.exceptions import HTTPException

from localcloud.emulator.emulator import EMULATED, Emulator, NotEmulatedError
from localcloud.gateway import protocol
from localcloud.gateway.constraints import violations
from localcloud.gateway.faults import Faults, When
from localcloud.gateway.protocol import Target
from localcloud.gateway.signature import Key, Signature, SignatureError, read_signature, verify
from localcloud.shared.service import Answer, Call, Service, ServiceError, allow

log = logging.getLogger("localcloud.gateway.gateway")

LARGEST_BODY_BYTES = 1024 * 1024 * 1024

# (code, status) by protocol for what goes wrong ahead of a service. Sources:
# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_Codes = dict[str, tuple[str, int]]
_JSON = ("json", "rest-json")
_XML = ("query", "rest-xml")


def _codes(json: tuple[str, int], xml: tuple[str, int], ec2: tuple[str, int]) -> _Codes:
    return {**dict.fromkeys(_JSON, json), **dict.fromkeys(_XML, xml), "ec2": ec2}


SIGNATURE_CODES: dict[str, _Codes] = {
    "missing": _codes(
        ("MissingAuthenticationTokenException", 400),
        ("MissingAuthenticationToken", 403),
        ("AuthFailure", 401),
    ),
    "incomplete": _codes(
        ("IncompleteSignatureException", 400), ("IncompleteSignature", 400), ("AuthFailure", 401)
    ),
    "unknown": _codes(
        ("UnrecognizedClientException", 400), ("InvalidClientTokenId", 403), ("AuthFailure", 401)
    ),
    "expired": _codes(
        ("ExpiredTokenException", 400), ("ExpiredToken", 403), ("RequestExpired", 400)
    ),
    "skewed": _codes(
        ("InvalidSignatureException", 400), ("SignatureDoesNotMatch", 403), ("RequestExpired", 400)
    ),
    "mismatch": _codes(
        ("InvalidSignatureException", 400), ("SignatureDoesNotMatch", 403), ("AuthFailure", 401)
    ),
    "version 2": _codes(("InvalidRequest", 400), ("InvalidRequest", 400), ("AuthFailure", 401)),
    "denied": _codes(
        ("AccessDeniedException", 400), ("AccessDenied", 403), ("UnauthorizedOperation", 403)
    ),
}
S3_SIGNATURE_CODES: dict[str, tuple[str, int]] = {
    "missing": ("AccessDenied", 403),
    "incomplete": ("AuthorizationHeaderMalformed", 400),
    "unknown": ("InvalidAccessKeyId", 403),
    "expired": ("ExpiredToken", 400),
    "skewed": ("RequestTimeTooSkewed", 403),
}

# Calls that AWS lets anyone make: the token or assertion in them is the proof.
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
UNSIGNED = {"AssumeRoleWithWebIdentity": "sts", "AssumeRoleWithSAML": "sts"}

EVERY = "*"  # in `Service.before`: a check ahead of each operation
READING = ("Describe", "Get", "List", "Head", "BatchGet", "BatchCheck", "Lookup", "Search")

Authorize = Callable[[Call], None]
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def forget(service: str, operation: str, region: str) -> None:
    """Takes no note of a change: the hook before a snapshot keeper puts its own in."""
    del service, operation, region


@dataclass
class Gateway:
    """Routes requests to services.

    Attributes:
        account: the twelve digits of the account.
        region: the region of calls that carry none.
        emulator: answers what no service of our own does.
        find_key: looks up an access key.
        services: the services by botocore's name; several may share one.
        authorize: raises `ServiceError("AccessDenied", …)` to refuse a call.
        changed: told service, operation and region after each call that may have changed a state.
        faults: errors that a test or a rehearsal asks for.
        pages: path prefix → what answers unsigned requests below it.
    """

    account: str
    region: str
    emulator: Emulator
    find_key: Callable[[str], Key | None]
    services: dict[str, list[Service]] = field(default_factory=dict)
    authorize: Authorize = allow
    changed: Callable[[str, str, str], None] = forget
    faults: Faults | None = None
    pages: dict[str, Application] = field(default_factory=dict)

    def add(self, service: Service) -> None:
        """Takes a service in, with the pages that it serves."""
        self.services.setdefault(service.name, []).append(service)
        for prefix, application in service.pages.items():
            if prefix in self.pages:
                raise ValueError(f"two services serve the path {prefix}")
            self.pages[prefix] = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """The WSGI application."""
        request = Request(environ)
        request.max_content_length = LARGEST_BODY_BYTES
        page = self._page(request.path)
        if page is not None and "HTTP_AUTHORIZATION" not in environ:
            return page(environ, start_response)
        try:
            body = request.get_data(cache=True, parse_form_data=False)
            answer = self._answer(request, body)
        except HTTPException as error:
            answer = Answer(
                error.code or 400, [("Content-Type", "text/plain")], str(error).encode()
            )
        headers = [
            (name, value)
            for name, value in answer.headers
            if name.lower() not in ("content-length", "transfer-encoding", "status", "connection")
            or (name.lower() == "content-length" and request.method == "HEAD")
        ]
        if request.method != "HEAD":
            headers.append(("Content-Length", str(len(answer.body))))
        start_response(f"{answer.status} {_reason(answer.status)}", headers)
        return [] if request.method == "HEAD" else [answer.body]

    def _page(self, path: str) -> Application | None:
        for prefix, application in self.pages.items():
            if path == prefix or path.startswith(prefix.rstrip("/") + "/"):
                return application
        return None

    def _answer(self, request: Request, body: bytes) -> Answer:
        started = time.monotonic()
        target, principal, error = None, "-", ""
        try:
            service, signature = self._service(request)
            target = Target(service, "-", _default_protocol(service), {})
            self._refuse_unknown(service)
            target = protocol.find_target(service, request)
            key = self._key(request, signature, body, target)
            principal = key.principal if key else "anonymous"
            answer = self._serve(request, body, target, signature, principal)
        except SignatureError as problem:
            error = problem.message
            answer = _signature_answer(target, problem)
        except ServiceError as problem:
            error = str(problem)
            answer = _error(target, problem)
        except protocol.UnknownOperation as problem:
            error = str(problem)
            answer = _error(target, ServiceError("InvalidAction", str(problem), 400))
        except Exception as problem:  # noqa: BLE001 -- the boundary: told to the client and the log
            error = f"{type(problem).__name__}: {problem}"
            log.error("%s", traceback.format_exc())
            answer = _error(target, ServiceError("InternalFailure", error, 500))
        _log_call(target, principal, answer, started, error)
        return answer

    def _service(self, request: Request) -> tuple[str, Signature | None]:
        try:
            signature = read_signature(request)
        except SignatureError:
            action = request.form.get("Action") or request.args.get("Action") or ""
            if action in UNSIGNED:
                return UNSIGNED[action], None
            raise
        name = protocol.service_of_signing_name(signature.signing_name)
        if name is None:
            raise SignatureError("incomplete", f"AWS has no service {signature.signing_name}.")
        return name, signature

    def _refuse_unknown(self, service: str) -> None:
        known = {*self.services, *EMULATED}
        if service not in known:
            raise ServiceError(
                "NotImplemented",
                f"The local cloud has no service {service}; it has {', '.join(sorted(known))}.",
                501,
            )

    def _key(
        self, request: Request, signature: Signature | None, body: bytes, target: Target
    ) -> Key | None:
        if signature is not None:
            return verify(request, signature, body, self.find_key)
        if UNSIGNED.get(target.operation) != target.service:
            raise SignatureError("missing", "Request is missing Authentication Token")
        return None

    def _serve(
        self,
        request: Request,
        body: bytes,
        target: Target,
        signature: Signature | None,
        principal: str,
    ) -> Answer:
        call = Call(
            service=target.service,
            operation=target.operation,
            input=_valid_input(target, request, body),
            region=signature.region if signature else self.region,
            account=self.account,
            principal=principal,
            access_key_id=signature.access_key_id if signature else "",
            source_ip=request.remote_addr or "127.0.0.1",
        )
        self.authorize(call)
        self._strike(call, "before")
        try:
            answer = self._dispatch(call, request, body, target)
            self._strike(call, "after")
            return answer
        finally:
            if not target.operation.startswith(READING):
                self.changed(target.service, target.operation, call.region)

    def _strike(self, call: Call, when: When) -> None:
        if self.faults is not None:
            self.faults.strike(call, when)

    def _dispatch(self, call: Call, request: Request, body: bytes, target: Target) -> Answer:
        services = self.services.get(call.service, [])
        for service in services:
            for operation in (call.operation, EVERY):
                if operation in service.before:
                    service.before[operation](call)
        for service in services:
            handler = service.handlers.get(call.operation)
            if handler is not None:
                return protocol.serialize_output(target, handler(call))
        if call.service not in EMULATED or any(not service.emulated for service in services):
            raise _unsupported(target)
        answer = self._emulate(request, body, target)
        if answer.status < 300:
            self._follow(services, call, target, answer)
        return answer

    def _emulate(self, request: Request, body: bytes, target: Target) -> Answer:
        try:
            return self.emulator.call(target.service, target.operation, request.environ, body)
        except NotEmulatedError as error:
            raise _unsupported(target) from error

    @staticmethod
    def _follow(services: list[Service], call: Call, target: Target, answer: Answer) -> None:
        reactions = [s.after[call.operation] for s in services if call.operation in s.after]
        if not reactions:
            return
        output = protocol.parse_output(target, answer)
        for reaction in reactions:
            reaction(call, output)


def _valid_input(target: Target, request: Request, body: bytes) -> dict[str, Any]:
    try:
        parameters = protocol.parse_input(target, request, body)
    except protocol.MalformedRequest as error:
        code = protocol.MALFORMED_CODES[target.protocol]
        raise ServiceError(code, str(error)) from error
    problems = violations(target.service, target.operation, parameters)
    if problems:
        count = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected: "
        raise ServiceError(protocol.validation_code(target), count + "; ".join(problems))
    return parameters


def _default_protocol(service: str) -> str:
    return protocol.default_protocol(service)


def _unsupported(target: Target) -> ServiceError:
    return ServiceError(
        "NotImplemented",
        f"The local cloud does not support {target.operation} of {target.service}; "
        "nothing was changed. Run it against AWS.",
        501,
    )


def _signature_answer(target: Target | None, problem: SignatureError) -> Answer:
    if target is None:
        code, status = SIGNATURE_CODES[problem.reason]["query"]
    else:
        code, status = SIGNATURE_CODES[problem.reason][target.protocol]
        if target.service == "s3":
            code, status = S3_SIGNATURE_CODES.get(problem.reason, (code, status))
    return _error(target, ServiceError(code, problem.message, status))


def _error(target: Target | None, error: ServiceError) -> Answer:
    target = target or Target("sts", "-", "query", {})
    code, status = error.code, error.status
    if code == "AccessDenied":
        code, status = SIGNATURE_CODES["denied"][target.protocol]
    return protocol.serialize_error(target, code, error.message, status)


def _reason(status: int) -> str:
    return "OK" if status < 300 else "Error"


def _log_call(
    target: Target | None, principal: str, answer: Answer, started: float, error: str
) -> None:
    milliseconds = (time.monotonic() - started) * 1000
    name = f"{target.service} {target.operation}" if target else "? ?"
    text = "%s %s %d %.0fms%s"
    log.info(text, name, principal, answer.status, milliseconds, f" {error}" if error else "")
