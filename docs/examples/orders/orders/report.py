"""The nightly job: counts the orders that are done, and writes a report into the bucket."""

import store

((count,),) = store.ask("SELECT count(*) FROM orders")
store.bucket.Object("report").put(Body=f"{count} orders".encode())
print(count, "orders are done")
