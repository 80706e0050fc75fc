package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

// load streams all of the work at once, closed loop: every stream sends a token
// and waits for its answer. It does so again until the guard used seconds of CPU
// time, since the kernel counts that in hundredths.
func load(w Work, target string, pid int, seconds float64) (Outcome, error) {
	var o Outcome
	conn, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return o, err
	}
	defer conn.Close() //nolint:errcheck // the process ends
	client := weirv1.NewModerationServiceClient(conn)
	ctx, cancel := context.WithTimeout(context.Background(), 9*time.Minute)
	defer cancel()
	if err := new(driven).drive(ctx, client, Stream{Tokens: []string{"warm"}}); err != nil {
		return o, err
	}
	var trips []time.Duration
	for o.CPUSeconds < seconds || o.Tokens == 0 {
		t, err := pass(ctx, client, w, pid, &o)
		if err != nil {
			return o, err
		}
		trips = append(trips, t...)
		o.Tokens = len(trips)
	}
	slices.Sort(trips)
	at := func(q float64) float64 { return trips[int(q*float64(len(trips)-1))].Seconds() * 1e3 }
	o.P50, o.P99 = at(0.5), at(0.99)
	return o, nil
}

// pass sends all of the work once. CPU and wall time are added to o, the rest is
// of this pass.
func pass(ctx context.Context, client weirv1.ModerationServiceClient, w Work, pid int, o *Outcome) ([]time.Duration, error) {
	before, err := processCPU(pid)
	if err != nil {
		return nil, err
	}
	o.Released, o.Received, o.Halted = make([]int, len(w.Streams)), make([]int, len(w.Streams)), make([]bool, len(w.Streams))
	own, start := ownCPU(), time.Now()
	var mu sync.Mutex
	var trips []time.Duration
	var failed error
	var all sync.WaitGroup
	for i := range w.Streams {
		all.Go(func() {
			d := driven{}
			err := d.drive(ctx, client, w.Streams[i])
			mu.Lock()
			defer mu.Unlock()
			trips = append(trips, d.trips...)
			o.Released[i], o.Received[i], o.Halted[i] = d.released, d.received, d.halted
			o.MaxHeld = max(o.MaxHeld, d.held)
			if err != nil {
				failed = fmt.Errorf("stream %d: %w", i, err)
			}
		})
	}
	all.Wait()
	if failed != nil {
		return nil, failed
	}
	o.Wall += time.Since(start).Seconds()
	o.ClientCPU += ownCPU() - own
	after, err := processCPU(pid)
	o.CPUSeconds += after - before
	return trips, err
}

// driven is what came of one stream.
type driven struct {
	trips              []time.Duration // of every token
	received, released int             // bytes sent, and bytes that may be shown
	held               int             // most runes withheld after an answer
	halted             bool
}

// drive sends one stream token by token, each after the answer to the one before.
func (d *driven) drive(ctx context.Context, client weirv1.ModerationServiceClient, s Stream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := client.Moderate(ctx)
	if err != nil {
		return err
	}
	text := strings.Join(s.Tokens, "")
	open := &weirv1.OpenStream{}
	for i, token := range s.Tokens {
		start := time.Now()
		finish := i == len(s.Tokens)-1
		if err := call.Send(&weirv1.ModerateRequest{Open: open, Chunk: []byte(token), Ask: true, Finish: finish}); err != nil {
			_, err = call.Recv() // which says why
			return err
		}
		open = nil
		d.received += len(token)
		for answered := false; !answered; {
			r, err := call.Recv()
			if err != nil {
				return err
			}
			v := r.GetVerdict()
			d.released = max(d.released, int(v.GetReleasedOffset()))
			d.halted = d.halted || v.GetAction() == weirv1.Action_ACTION_HALT
			answered = v.GetFinal() || !finish && v.GetReceivedOffset() >= int64(d.received)
			if !answered {
				continue
			}
			d.trips = append(d.trips, time.Since(start))
			if !d.halted {
				d.held = max(d.held, utf8.RuneCountInString(text[d.released:d.received]))
			}
			if v.GetFinal() {
				return nil
			}
		}
	}
	return nil
}

// processCPU returns the CPU time of a process so far, in seconds.
func processCPU(pid int) (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("CPU time of --pid: %w", err)
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat has %d fields: want 13", pid, len(fields))
	}
	user, err := strconv.Atoi(fields[11])
	if err != nil {
		return 0, err
	}
	system, err := strconv.Atoi(fields[12])
	return float64(user+system) / 100, err // ticks of 10 ms
}
