"""Services in places that they didn't make: one environment's, and somebody else's network.

The tests of this file share one local cloud and run in the order in which they stand.
"""

from __future__ import annotations

import json
import shutil
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.checkout import Checkout, copy_tree, until
from tests.e2e.test_main_job import get, inventory
from tests.e2e.test_previews import Watch, spoken

SOURCE = Path("hello/application.py")
ENVIRONMENT, API, THEIRS = (("--stack", name) for name in ("local", "api", "theirs"))
FLAGS = ("--yes", "--no-smoke")


def application(checkout: Checkout, folder: str, says: str) -> None:
    """A copy of the sample application that answers every path, and says something else."""
    target = checkout.root / folder
    shutil.copytree(checkout.root / "app", target, dirs_exist_ok=True)
    text = (checkout.root / "app" / SOURCE).read_text()
    assert 'Route("/", hello), Route("/health", health)' in text
    text = text.replace("Hello World!", f"Hello {says}!").replace(
        'Route("/", hello), Route("/health", health)',
        'Route("/health", health), Route("/{path:path}", hello)',
    )
    (target / SOURCE).write_text(text)


def settings(checkout: Checkout, stack: str, **values: object) -> None:
    """The settings file of another stack of the local cloud."""
    document = yaml.safe_load((checkout.root / "Pulumi.local.yaml").read_text())
    document["config"] |= {f"fargate-cd:{name}": value for name, value in values.items()}
    (checkout.root / f"Pulumi.{stack}.yaml").write_text(yaml.safe_dump(document))


@pytest.fixture(scope="module")
def checkout(
    tmp_path_factory: pytest.TempPathFactory, settling_seconds: float | None
) -> Iterator[Checkout]:
    copy = copy_tree(tmp_path_factory.mktemp("place"), settling_seconds)
    application(copy, "api", "API")
    settings(copy, "api", in_environment="local", app_path="api", route_paths=["/api", "/api/*"])
    try:
        yield copy
    finally:
        for stack in (API, THEIRS, ENVIRONMENT):
            copy.run("destroy", *stack, "--yes")
        stopped = copy.run("local", "stop")
        assert stopped.returncode == 0, stopped.stderr


@pytest.fixture(scope="module")
def place(checkout: Checkout) -> dict[str, Any]:
    """The environment, and what there was before any other service."""
    refused = checkout.run("up", *API, *FLAGS)
    assert refused.returncode == 2, refused.stderr
    assert "There is no environment local that shares its place" in refused.stderr
    done = checkout.json("up", *ENVIRONMENT, *FLAGS)
    return {"url": done["outputs"]["service_url"], "inventory": inventory(checkout)}


@pytest.fixture(scope="module")
def api(checkout: Checkout, place: dict[str, Any]) -> dict[str, Any]:
    """A second service in the environment."""
    assert place
    done: dict[str, Any] = checkout.json("up", *API, *FLAGS)
    return done


def test_two_services_answer_behind_one_address(
    checkout: Checkout, place: dict[str, Any], api: dict[str, Any]
) -> None:
    assert api["outputs"]["service_url"] == f"{place['url']}/api"
    assert spoken(get(f"{place['url']}/")) == "World"
    assert spoken(get(f"{place['url']}/api")) == "API"
    assert spoken(get(f"{place['url']}/api/users/1")) == "API"
    with pytest.raises(urllib.error.HTTPError):
        get(f"{place['url']}/apis")
    made = inventory(checkout)
    for kind in ("vpcs", "subnets", "gateways", "route tables", "clusters", "load balancers"):
        assert made[kind] == place["inventory"][kind]
    assert checkout.json("status", *API)["service"]["running"] == 2
    assert checkout.json("preview", *API, "--expect-no-changes")["changes"]["update"] == 0
    checkout.json("preview", *ENVIRONMENT, "--expect-no-changes")


def releases(checkout: Checkout, stack: tuple[str, str]) -> int:
    return len(checkout.json("releases", *stack)["releases"])


def test_each_is_released_by_itself_and_the_other_loses_nothing(
    checkout: Checkout, place: dict[str, Any], api: dict[str, Any]
) -> None:
    assert api
    urls = {"environment": f"{place['url']}/", "api": f"{place['url']}/api"}
    before = {stack: releases(checkout, stack) for stack in (ENVIRONMENT, API)}
    with Watch(urls) as watch:
        application(checkout, "api", "NewAPI")
        checkout.json("up", *API, *FLAGS)
        until(lambda: "NewAPI" in watch.seen["api"])
    assert watch.failures == []
    assert watch.seen == {"environment": {"World"}, "api": {"API", "NewAPI"}}
    assert releases(checkout, API) == before[API] + 1
    assert releases(checkout, ENVIRONMENT) == before[ENVIRONMENT]


def test_a_release_that_shifts_traffic_loses_nothing_behind_a_shared_listener(
    checkout: Checkout, place: dict[str, Any], api: dict[str, Any]
) -> None:
    assert api
    application(checkout, "api", "Shifted")
    settings(
        checkout,
        "api",
        in_environment="local",
        app_path="api",
        route_paths=["/api", "/api/*"],
        strategy="blue_green",
        bake_minutes=0,
    )
    with Watch({"environment": f"{place['url']}/", "api": f"{place['url']}/api"}) as watch:
        checkout.json("up", *API, *FLAGS)
        until(lambda: "Shifted" in watch.seen["api"])
    assert watch.failures == []
    assert watch.seen == {"environment": {"World"}, "api": {"NewAPI", "Shifted"}}


def test_an_environment_is_not_destroyed_under_a_service(
    checkout: Checkout, place: dict[str, Any], api: dict[str, Any]
) -> None:
    assert api
    refused = checkout.run("destroy", *ENVIRONMENT, "--yes")
    assert refused.returncode == 2, refused.stderr
    assert "fargate-cd/api" in refused.stderr
    assert spoken(get(f"{place['url']}/")) == "World"
    gone = checkout.json("destroy", *API, "--yes")
    assert (gone["result"], gone["leftovers"]) == ("succeeded", [])
    assert inventory(checkout) == place["inventory"]
    checkout.json("preview", *ENVIRONMENT, "--expect-no-changes")


def described(checkout: Checkout, made: dict[str, Any]) -> str:
    """All that is there of a place of somebody else's, whatever it is made of."""
    ec2, ecs, elbv2 = (checkout.client(name) for name in ("ec2", "ecs", "elbv2"))
    network = [{"Name": "vpc-id", "Values": [made["vpc"]]}]
    balancer, listener = made["balancer"], made["listener"]
    answers = [
        ec2.describe_vpcs(VpcIds=[made["vpc"]])["Vpcs"],
        ec2.describe_subnets(Filters=network)["Subnets"],
        ec2.describe_route_tables(Filters=network)["RouteTables"],
        ec2.describe_network_acls(Filters=network)["NetworkAcls"],
        ec2.describe_security_groups(Filters=network)["SecurityGroups"],
        ec2.describe_internet_gateways()["InternetGateways"],
        ec2.describe_vpc_endpoints(Filters=network)["VpcEndpoints"],
        ecs.describe_clusters(
            clusters=[made["cluster"]], include=["TAGS", "SETTINGS", "CONFIGURATIONS"]
        )["clusters"],
        elbv2.describe_load_balancers(LoadBalancerArns=[balancer])["LoadBalancers"],
        elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"],
        elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"],
        elbv2.describe_rules(ListenerArn=listener)["Rules"],
        elbv2.describe_tags(ResourceArns=[balancer, listener])["TagDescriptions"],
    ]
    return json.dumps(answers, default=str, sort_keys=True, indent=1)


def somebody_elses(checkout: Checkout) -> dict[str, Any]:
    """A network, a cluster and a load balancer that this project did not make."""
    ec2, ecs, elbv2 = (checkout.client(name) for name in ("ec2", "ecs", "elbv2"))
    vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnets = []
    for number, zone in enumerate("ab"):
        subnet = ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )["Subnet"]["SubnetId"]
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        subnets.append(subnet)
    group = ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)
    cluster = ecs.create_cluster(clusterName="theirs")["cluster"]["clusterArn"]
    ecs.put_cluster_capacity_providers(
        cluster="theirs", capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[]
    )
    balancer = elbv2.create_load_balancer(
        Name="theirs", Subnets=subnets, SecurityGroups=[group["GroupId"]]
    )["LoadBalancers"][0]["LoadBalancerArn"]
    answer = {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "200", "MessageBody": "Hello Theirs!"},
    }
    listener = elbv2.create_listener(
        LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=[answer]
    )["Listeners"][0]["ListenerArn"]
    return {
        "vpc": vpc,
        "subnets": subnets,
        "cluster": cluster,
        "balancer": balancer,
        "listener": listener,
    }


@pytest.mark.parametrize("shared", [False, True], ids=["own load balancer", "their listener"])
def test_a_place_of_somebody_elses_stays_as_it_was(
    checkout: Checkout, place: dict[str, Any], shared: bool
) -> None:
    assert place
    made = somebody_elses(checkout) if not shared else json.loads(_memo(checkout).read_text())
    _memo(checkout).write_text(json.dumps(made))
    given: dict[str, Any] = {"vpc_id": made["vpc"], "subnet_ids": made["subnets"]}
    given |= {"cluster_arn": made["cluster"], "app_path": "api"}
    if shared:
        given |= {"listener_arn": made["listener"], "route_paths": ["/api/*", "/api"]}
    before = described(checkout, made)
    settings(checkout, "theirs", **given | {"subnet_ids": ["subnet-01234567"]})
    refused = checkout.run("up", *THEIRS, *FLAGS)
    assert refused.returncode == 2, refused.stderr
    assert "fargate-cd:subnet_ids" in refused.stderr
    settings(checkout, "theirs", **given)
    url = checkout.json("up", *THEIRS, *FLAGS)["outputs"]["service_url"]
    assert spoken(get(url)) == "Shifted"
    if shared:
        assert spoken(get(url.removesuffix("/api"))) == "Theirs"
    gone = checkout.json("destroy", *THEIRS, "--yes")
    assert (gone["result"], gone["leftovers"]) == ("succeeded", [])
    assert described(checkout, made) == before


def _memo(checkout: Checkout) -> Path:
    return checkout.root / "theirs.json"
