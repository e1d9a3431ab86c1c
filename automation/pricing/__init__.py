"""What a stack costs a month, estimated from its resources and a dated table of AWS's prices."""
