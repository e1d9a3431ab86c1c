"""IAM policy documents, as pure functions of the ARNs in them."""
