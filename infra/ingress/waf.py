"""A web application firewall before the load balancer."""

from __future__ import annotations

import json

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.policies import waf_logs

REQUESTS_PER_ADDRESS = 2000
"""From one address within five minutes; more are answered with 403 for a while."""

MANAGED_RULES = (
    "AWSManagedRulesAmazonIpReputationList",
    "AWSManagedRulesKnownBadInputsRuleSet",
    "AWSManagedRulesCommonRuleSet",
)
"""https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html"""

REDACTED_HEADERS = ("authorization", "cookie")
"""What identifies a caller stays out of the log."""


class Waf(pulumi.ComponentResource):
    """AWS's rules against known attacks, and a limit of requests from one address."""

    def __init__(
        self,
        name: str,
        context: Context,
        load_balancer_arn: pulumi.Input[str],
        key_arn: pulumi.Input[str] | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Waf", name, None, opts)
        rules = [_rate_limit(0), *(_managed(rule, i) for i, rule in enumerate(MANAGED_RULES, 1))]
        acl = aws.wafv2.WebAcl(
            f"{name}-acl",
            name=context.names.named(),
            description=f"Before the load balancer of {context.names.named()}",
            scope="REGIONAL",
            default_action=aws.wafv2.WebAclDefaultActionArgs(
                allow=aws.wafv2.WebAclDefaultActionAllowArgs()
            ),
            rules=rules,
            visibility_config=aws.wafv2.WebAclVisibilityConfigArgs(
                cloudwatch_metrics_enabled=True,
                metric_name=context.names.named(),
                sampled_requests_enabled=True,
            ),
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.wafv2.WebAclAssociation(
            f"{name}-association",
            resource_arn=load_balancer_arn,
            web_acl_arn=acl.arn,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self._name, self._context = name, context
        if context.settings.waf_logs:
            self._log(acl, key_arn)
        self.register_outputs({"acl_arn": acl.arn})

    def _log(self, acl: aws.wafv2.WebAcl, key_arn: pulumi.Input[str] | None) -> None:
        """Log each request with what the firewall decided about it."""
        name, context = self._name, self._context
        child = pulumi.ResourceOptions(parent=self)
        physical = context.names.firewall_log_group
        group = aws.cloudwatch.LogGroup(
            f"{name}-log",
            name=physical,
            retention_in_days=context.settings.log_retention_days,
            kms_key_id=key_arn,
            tags=dict(context.tags),
            opts=child,
        )
        delivery = aws.cloudwatch.LogResourcePolicy(
            f"{name}-log-policy",
            policy_name=physical,
            policy_document=json.dumps(waf_logs.log_delivery(context.account, physical)),
            opts=child,
        )
        aws.wafv2.WebAclLoggingConfiguration(
            f"{name}-logging",
            resource_arn=acl.arn,
            log_destination_configs=[group.arn],
            redacted_fields=[
                aws.wafv2.WebAclLoggingConfigurationRedactedFieldArgs(
                    single_header=aws.wafv2.WebAclLoggingConfigurationRedactedFieldSingleHeaderArgs(
                        name=header
                    )
                )
                for header in REDACTED_HEADERS
            ],
            opts=pulumi.ResourceOptions(parent=self, depends_on=[delivery]),
        )


def _rate_limit(priority: int) -> aws.wafv2.WebAclRuleArgs:
    return aws.wafv2.WebAclRuleArgs(
        name="requests-per-address",
        priority=priority,
        action=aws.wafv2.WebAclRuleActionArgs(block=aws.wafv2.WebAclRuleActionBlockArgs()),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            rate_based_statement=aws.wafv2.WebAclRuleStatementRateBasedStatementArgs(
                limit=REQUESTS_PER_ADDRESS, aggregate_key_type="IP"
            )
        ),
        visibility_config=_visible("requests-per-address"),
    )


def _managed(rule_set: str, priority: int) -> aws.wafv2.WebAclRuleArgs:
    return aws.wafv2.WebAclRuleArgs(
        name=rule_set,
        priority=priority,
        override_action=aws.wafv2.WebAclRuleOverrideActionArgs(
            none=aws.wafv2.WebAclRuleOverrideActionNoneArgs()  # type: ignore[no-untyped-call]
        ),
        statement=aws.wafv2.WebAclRuleStatementArgs(
            managed_rule_group_statement=aws.wafv2.WebAclRuleStatementManagedRuleGroupStatementArgs(
                name=rule_set, vendor_name="AWS"
            )
        ),
        visibility_config=_visible(rule_set),
    )


def _visible(metric: str) -> aws.wafv2.WebAclRuleVisibilityConfigArgs:
    return aws.wafv2.WebAclRuleVisibilityConfigArgs(
        cloudwatch_metrics_enabled=True, metric_name=metric, sampled_requests_enabled=True
    )
