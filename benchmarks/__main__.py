"""Every benchmark, one after the other: `python -m benchmarks`."""

from __future__ import annotations

from benchmarks import lasting, rollout, rollout_services, update

if __name__ == "__main__":
    rollout.main()
    rollout_services.main()
    lasting.main()
    update.main()
