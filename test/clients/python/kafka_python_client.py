"""The same two verbs with kafka-python, a client of its own in pure Python."""
import sys
from kafka import KafkaConsumer, KafkaProducer

verb, bootstrap, topic = sys.argv[1:4]
if verb == "produce":
    codec = sys.argv[4]
    producer = KafkaProducer(bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec,
                             acks="all", linger_ms=5)
    pending = []
    for line in sys.stdin.buffer:
        key, value = line.rstrip(b"\n").split(b"\t", 1)
        pending.append(producer.send(topic, key=key, value=value))
    for each in pending:
        each.get(60)
    producer.close()
else:
    group, count = sys.argv[4], int(sys.argv[5])
    consumer = KafkaConsumer(topic, bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                             enable_auto_commit=False, consumer_timeout_ms=30000)
    seen = 0
    for message in consumer:
        sys.stdout.buffer.write(b"%d\t%d\t%s\t%s\n" % (message.partition, message.offset, message.key, message.value))
        sys.stdout.buffer.flush()
        seen += 1
        if seen == count:
            break
    consumer.commit()
    consumer.close()
    if seen < count:
        sys.exit(f"only {seen} of {count} came")
