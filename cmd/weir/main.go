// Command weir guards language-model output while it is being generated.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

// cli is the command line: one field per verb, one file per verb.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the gRPC server."`
	Proxy   proxyCmd   `cmd:"" help:"Guard a model server: an HTTP proxy that speaks OpenAI's API."`
	Health  healthCmd  `cmd:"" help:"Ask a running server whether it is ready: exit code 0 or 1. For health checks of containers."`
	Score   scoreCmd   `cmd:"" help:"Score texts by every category and say what the policy makes of them (JSON Lines)."`
	Tune    tuneCmd    `cmd:"" help:"Measure a model on labelled texts and recommend thresholds: report and policy patch."`
	Check   checkCmd   `cmd:"" help:"Judge a text, a file or standard input as a stream."`
	Lexicon lexiconCmd `cmd:"" help:"Look at lexicon packs: statistics over a corpus, lint."`
	Policy  policyCmd  `cmd:"" help:"Check a policy, or show what it comes to."`
	Bench   benchCmd   `cmd:"" help:"Measure a server and what it could cost at least: throughput, latency, halts, leaks."`
	Demo    demoCmd    `cmd:"" help:"Watch recorded generations pass through a real server, and be halted."`
	Version versionCmd `cmd:"" help:"Print the version."`

	BenchFloor benchFloorCmd `cmd:"" hidden:""`
	BenchHTTP  benchHTTPCmd  `cmd:"" hidden:""`
}

// exitHalted is the exit code of check for a text that is halted.
const exitHalted = 3

// errHalted makes main exit with exitHalted; the verdict has been printed.
var errHalted = errors.New("halted")

func main() {
	var c cli
	parser, err := kong.New(&c, kong.Name("weir"),
		kong.Description("Weir guards language-model output while it is being generated."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.UsageOnError())
	if err != nil {
		panic(err) // the structs above are wrong
	}
	parser.Exit = func(code int) {
		if code != 0 {
			code = 1 // 3 is for halts only
		}
		os.Exit(code)
	}
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:], "--help")
	}
	ctx, err := parser.Parse(args)
	parser.Stdout = os.Stderr // for usage after a mistake; --help has been printed
	parser.FatalIfErrorf(err)
	switch err := ctx.Run(); {
	case errors.Is(err, errHalted):
		os.Exit(exitHalted)
	case err != nil:
		fmt.Fprintf(os.Stderr, "weir: %v\n", err)
		os.Exit(1)
	}
}
