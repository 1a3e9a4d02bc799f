"""The peers of the scheduler's actor: Ray, dramatiq and Celery, each with a job that does nothing.

usage: queues.py ray | dramatiq | celery        (the last two with REDIS_URL in the environment)

Starts whatever the peer needs, warms it up, and says what it is as one JSON object on stdout. Then reads the number of
jobs of each round on stdin and answers with an empty JSON object once all of them are done. Processor time is counted
by whoever started this, over all processes below it.
"""

import importlib.metadata
import json
import os
import subprocess
import sys

REDIS_URL = os.environ.get("REDIS_URL", "")
WARM_UP = 500
# Programs of the peers are found beside the interpreter, whatever is on the PATH.
PROGRAMS = os.path.dirname(sys.executable)


def nothing(number):
    return None


def start_ray():
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)

    @ray.remote
    class Device:
        def job(self, number):
            return None

    devices = [Device.remote() for _ in range(2)]

    def run(jobs):
        ray.get([devices[number % 2].job.remote(number) for number in range(jobs)])

    return run, ray.shutdown


def start_dramatiq():
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(url=REDIS_URL)
    dramatiq.set_broker(broker)
    job = dramatiq.actor(nothing, actor_name="job")
    # The worker imports this very file, and finds the same broker and job in it.
    worker = [sys.executable, "-m", "dramatiq", "queues:broker", "--path", os.path.dirname(__file__)]
    worker += ["--processes", "2", "--threads", "4"]
    workers = subprocess.Popen(worker, stdout=sys.stderr, env={**os.environ, "QUEUES_ROLE": "dramatiq"})

    def run(jobs):
        for number in range(jobs):
            job.send(number)
        broker.join("default", interval=50)

    return run, workers.terminate


def start_celery():
    app = celery_app()
    worker = [sys.executable, "-m", "celery", "--app", "queues", "--workdir", os.path.dirname(__file__), "worker"]
    worker += ["--concurrency", "2", "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]
    workers = subprocess.Popen(worker, stdout=sys.stderr, env={**os.environ, "QUEUES_ROLE": "celery"})

    def run(jobs):
        from celery import group

        group(app.tasks["job"].s(number) for number in range(jobs)).apply_async().join()

    return run, workers.terminate


def celery_app():
    from celery import Celery

    app = Celery("queues", broker=REDIS_URL, backend=REDIS_URL)
    app.task(nothing, name="job")
    app.finalize()
    return app


def main():
    # The machine's stdout is for answers; whatever the libraries print goes elsewhere.
    answers, sys.stdout = sys.stdout, sys.stderr
    name = sys.argv[1]
    run, stop = {"ray": start_ray, "dramatiq": start_dramatiq, "celery": start_celery}[name]()
    run(WARM_UP)

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    answer({"version": importlib.metadata.version(name)})
    for line in sys.stdin:
        run(int(line))
        answer({})
    stop()


role = os.environ.get("QUEUES_ROLE")
if role == "dramatiq":
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    broker = RedisBroker(url=REDIS_URL)
    dramatiq.set_broker(broker)
    dramatiq.actor(nothing, actor_name="job")
elif role == "celery":
    app = celery_app()
elif __name__ == "__main__":
    main()
