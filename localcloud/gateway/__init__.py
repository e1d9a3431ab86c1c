"""One address of all APIs: signatures, protocols, and the refusals of AWS."""
