"""Every lifecycle method, in its place."""

from suitkaise.processing import Skprocess

batches = iter([[1, 2], [3, 4]])
processed = []


def fetch_next_batch():
    return next(batches)


def process(item):
    processed.append(item)


class Batches(Skprocess):
    def __init__(self):
        self.process_config.runs = 2
        self.results = []
        self.calls = []

    def __prerun__(self):
        self.data = fetch_next_batch()

    def __run__(self):
        for item in self.data:
            process(item)

        self.batch_result = sum(self.data)

    def __postrun__(self):
        self.results.append(self.batch_result)
        self.batch_result = None

    def __onfinish__(self):
        self.cleanup_resources()
        self.save_final_state()

    def cleanup_resources(self):
        self.calls.append("cleaned up")

    def save_final_state(self):
        self.calls.append("saved")
        self.counter = len(processed)

    def __result__(self):
        return {
            'count': self.counter,
            'results': self.results,
            'status': 'completed'
        }


assert Batches().run() == {"count": 4, "results": [3, 7], "status": "completed"}


def log_error(error):
    print("logged:", error)


class Failing(Skprocess):
    def __run__(self):
        raise ValueError("no more batches")

    def __error__(self):
        log_error(self.error)
        return {'status': 'failed', 'error': str(self.error)}


failed = Failing().run()
assert failed["status"] == "failed"
assert "no more batches" in failed["error"]


class WithoutResult(Skprocess):
    def __init__(self):
        self.process_config.runs = 1

    def __run__(self):
        pass


assert WithoutResult().run() is None
