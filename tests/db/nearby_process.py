"""A process of its own that follows the network, as a server does, and says what it would answer whenever that changes.

`python nearby_process.py DATABASE_URL`; ends when its input does.
"""

import json
import sys
import threading
from contextlib import closing

from dropoff.db import Database
from dropoff.network.nearby import Nearby, Search
from dropoff.network.refreshing import Refresher


def main(url: str) -> None:
    stopped = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), stopped.set()), daemon=True).start()
    with closing(Database(url)) as db:
        nearby = Nearby()
        refresher = Refresher(db, nearby)
        said = None
        while not stopped.wait(0.02):
            hits = nearby.snapshot.nearest(Search(52.5, 13.4, 10)) if nearby.heard_until else None
            told = None if hits is None else [(hit.place.external_id, hit.evidence.free) for hit in hits]
            if told is not None and told != said:
                said = told
                print(json.dumps(told), flush=True)
        refresher.stop()


if __name__ == "__main__":
    main(sys.argv[1])
