"""The provider's partition, account and region."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_aws as aws

PRINCIPALS_DOMAIN = "amazonaws.com"
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""

CONSOLES = {
    "aws": "https://{region}.console.aws.amazon.com",
    "aws-cn": "https://{region}.console.amazonaws.cn",
    "aws-us-gov": "https://{region}.console.amazonaws-us-gov.com",
}


@dataclass(frozen=True)
class Account:
    """An account in a region.

    Attributes:
        partition: `aws`, or that of another group of regions.
        account_id: twelve digits.
        region: such as `us-east-1`.
        domain: the domain of the partition's endpoints, such as `amazonaws.com`.
    """

    partition: str
    account_id: str
    region: str
    domain: str

    def principal(self, service: str) -> str:
        """A service as the principal of a policy.

        Principals have the same domain in every partition, other than CloudWatch Logs', which has
        one in each region:
        https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html

        Args:
            service: its name, such as `ecs-tasks`.
        """
        if service == "logs":
            return f"logs.{self.region}.{self.domain}"
        return f"{service}.{PRINCIPALS_DOMAIN}"

    @property
    def reverse_domain(self) -> str:
        """How the names of the services of VPC endpoints begin, such as `com.amazonaws`.

        https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html
        """
        return ".".join(reversed(self.domain.split(".")))

    @property
    def console(self) -> str:
        """The address of the console in this region.

        https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/console-help-gsg.html
        """
        pattern = CONSOLES.get(self.partition, CONSOLES["aws"])
        return pattern.format(region=self.region)

    def arn(
        self,
        service: str,
        resource: str,
        *,
        region: str | None = None,
        account_id: str | None = None,
    ) -> str:
        """The ARN of a resource of this account and region, unless others are named.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html

        Args:
            service: the service's part, such as `ecs`.
            resource: what follows the account, such as `cluster/shop`.
            region: another region; empty for a service without regions.
            account_id: another account; empty for resources without one.
        """
        where = self.region if region is None else region
        owner = self.account_id if account_id is None else account_id
        return f"arn:{self.partition}:{service}:{where}:{owner}:{resource}"

    @classmethod
    def current(cls) -> Account:
        """The account and region of the AWS provider."""
        partition = aws.get_partition()
        return cls(
            partition=partition.partition,
            account_id=aws.get_caller_identity().account_id,
            region=aws.get_region().region,
            domain=partition.dns_suffix,
        )
