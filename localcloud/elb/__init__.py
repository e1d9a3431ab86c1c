"""Elastic Load Balancing: ELBv2's API with HAProxy behind it."""

from localcloud.elb.service import Elb

__all__ = ["Elb"]
