"""What `pulumi up` runs."""

from infra.stack import define_stack

define_stack()
