"""A client of the soak on librdkafka, speaking the lines of lines.ts: `write BOOTSTRAP COMPRESSION`, `read BOOTSTRAP GROUP TOPIC,TOPIC`."""
import re
import sys
import threading
import zlib
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

out = sys.stdout.buffer


def say(*fields):
    out.write(b"\t".join(f if isinstance(f, bytes) else str(f).encode() for f in fields) + b"\n")
    out.flush()


def reason(error):
    return re.sub(r"\d+", "N", " ".join(str(error).split()))[:120]


def write(bootstrap, compression):
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": compression, "enable.idempotence": True,
                         "linger.ms": 5, "message.timeout.ms": 120000, "message.max.bytes": 1000000},
                        error_cb=lambda error: say(b"E", reason(error)), logger=silence())
    is_over = threading.Event()

    def serve():
        while not is_over.is_set():
            producer.poll(0.1)

    server = threading.Thread(target=serve)
    server.start()
    for line in sys.stdin.buffer:
        topic, key, value = line.rstrip(b"\n").split(b"\t")
        record = value[:value.index(b" ")]

        def delivered(error, message, record=record):
            if error:
                say(b"-", record, reason(error))
            else:
                say(b"+", record, message.topic(), message.partition(), message.offset())

        while True:
            try:
                producer.produce(topic.decode(), key=key or None, value=value, on_delivery=delivered)
                break
            except BufferError:
                is_over.wait(0.1)
            except KafkaException as error:
                say(b"-", record, reason(error))
                break
    producer.flush(60)
    is_over.set()
    server.join()


def read(bootstrap, group, topics):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                         "enable.auto.commit": False, "fetch.wait.max.ms": 500, "check.crcs": True},
                        logger=silence())
    # Where a commit fails it is said again, with the next or alone: after the last record there is no next. Not of what another member has by then.
    ends = {}

    def forget(_, partitions):
        for each in partitions:
            ends.pop((each.topic, each.partition), None)

    consumer.subscribe(topics.split(","), on_revoke=forget, on_lost=forget)
    is_over = threading.Event()

    def wait():
        for _ in sys.stdin.buffer:
            pass
        is_over.set()

    threading.Thread(target=wait, daemon=True).start()
    while not is_over.is_set():
        for message in consumer.consume(500, 0.5):
            if message.error():
                say(b"E", reason(message.error()))
                continue
            value = message.value() or b""
            ends[message.topic(), message.partition()] = message.offset() + 1
            say(b"R", message.topic(), message.partition(), message.offset(), value[:value.find(b" ")], zlib.crc32(value))
        if not ends:
            continue
        try:
            for done in consumer.commit(offsets=[TopicPartition(t, p, o) for (t, p), o in ends.items()], asynchronous=False):
                if done.error:
                    say(b"E", reason(done.error))
                else:
                    ends.pop((done.topic, done.partition), None)
                    say(b"C", done.topic, done.partition, done.offset)
        except KafkaException as error:
            say(b"E", reason(error))
    consumer.close()


def silence():
    import logging
    logger = logging.getLogger("librdkafka")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger


{"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
