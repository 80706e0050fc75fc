// Command loadgo is the Go part of scripts/compare. It makes the work that every
// peer gets, loads a gRPC guard with it, and runs the matchers that are Go.
//
//	loadgo prepare --out DIR [--corpus FILE] [--streams N] [--tokens N] [--terms N]
//	loadgo load    --work DIR --target unix:PATH --pid PID --seconds S
//	loadgo scan    --work DIR --peer weir-engine|weir-matcher|cloudflare --seconds S
//
// load and scan print one JSON object, in the form of Outcome.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Work is what every peer reads: streams[s].tokens[k] is the k-th token of stream
// s. A stream with a violation has it at bytes [start, end) of its text.
type Work struct {
	Streams []Stream `json:"streams"`
}

// Stream is one text, cut into tokens at runes. Start is -1 if nothing is planted.
type Stream struct {
	Tokens []string `json:"tokens"`
	Start  int      `json:"start"`
	End    int      `json:"end"`
}

// Outcome is what a peer did. Released, Received and
// Halted are by stream, of one pass.
type Outcome struct {
	Tokens     int     `json:"tokens"`      // judged, over all passes
	CPUSeconds float64 `json:"cpu_seconds"` // of the guard alone
	Wall       float64 `json:"wall_seconds"`
	ClientCPU  float64 `json:"client_cpu_seconds,omitempty"`
	P50        float64 `json:"p50_ms,omitempty"` // from token sent to answer received
	P99        float64 `json:"p99_ms,omitempty"`
	Released   []int   `json:"released"`       // bytes shown to the reader
	Received   []int   `json:"received"`       // bytes the peer was given, until it halted
	Halted     []bool  `json:"halted"`         //
	MaxHeld    int     `json:"max_held_runes"` // most runes that were withheld after a token was judged
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "loadgo:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) < 2 {
		return errors.New("want prepare, load or scan")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	out := flags.String("out", "", "folder to write the work to")
	dir := flags.String("work", "", "folder that prepare wrote")
	corpus := flags.String("corpus", "", "sentences, one a line; lines that begin with # are skipped")
	streams := flags.Int("streams", 64, "streams")
	tokens := flags.Int("tokens", 300, "tokens of a stream")
	terms := flags.Int("terms", 10_000, "terms of the lexicon, the shipped packs' included")
	policyFile := flags.String("policy", "", "the shipped default policy")
	target := flags.String("target", "", "address of a guard")
	pid := flags.Int("pid", 0, "process whose CPU time counts")
	peer := flags.String("peer", "", "matcher to run")
	seconds := flags.Float64("seconds", 1, "least CPU time to measure")
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	switch os.Args[1] {
	case "prepare":
		return prepare(*out, *corpus, *policyFile, *streams, *tokens, *terms)
	case "load":
		work, err := readWork(*dir)
		if err != nil {
			return err
		}
		return report(load(work, *target, *pid, *seconds))
	case "scan":
		work, err := readWork(*dir)
		if err != nil {
			return err
		}
		return report(scan(work, *dir, *peer, *seconds))
	}
	return fmt.Errorf("%q: want prepare, load or scan", os.Args[1])
}

func report(o Outcome, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(o)
}

func readWork(dir string) (Work, error) {
	var w Work
	data, err := os.ReadFile(filepath.Join(dir, "work.json"))
	if err != nil {
		return w, err
	}
	return w, json.Unmarshal(data, &w)
}

// ownCPU returns the CPU time of this process so far, in seconds.
func ownCPU() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Sec+u.Stime.Sec) + float64(u.Utime.Usec+u.Stime.Usec)/1e6
}
