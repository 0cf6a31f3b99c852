// A client of the soak on Kafka's own library, speaking the lines of lines.ts: `write BOOTSTRAP COMPRESSION`, `read BOOTSTRAP GROUP TOPIC,TOPIC`.
// Run as a single source file.
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class JavaClient {
  static synchronized void say(Object... fields) {
    StringBuilder line = new StringBuilder();
    for (Object each : fields) line.append(line.isEmpty() ? "" : "\t").append(each);
    System.out.println(line);
  }

  static String reason(Exception error) {
    String text = (error.getClass().getSimpleName() + " " + error.getMessage()).replaceAll("\\s+", " ").replaceAll("\\d+", "N");
    return text.substring(0, Math.min(text.length(), 120));
  }

  static String id(byte[] value) {
    String start = new String(value, 0, Math.min(value.length, 40), StandardCharsets.ISO_8859_1);
    return start.substring(0, Math.max(0, start.indexOf(' ')));
  }

  static void write(String bootstrap, String compression) throws IOException {
    Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "compression.type", compression, "linger.ms", 5,
        "max.block.ms", 120000, "delivery.timeout.ms", 120000);
    try (var producer = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      var lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        String[] fields = line.split("\t", 3);
        byte[] key = fields[1].isEmpty() ? null : fields[1].getBytes(StandardCharsets.UTF_8);
        byte[] value = fields[2].getBytes(StandardCharsets.UTF_8);
        String record = id(value);
        producer.send(new ProducerRecord<>(fields[0], key, value), (place, error) -> {
          if (error != null) say("-", record, reason(error));
          else say("+", record, place.topic(), place.partition(), place.hasOffset() ? place.offset() : -1);
        });
      }
      producer.flush();
    }
  }

  static void read(String bootstrap, String group, String topics) {
    var isOver = new AtomicBoolean();
    var waiting = new Thread(() -> {
      try {
        while (System.in.read() >= 0) continue;
      } catch (IOException error) {
        say("E", reason(error));
      }
      isOver.set(true);
    });
    waiting.setDaemon(true);
    waiting.start();
    Map<String, Object> settings = Map.of("bootstrap.servers", bootstrap, "group.id", group, "auto.offset.reset", "earliest",
        "enable.auto.commit", false);
    try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      // Where a commit fails it is said again, with the next or alone: after the last record there is no next. Not of what another member has by then.
      var ends = new HashMap<TopicPartition, OffsetAndMetadata>();
      consumer.subscribe(List.of(topics.split(",")), new ConsumerRebalanceListener() {
        @Override
        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
          ends.keySet().removeAll(partitions);
        }

        @Override
        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        }
      });
      while (!isOver.get()) {
        try {
          step(consumer, ends);
        } catch (RuntimeException error) {
          say("E", reason(error));
        }
      }
    }
  }

  static void step(KafkaConsumer<byte[], byte[]> consumer, Map<TopicPartition, OffsetAndMetadata> ends) {
    for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(500))) {
      var sum = new CRC32();
      sum.update(record.value());
      say("R", record.topic(), record.partition(), record.offset(), id(record.value()), sum.getValue());
      ends.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
    }
    if (ends.isEmpty()) return;
    consumer.commitSync(ends, Duration.ofSeconds(20));
    ends.forEach((place, end) -> say("C", place.topic(), place.partition(), end.offset()));
    ends.clear();
  }

  public static void main(String[] arguments) throws IOException {
    if (arguments[0].equals("write")) write(arguments[1], arguments[2]);
    else read(arguments[1], arguments[2], arguments[3]);
  }
}
