// Command sarama does the same two verbs with Sarama, capped to an old protocol version by default as its users run it.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy,
	"lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

type reader struct {
	count, seen int
	out         *bufio.Writer
	done        context.CancelFunc
}

func (r *reader) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (r *reader) Cleanup(sarama.ConsumerGroupSession) error { return nil }
func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for {
		select {
		case message, open := <-claim.Messages():
			if !open {
				return nil
			}
			lock <- struct{}{}
			r.seen++
			fmt.Fprintf(r.out, "%d\t%d\t%s\t%s\n", message.Partition, message.Offset, message.Key, message.Value)
			r.out.Flush()
			session.MarkMessage(message, "")
			if r.seen == r.count {
				session.Commit()
				r.done()
			}
			<-lock
		case <-session.Context().Done():
			return nil
		}
	}
}

var lock = make(chan struct{}, 1)

func main() {
	verb, bootstrap, topic := os.Args[1], strings.Split(os.Args[2], ","), os.Args[3]
	config := sarama.NewConfig()
	config.Producer.Return.Successes = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	if verb == "produce" {
		config.Producer.Compression = codecs[os.Args[4]]
		producer, err := sarama.NewSyncProducer(bootstrap, config)
		check(err)
		lines := bufio.NewScanner(os.Stdin)
		lines.Buffer(make([]byte, 1<<20), 8<<20)
		batch := []*sarama.ProducerMessage{}
		send := func() {
			check(producer.SendMessages(batch))
			batch = batch[:0]
		}
		for lines.Scan() {
			key, value, _ := bytes.Cut(bytes.Clone(lines.Bytes()), []byte("\t"))
			batch = append(batch, &sarama.ProducerMessage{Topic: topic, Key: sarama.ByteEncoder(key), Value: sarama.ByteEncoder(value)})
			if len(batch) == 500 {
				send()
			}
		}
		if len(batch) > 0 {
			send()
		}
		check(producer.Close())
		return
	}
	count, err := strconv.Atoi(os.Args[5])
	check(err)
	group, err := sarama.NewConsumerGroup(bootstrap, os.Args[4], config)
	check(err)
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	r := &reader{count: count, out: bufio.NewWriter(os.Stdout), done: cancel}
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{topic}, r); err != nil && ctx.Err() == nil {
			check(err)
		}
	}
	r.out.Flush()
	check(group.Close())
	if r.seen < count {
		fmt.Fprintf(os.Stderr, "only %d of %d came\n", r.seen, count)
		os.Exit(1)
	}
}
