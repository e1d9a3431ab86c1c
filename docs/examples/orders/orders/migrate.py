"""The release command: brings the stored data to the newest schema before a release starts."""

import store

SCHEMA = "1"

store.write("schema", SCHEMA)
print("migrated to schema", SCHEMA)
