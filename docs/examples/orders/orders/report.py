"""The nightly job: counts the orders that are done."""

import store

count = sum(1 for _ in store.bucket.objects.filter(Prefix="orders/"))
store.write("report", f"{count} orders")
print(count, "orders are done")
