"""What requests pass before the tasks: load balancer, certificate, firewall, routes."""
