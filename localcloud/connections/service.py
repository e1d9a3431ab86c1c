"""The API of CodeConnections, and the page on which a person authorizes a connection.

https://docs.aws.amazon.com/codeconnections/latest/APIReference/Welcome.html. A new connection is
PENDING until a person has authorized it: on AWS in the console, here on the page.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from werkzeug.wrappers import Request, Response

from localcloud.connections.store import AVAILABLE, Connection, Store, store_of
from localcloud.shared.service import Call, Service, ServiceError, Surroundings

PAGES = "/connections"
GITHUB = "GitHub"
MOST_TAGS = 200
PAGE_SIZE = 100


class CodeConnections(Service):
    """AWS CodeConnections.

    Args:
        surroundings: the local cloud around it.
    """

    name = "codeconnections"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self._store = store_of(surroundings.shared_dir)
        self.handlers = {
            "CreateConnection": self._create,
            "GetConnection": self._get,
            "ListConnections": self._list,
            "DeleteConnection": self._delete,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            "ListTagsForResource": self._list_tags,
        }
        self.pages = {PAGES: AuthorizationPage(self._store)}

    def _create(self, call: Call) -> Mapping[str, Any]:
        wanted = call.input
        if wanted.get("HostArn"):
            raise _not_found(wanted["HostArn"])
        provider = wanted.get("ProviderType")
        if provider is None:
            raise ServiceError("InvalidInputException", "ProviderType or HostArn must be given")
        if provider != GITHUB:
            raise ServiceError(
                "UnsupportedProviderTypeException",
                f"The local cloud has connections to {GITHUB} alone, not to {provider}",
            )
        arn = f"arn:aws:{self.name}:{call.region}:{call.account}:connection/{uuid.uuid4()}"
        tags = {tag["Key"]: tag["Value"] for tag in wanted.get("Tags", [])}
        with self._store.change() as known:
            if any(_is_beside(one, call, wanted["ConnectionName"]) for one in known.values()):
                raise ServiceError(
                    "InvalidInputException",
                    f"There is a connection with the name {wanted['ConnectionName']} already",
                )
            known[arn] = Connection(arn, wanted["ConnectionName"], provider, tags=tags)
        return {"ConnectionArn": arn, "Tags": _pairs(tags)}

    def _get(self, call: Call) -> Mapping[str, Any]:
        with self._store.read() as known:
            return {"Connection": _shown(_find(known, call.input["ConnectionArn"]))}

    def _list(self, call: Call) -> Mapping[str, Any]:
        provider = call.input.get("ProviderTypeFilter")
        with self._store.read() as known:
            rows = [
                _shown(one)
                for one in known.values()
                if one.region == call.region and provider in {None, one.provider}
            ]
        if call.input.get("HostArnFilter"):
            rows = []
        token = call.input.get("NextToken", "0")
        if not token.isdigit() or int(token) > len(rows):
            raise ServiceError("ResourceNotFoundException", "The NextToken is of no earlier answer")
        begin, size = int(token), call.input.get("MaxResults") or PAGE_SIZE
        more = {"NextToken": str(begin + size)} if begin + size < len(rows) else {}
        return {"Connections": rows[begin : begin + size], **more}

    def _delete(self, call: Call) -> Mapping[str, Any]:
        with self._store.change() as known:
            del known[_find(known, call.input["ConnectionArn"]).arn]
        return {}

    def _tag(self, call: Call) -> Mapping[str, Any]:
        with self._store.change() as known:
            tags = _find(known, call.input["ResourceArn"]).tags
            wanted = tags | {tag["Key"]: tag["Value"] for tag in call.input["Tags"]}
            if len(wanted) > MOST_TAGS:
                raise ServiceError("LimitExceededException", f"At most {MOST_TAGS} tags are kept")
            tags.update(wanted)
        return {}

    def _untag(self, call: Call) -> Mapping[str, Any]:
        with self._store.change() as known:
            tags = _find(known, call.input["ResourceArn"]).tags
            for key in call.input["TagKeys"]:
                tags.pop(key, None)
        return {}

    def _list_tags(self, call: Call) -> Mapping[str, Any]:
        with self._store.read() as known:
            return {"Tags": _pairs(_find(known, call.input["ResourceArn"]).tags)}

    def tagged_resources(self, region: str) -> Mapping[str, Mapping[str, str]]:
        """The connections that this name of the service made, with their tags."""
        with self._store.read() as known:
            return {
                one.arn: dict(one.tags)
                for one in known.values()
                if one.region == region and one.arn.split(":")[2] == self.name
            }


class CodeStarConnections(CodeConnections):
    """The same service under its former name, with the same connections."""

    name = "codestar-connections"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self.pages = {}


def _is_beside(one: Connection, call: Call, name: str) -> bool:
    return (one.region, one.account, one.name) == (call.region, call.account, name)


def _find(known: Mapping[str, Connection], arn: str) -> Connection:
    if arn not in known:
        raise _not_found(arn)
    return known[arn]


def _not_found(arn: str) -> ServiceError:
    return ServiceError("ResourceNotFoundException", f"There is no resource {arn}")


def _shown(one: Connection) -> dict[str, Any]:
    return {
        "ConnectionName": one.name,
        "ConnectionArn": one.arn,
        "ProviderType": one.provider,
        "OwnerAccountId": one.account,
        "ConnectionStatus": one.status,
    }


def _pairs(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


@dataclass(frozen=True)
class AuthorizationPage:
    """The WSGI application that stands for the console; for this machine alone.

    Args:
        store: the connections.
    """

    store: Store

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Show a connection, or authorize it."""
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        local = (request.remote_addr or "").startswith("127.")
        if not local or request.headers.get("Origin") not in {None, request.host_url.rstrip("/")}:
            return Response("The page is for this machine.\n", 403, content_type="text/plain")
        asked = request.path.removeprefix(f"{PAGES}/")
        with self.store.change() as known:
            found = [one for one in known.values() if one.identifier == asked]
            if not found:
                return Response("There is no such connection.\n", 404, content_type="text/plain")
            if request.method == "POST":
                found[0].status = AVAILABLE
        return Response(_page(found[0]), content_type="text/html")


def _page(one: Connection) -> str:
    form = (
        "" if one.status == AVAILABLE else '<form method="post"><button>Authorize</button></form>'
    )
    return (
        f'<!doctype html><html lang="en"><title>{escape(one.name)}</title>'
        f"<h1>{escape(one.name)}</h1><p>{one.arn}</p><p>{one.status}</p>{form}</html>\n"
    )
