"""Produce or consume lines with librdkafka: `produce BOOTSTRAP TOPIC CODEC` reads key<TAB>value lines from stdin,
`consume BOOTSTRAP TOPIC GROUP COUNT` prints partition<TAB>offset<TAB>key<TAB>value lines."""
import sys
from confluent_kafka import Consumer, Producer, KafkaException

verb, bootstrap, topic = sys.argv[1:4]
if verb == "produce":
    failures = []
    producer = Producer({"bootstrap.servers": bootstrap, "compression.type": sys.argv[4],
                         "enable.idempotence": True, "linger.ms": 5})
    for line in sys.stdin.buffer:
        key, value = line.rstrip(b"\n").split(b"\t", 1)
        while True:
            try:
                producer.produce(topic, key=key, value=value, on_delivery=lambda e, m: e and failures.append(e))
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    producer.flush(60)
    if failures:
        sys.exit(f"{len(failures)} not delivered, first: {failures[0]}")
else:
    group, count = sys.argv[4], int(sys.argv[5])
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
                         "enable.auto.commit": False})
    consumer.subscribe([topic])
    seen = 0
    while seen < count:
        message = consumer.poll(30)
        if message is None:
            sys.exit(f"only {seen} of {count} came")
        if message.error():
            raise KafkaException(message.error())
        seen += 1
        sys.stdout.buffer.write(b"%d\t%d\t%s\t%s\n" % (message.partition(), message.offset(), message.key(), message.value()))
        sys.stdout.buffer.flush()
    consumer.commit(asynchronous=False)
    consumer.close()
