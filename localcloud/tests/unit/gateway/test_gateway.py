"""The gateway's stages: signature, parameters, permission, service, emulator, refusal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.gateway.signature import Key
from localcloud.shared.service import Call, Credentials, Service, ServiceError
from localcloud.tests.unit.gateway_harness import (
    REGION,
    ROOT,
    ROOT_ARN,
    Served,
    fetch,
    root_key,
    served,
)


class Clusters(Service):
    """A service of our own with one operation that answers and one that fails."""

    name = "ecs"

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.handlers = {"ListClusters": self._list, "DeleteCluster": self._delete}

    def _list(self, call: Call) -> Mapping[str, Any]:
        self.calls.append(call)
        return {"clusterArns": ["arn:aws:ecs:us-east-1:123456789012:cluster/one"]}

    def _delete(self, call: Call) -> Mapping[str, Any]:
        raise ServiceError("ClusterNotFoundException", "Cluster not found.")


@pytest.fixture
def clusters() -> Clusters:
    return Clusters()


@pytest.fixture
def cloud(clusters: Clusters) -> Iterator[Served]:
    with served(clusters) as found:
        yield found


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_service_of_our_own_gets_the_call_and_answers(cloud: Served, clusters: Clusters) -> None:
    answer = cloud.client("ecs").list_clusters(maxResults=7)

    assert answer["clusterArns"] == ["arn:aws:ecs:us-east-1:123456789012:cluster/one"]
    call = clusters.calls[0]
    assert (call.operation, call.input, call.region) == ("ListClusters", {"maxResults": 7}, REGION)
    assert (call.principal, call.access_key_id) == (ROOT_ARN, ROOT.access_key_id)


def test_a_service_error_becomes_the_modelled_exception(cloud: Served) -> None:
    ecs = cloud.client("ecs")

    with pytest.raises(ecs.exceptions.ClusterNotFoundException, match="Cluster not found"):
        ecs.delete_cluster(cluster="absent")


def test_the_emulator_answers_for_its_services(cloud: Served) -> None:
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="/gateway/emulated")

    groups = logs.describe_log_groups(logGroupNamePrefix="/gateway/emulated")["logGroups"]
    assert [group["logGroupName"] for group in groups] == ["/gateway/emulated"]


WRONG_SECRET = {
    "ec2": ("describe_vpcs", "AuthFailure"),
    "ecs": ("list_clusters", "InvalidSignatureException"),
    "elbv2": ("describe_load_balancers", "SignatureDoesNotMatch"),
    "iam": ("list_roles", "SignatureDoesNotMatch"),
    "logs": ("describe_log_groups", "InvalidSignatureException"),
    "route53": ("list_hosted_zones", "SignatureDoesNotMatch"),
    "s3": ("list_buckets", "SignatureDoesNotMatch"),
}


@pytest.mark.parametrize("service", WRONG_SECRET)
def test_a_wrong_secret_is_refused_in_each_protocol(cloud: Served, service: str) -> None:
    operation, code = WRONG_SECRET[service]
    client = cloud.client(service, Credentials(ROOT.access_key_id, "not the secret"))

    with pytest.raises(ClientError) as error:
        getattr(client, operation)()
    assert code_of(error) == code


UNKNOWN_KEY = {
    "ec2": ("describe_vpcs", "AuthFailure"),
    "ecs": ("list_clusters", "UnrecognizedClientException"),
    "iam": ("list_roles", "InvalidClientTokenId"),
    "s3": ("list_buckets", "InvalidAccessKeyId"),
}


@pytest.mark.parametrize("service", UNKNOWN_KEY)
def test_an_unknown_key_is_refused_in_each_protocol(cloud: Served, service: str) -> None:
    operation, code = UNKNOWN_KEY[service]
    client = cloud.client(service, Credentials("AKIANOBODYNOBODYNOBO", "x"))

    with pytest.raises(ClientError) as error:
        getattr(client, operation)()
    assert code_of(error) == code


@pytest.mark.parametrize(
    ("token", "expires_in", "code"),
    [
        ("the token", timedelta(hours=1), None),
        ("another token", timedelta(hours=1), "UnrecognizedClientException"),
        (None, timedelta(hours=1), "UnrecognizedClientException"),
        ("the token", timedelta(seconds=-1), "ExpiredTokenException"),
    ],
)
def test_a_session_needs_its_token_and_ends(
    token: str | None, expires_in: timedelta, code: str | None
) -> None:
    key = Key("s", "arn:aws:sts::1:assumed-role/r/s", "the token", datetime.now(UTC) + expires_in)
    with served(Clusters(), find_key=lambda _: key) as cloud:
        client = cloud.client("ecs", Credentials("ASIATESTTESTTESTTEST", "s", token))
        if code is None:
            assert client.list_clusters()["clusterArns"]
            return
        with pytest.raises(ClientError) as error:
            client.list_clusters()
        assert code_of(error) == code


def test_an_inactive_key_is_refused() -> None:
    key = Key("s", "arn:aws:iam::1:user/u", active=False)
    with served(Clusters(), find_key=lambda _: key) as cloud:
        with pytest.raises(ClientError) as error:
            cloud.client("ecs", Credentials("AKIATESTTESTTESTTEST", "s")).list_clusters()
        assert code_of(error) == "UnrecognizedClientException"


@pytest.mark.parametrize("path", ["/", "/moto-api/reset", "/moto-api/data.json", "/a-bucket/key"])
def test_unsigned_requests_are_refused(cloud: Served, path: str) -> None:
    assert fetch(cloud.url + path, "POST")[0] == 403


def test_a_changed_body_is_refused(cloud: Served) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="gateway-tampered")

    def tamper(request: Any, **_: Any) -> None:
        request.body = b"tampered"
        request.headers["Content-Length"] = str(len(request.body))

    s3.meta.events.register("before-send.s3.PutObject", tamper)
    with pytest.raises(ClientError) as error:
        s3.put_object(Bucket="gateway-tampered", Key="k", Body=b"original")
    assert code_of(error) == "SignatureDoesNotMatch"


def test_keys_with_difficult_names_keep_their_signature(cloud: Served) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="gateway-names")
    name = "a b/c+d/é=&?#%25.txt"
    s3.put_object(Bucket="gateway-names", Key=name, Body=b"x")

    assert s3.get_object(Bucket="gateway-names", Key=name)["Body"].read() == b"x"
    assert [row["Key"] for row in s3.list_objects_v2(Bucket="gateway-names")["Contents"]] == [name]


def test_a_presigned_url_opens_until_it_is_changed(cloud: Served) -> None:
    s3 = cloud.client("s3", signature_version="s3v4")
    s3.create_bucket(Bucket="gateway-presigned")
    s3.put_object(Bucket="gateway-presigned", Key="k", Body=b"content")
    where = {"Bucket": "gateway-presigned", "Key": "k"}
    url = s3.generate_presigned_url("get_object", Params=where)

    assert fetch(url) == (200, b"content")
    assert fetch(url.replace("/k?", "/other?"))[0] == 403


def test_parameters_outside_their_constraints_are_refused(cloud: Served) -> None:
    client = cloud.client("ecs", parameter_validation=False)

    with pytest.raises(ClientError, match="ListClusters: invalid literal") as error:
        client.list_clusters(maxResults="many")
    assert code_of(error) == "SerializationException"
    with pytest.raises(ClientError, match="cluster") as error:
        client.delete_cluster()
    assert code_of(error) == "InvalidParameterException"


def test_a_deeply_nested_body_is_refused(cloud: Served) -> None:
    def nest(params: dict[str, Any], **_: object) -> None:
        params["body"] = b'{"filters":' * 100_000 + b"1" + b"}" * 100_000

    client = cloud.client("ecs")
    client.meta.events.register("before-call.ecs.ListClusters", nest)
    with pytest.raises(ClientError, match="nested too deeply") as error:
        client.list_clusters()
    assert code_of(error) == "SerializationException"


def test_what_nobody_knows_is_refused_in_words(cloud: Served) -> None:
    with pytest.raises(ClientError, match="does not support CreateCluster of ecs") as error:
        cloud.client("ecs").create_cluster()
    assert code_of(error) == "NotImplemented"
    with pytest.raises(ClientError, match="has no service glacier; it has acm, ") as error:
        cloud.client("glacier").list_vaults()
    assert code_of(error) == "NotImplemented"
    with pytest.raises(ClientError, match="does not support CreateIpam of ec2"):
        cloud.client("ec2").create_ipam()


def test_a_denied_call_reaches_no_service(cloud: Served, clusters: Clusters) -> None:
    def deny(call: Call) -> None:
        raise ServiceError("AccessDenied", f"not {call.operation}")

    cloud.gateway.authorize = deny
    with pytest.raises(ClientError, match="not ListClusters") as error:
        cloud.client("ecs").list_clusters()
    assert code_of(error) == "AccessDeniedException"
    with pytest.raises(ClientError) as error:
        cloud.client("ec2").describe_vpcs()
    assert code_of(error) == "UnauthorizedOperation"
    assert clusters.calls == []


class Watched(Service):
    """Stands around the emulator's logs."""

    name = "logs"
    emulated = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str]] = []
        self.before = {"CreateLogGroup": self._refuse_bad, "*": self._note}
        self.after = {"CreateLogGroup": self._created}

    def _refuse_bad(self, call: Call) -> None:
        if "bad" in call.input["logGroupName"]:
            raise ServiceError("ResourceAlreadyExistsException", "no")

    def _note(self, call: Call) -> None:
        self.seen.append(("before", call.operation))

    def _created(self, call: Call, answer: Mapping[str, Any]) -> None:
        assert answer == {}
        self.seen.append(("after", call.input["logGroupName"]))


def test_checks_go_ahead_of_the_emulator_and_reactions_follow_its_success() -> None:
    watched = Watched()
    with served(watched) as cloud:
        logs = cloud.client("logs")
        logs.create_log_group(logGroupName="/gateway/good")
        for name in ("/gateway/bad", "/gateway/good"):
            with pytest.raises(logs.exceptions.ResourceAlreadyExistsException):
                logs.create_log_group(logGroupName=name)
        found = logs.describe_log_groups(logGroupNamePrefix="/gateway/bad")["logGroups"]

    assert found == []
    assert watched.seen.count(("after", "/gateway/good")) == 1
    assert ("before", "DescribeLogGroups") in watched.seen


def test_changes_are_told_and_reads_are_not(cloud: Served) -> None:
    changed: list[tuple[str, str, str]] = []
    cloud.gateway.changed = lambda *names: changed.append(names)
    sns = cloud.client("sns")
    sns.list_topics()
    assert changed == []
    sns.create_topic(Name="gateway-changes")
    assert changed == [("sns", "CreateTopic", REGION)]


def test_pages_answer_unsigned_requests_below_their_path() -> None:
    class Paged(Clusters):
        def __init__(self) -> None:
            super().__init__()
            self.pages = {"/hooks": self._page}

        def _page(self, environ: Mapping[str, Any], start_response: Any) -> list[bytes]:
            start_response("200 OK", [("Content-Length", "2")])
            return [b"ok"]

    with served(Paged()) as cloud:
        assert fetch(f"{cloud.url}/hooks/one") == (200, b"ok")
        assert fetch(f"{cloud.url}/hooksmore")[0] == 403
        assert cloud.client("ecs").list_clusters()["clusterArns"]


def test_two_services_cannot_serve_one_path() -> None:
    first, second = Clusters(), Clusters()
    first.pages = second.pages = {"/hooks": lambda *_: []}

    with pytest.raises(ValueError, match="/hooks"), served(first, second):
        pass


def test_a_bug_in_a_service_is_told_and_the_gateway_goes_on(cloud: Served) -> None:
    def broken(call: Call) -> Mapping[str, Any]:
        raise KeyError("a bug")

    cloud.gateway.services["ecs"][0].handlers["ListServices"] = broken
    with pytest.raises(ClientError, match="KeyError") as error:
        cloud.client("ecs").list_services()
    assert code_of(error) == "InternalFailure"
    assert cloud.client("ecs").list_clusters()["clusterArns"]


def test_an_old_signature_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    later = datetime.now(UTC) - timedelta(minutes=20)
    with served(Clusters(), find_key=root_key) as cloud:
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: later)
        with pytest.raises(ClientError, match="Signature expired") as error:
            cloud.client("ecs").list_clusters()
        assert code_of(error) == "InvalidSignatureException"
