// Command franz is a client of the soak on franz-go, speaking the lines of lines.ts: `write BOOTSTRAP COMPRESSION`, `read BOOTSTRAP GROUP TOPIC,TOPIC`.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

var (
	digits = regexp.MustCompile(`\d+`)
	said   sync.Mutex
)

func say(format string, arguments ...any) {
	said.Lock()
	defer said.Unlock()
	fmt.Printf(format+"\n", arguments...)
}

func reason(err error) string {
	text := digits.ReplaceAllString(strings.Join(strings.Fields(err.Error()), " "), "N")
	return text[:min(len(text), 120)]
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func id(value []byte) []byte {
	before, _, _ := bytes.Cut(value, []byte(" "))
	return before
}

func write(bootstrap, compression string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.ProducerBatchCompression(codecs[compression]),
		kgo.RecordDeliveryTimeout(2*time.Minute), kgo.ProducerLinger(5*time.Millisecond))
	check(err)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 8<<20)
	for lines.Scan() {
		fields := bytes.SplitN(bytes.Clone(lines.Bytes()), []byte("\t"), 3)
		record := &kgo.Record{Topic: string(fields[0]), Key: fields[1], Value: fields[2]}
		if len(record.Key) == 0 {
			record.Key = nil
		}
		client.Produce(context.Background(), record, func(done *kgo.Record, err error) {
			if err != nil {
				say("-\t%s\t%s", id(done.Value), reason(err))
			} else {
				say("+\t%s\t%s\t%d\t%d", id(done.Value), done.Topic, done.Partition, done.Offset)
			}
		})
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	check(client.Flush(ctx))
	client.Close()
}

func read(bootstrap, group, topics string) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(bootstrap, ",")...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(strings.Split(topics, ",")...),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(), kgo.FetchMaxWait(500*time.Millisecond),
		kgo.BlockRebalanceOnPoll())
	check(err)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	for ctx.Err() == nil {
		// Not for ever: a commit that failed is said again, after the last record too.
		poll, stop := context.WithTimeout(ctx, time.Second)
		fetches := client.PollFetches(poll)
		stop()
		fetches.EachError(func(_ string, _ int32, err error) {
			if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
				say("E\t%s", reason(err))
			}
		})
		fetches.EachRecord(func(record *kgo.Record) {
			say("R\t%s\t%d\t%d\t%s\t%d", record.Topic, record.Partition, record.Offset, id(record.Value), crc32.ChecksumIEEE(record.Value))
		})
		if uncommitted := client.UncommittedOffsets(); len(uncommitted) > 0 {
			commit(client, uncommitted)
		}
		client.AllowRebalance()
	}
	client.Close()
}

func commit(client *kgo.Client, uncommitted map[string]map[int32]kgo.EpochOffset) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	client.CommitOffsetsSync(ctx, uncommitted, func(_ *kgo.Client, request *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			say("E\t%s", reason(err))
			return
		}
		offsets := map[string]int64{}
		for _, topic := range request.Topics {
			for _, partition := range topic.Partitions {
				offsets[fmt.Sprintf("%s\t%d", topic.Topic, partition.Partition)] = partition.Offset
			}
		}
		for _, topic := range response.Topics {
			for _, partition := range topic.Partitions {
				place := fmt.Sprintf("%s\t%d", topic.Topic, partition.Partition)
				if err := kerr.ErrorForCode(partition.ErrorCode); err != nil {
					say("E\t%s", reason(err))
				} else if offset, isKnown := offsets[place]; isKnown {
					say("C\t%s\t%d", place, offset)
				}
			}
		}
	})
}

func main() {
	if os.Args[1] == "write" {
		write(os.Args[2], os.Args[3])
	} else {
		read(os.Args[2], os.Args[3], os.Args[4])
	}
}
