package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-4f09bd3a/weir/bench"
	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/onnx"
	"github.com/seed-4f09bd3a/weir/models"
)

// benchCmd measures a server and its floors. It starts them itself, as processes
// of this binary, on a Unix socket or on loopback, and ends them.
type benchCmd struct {
	Scenario  []string      `help:"Run these only; see --list." placeholder:"NAME"`
	List      bool          `help:"List the scenarios."`
	Rounds    int           `help:"Rounds of each scenario; figures are medians." default:"3" placeholder:"N"`
	Duration  time.Duration `help:"Measured time of a round." default:"1s" placeholder:"DURATION"`
	Warm      time.Duration `help:"Time before it that is not measured." default:"400ms" placeholder:"DURATION"`
	TCP       bool          `help:"Over TCP on loopback instead of a Unix socket."`
	Address   string        `help:"A server that runs already, host:port or unix:PATH; its CPU time and memory are not known." placeholder:"ADDRESS"`
	Admin     string        `help:"The admin port of the server at --address, for --where; it needs admin.pprof." placeholder:"HOST:PORT"`
	Where     bool          `help:"Two more rounds of each scenario, to say where the server's time goes and what it allocates."`
	Policy    string        `help:"Policy of the server; without it the embedded one." type:"path" placeholder:"FILE"`
	Profile   string        `help:"Profile of the streams." default:"default" placeholder:"NAME"`
	Corpus    string        `help:"Sentences, one a line, in place of the embedded ones." type:"path" placeholder:"FILE"`
	Tokens    int           `help:"Mean length of a text, in tokens." default:"300" placeholder:"N"`
	Violating float64       `help:"Share of texts with a violation." default:"0.05" placeholder:"SHARE"`
	Seed      uint64        `help:"Of the texts." default:"1" placeholder:"N"`
	Out       string        `help:"Folder for report.json, report.md and the plots." type:"path" placeholder:"DIR"`
	Baseline  string        `help:"A report.json to compare with." type:"path" placeholder:"FILE"`
	Gate      string        `help:"Thresholds that must hold; exit 1 if one is broken." type:"path" placeholder:"FILE"`
}

// benchFloorCmd is what benchCmd starts beside the server.
type benchFloorCmd struct {
	Listen string `help:"Address of the gRPC echo: host:port or unix:PATH."`
	Raw    string `help:"Path of the raw echo's Unix socket."`
}

// Run serves until standard input closes, so that it ends with the process that
// started it.
func (c *benchFloorCmd) Run() error {
	raw, err := bench.ListenUnix(c.Raw)
	if err != nil {
		return err
	}
	network, address := "tcp", c.Listen
	if path, ok := strings.CutPrefix(c.Listen, "unix:"); ok {
		network, address = "unix", path
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return err
	}
	server := bench.NewEcho()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		server.Stop()
		_ = raw.Close()
	}()
	go func() { _ = bench.ServeRaw(raw) }()
	return server.Serve(l)
}

// Run measures.
func (c *benchCmd) Run() error {
	scenarios, err := c.chosen()
	if err != nil || c.List {
		return err
	}
	if c.Rounds < 1 || c.Duration <= 0 || c.Warm < 0 || c.Tokens < 20 || c.Violating < 0 || c.Violating > 1 {
		return errors.New("bench: want --rounds of 1 or more, --duration above 0, --warm of 0 or more, --tokens of 20 or more, --violating in [0, 1]")
	}
	if err := c.contradiction(); err != nil {
		return err
	}
	var thresholds []bench.Threshold
	if c.Gate != "" {
		if thresholds, err = bench.ReadThresholds(c.Gate); err != nil {
			return err
		}
	}
	var before *bench.Report
	if c.Baseline != "" {
		if before, err = bench.ReadReport(c.Baseline); err != nil {
			return err
		}
	}
	if c.Out != "" {
		if err := makeFolder(c.Out); err != nil {
			return fmt.Errorf("bench: --out: %w", err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	network := "unix"
	if c.TCP {
		network = "tcp"
	}
	report := bench.NewReport(version, "weir "+strings.Join(os.Args[1:], " "), network, c.Seed)
	if report.Results, err = c.measureAll(ctx, scenarios); err != nil {
		return err
	}
	if err := report.Markdown(os.Stdout); err != nil {
		return err
	}
	if c.Out != "" {
		if err := report.Write(c.Out); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "bench: wrote %s\n", c.Out)
	}
	if before != nil {
		fmt.Println()
		if err := bench.Compare(os.Stdout, before, report); err != nil {
			return err
		}
	}
	if c.Gate != "" {
		return c.gate(ctx, report, thresholds)
	}
	return nil
}

// contradiction returns what is wrong with flags that would have no effect.
func (c *benchCmd) contradiction() error {
	switch {
	case c.Admin != "" && c.Address == "":
		return errors.New("bench: --admin is that of the server at --address: give --address, or leave --admin out")
	case c.Admin != "" && !c.Where:
		return errors.New("bench: --admin is for --where: give --where, or leave --admin out")
	case c.Where && c.Address != "" && c.Admin == "":
		return errors.New("bench: --where asks the admin port of the server at --address: give --admin, or leave --where out")
	}
	for _, s := range bench.HTTPScenarios() {
		if c.Address != "" && slices.Contains(c.Scenario, s.Name) {
			return fmt.Errorf("bench: --scenario %s starts a proxy of its own: leave --address out, or the scenario", s.Name)
		}
	}
	return nil
}

// gate checks the thresholds. What noise can break is measured again, twice at most:
// a neighbour of the machine goes away, a regression does not.
func (c *benchCmd) gate(ctx context.Context, report *bench.Report, thresholds []bench.Threshold) error {
	const tries = 3
	broken := report.Gate(os.Stderr, thresholds)
	for range tries - 1 {
		if len(broken) == 0 || slices.ContainsFunc(broken, func(t bench.Threshold) bool { return !t.Noisy }) {
			break
		}
		again := *c
		again.Scenario = nil
		for _, t := range broken {
			again.Scenario = append(again.Scenario, t.Scenarios()...)
		}
		slices.Sort(again.Scenario)
		again.Scenario = slices.Compact(again.Scenario)
		fmt.Fprintf(os.Stderr, "gate: measuring again: %s\n", strings.Join(again.Scenario, ", "))
		scenarios, err := again.chosen()
		if err != nil {
			return err
		}
		second := *report
		if second.Results, err = again.measureAll(ctx, scenarios); err != nil {
			return err
		}
		// What held before need not hold again, unless nothing but a defect breaks it.
		broken = second.Gate(os.Stderr, slices.DeleteFunc(slices.Clone(thresholds), func(t bench.Threshold) bool {
			return !slices.Contains(again.Scenario, t.Scenario) || t.Noisy && !slices.Contains(broken, t)
		}))
	}
	if len(broken) > 0 {
		return fmt.Errorf("bench: thresholds broken: %d of %d", len(broken), len(thresholds))
	}
	return nil
}

// measureAll measures scenarios, and those of proxies that were chosen.
func (c *benchCmd) measureAll(ctx context.Context, scenarios []bench.Scenario) (results []bench.Result, err error) {
	if len(scenarios) > 0 {
		if results, err = c.measure(ctx, scenarios); err != nil {
			return nil, err
		}
	}
	proxied, err := c.measureHTTP(ctx)
	return append(results, proxied...), err
}

// chosen returns the scenarios to run, or lists them.
func (c *benchCmd) chosen() ([]bench.Scenario, error) {
	all := bench.Scenarios()
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
		if c.List {
			fmt.Printf("%-18s %s\n", s.Name, s.About)
		}
	}
	for _, s := range bench.HTTPScenarios() {
		names = append(names, s.Name)
		if c.List {
			fmt.Printf("%-18s %s\n", s.Name, s.About)
		}
	}
	for _, name := range c.Scenario {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("bench: no scenario %q: want one of %s", name, strings.Join(names, ", "))
		}
	}
	if len(c.Scenario) > 0 {
		all = slices.DeleteFunc(all, func(s bench.Scenario) bool { return !slices.Contains(c.Scenario, s.Name) })
	}
	return all, nil
}

func (c *benchCmd) measure(ctx context.Context, scenarios []bench.Scenario) ([]bench.Result, error) {
	var theirs *grpc.ClientConn
	if c.Address != "" {
		var err error
		if theirs, err = bench.Dial(c.Address); err != nil {
			return nil, fmt.Errorf("bench: --address %s: %w", c.Address, err)
		}
		defer theirs.Close() //nolint:errcheck // the process ends
		if err := bench.Ready(ctx, theirs, 5*time.Second); err != nil {
			return nil, fmt.Errorf("bench: --address %s: %w: want the gRPC address of weir serve, without TLS", c.Address, err)
		}
	}
	dir, err := os.MkdirTemp("", "weir-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	suite := &bench.Suite{Scenarios: scenarios, Rounds: c.Rounds, Warm: c.Warm, Measured: c.Duration, PolicyProfile: c.Profile, Profile: c.Where}
	tell := newProgress("bench")
	defer tell.end()
	suite.Progress = func(done, total int, what string) { tell.tell(fmt.Sprintf("%d of %d rounds, %s", done, total, what)) }

	tell.tell("preparing texts")
	plain, err := c.withoutModels(dir)
	if err != nil {
		return nil, err
	}
	judge, err := c.texts(suite, plain)
	if err != nil {
		return nil, err
	}
	suite.Floors = func(ctx context.Context, l *bench.Load) (e, k bench.Measure, err error) {
		if e, err = bench.InProcess(ctx, judge, l); err != nil {
			return e, k, err
		}
		k, err = bench.RunRaw(ctx, filepath.Join(dir, "raw"), l, func() {})
		return e, k, err
	}
	floor, err := c.start(ctx, dir, "echo", nil)
	if err != nil {
		return nil, err
	}
	defer floor.end()
	suite.Echo = floor.target
	if theirs != nil {
		suite.Weir = func(bool, bool) (bench.Target, error) { return bench.Target{Conn: theirs, Admin: c.Admin}, nil }
		return suite.Run(ctx)
	}
	// One server at a time: what the other keeps running would be measured with it.
	var running *child
	with := false
	defer func() { running.end() }()
	suite.Weir = func(model, fresh bool) (bench.Target, error) {
		if running != nil && with == model && !fresh {
			return running.target, nil
		}
		running.end()
		policy := plain
		if model {
			policy = c.Policy
		}
		running, err = c.start(ctx, dir, fmt.Sprintf("weir-%t", model), &policy)
		if with = model; err != nil {
			return bench.Target{}, err
		}
		return running.target, nil
	}
	return suite.Run(ctx)
}

// withoutModels writes the policy without its models and returns the file.
func (c *benchCmd) withoutModels(dir string) (string, error) {
	if c.Policy != "" {
		return c.Policy, nil // the operator's, as it is
	}
	const use = "models:\n  - use: weir-harm\n"
	data := models.DefaultPolicy()
	if !bytes.Contains(data, []byte(use)) {
		return "", errors.New("bench: the embedded policy names other models than expected")
	}
	path := filepath.Join(dir, "policy.yaml")
	return path, os.WriteFile(path, bytes.Replace(data, []byte(use), nil, 1), 0o600)
}

// texts has the suite make texts, and returns the engine without models that judges
// them.
func (c *benchCmd) texts(suite *bench.Suite, plain string) (*engine.Engine, error) {
	corpus, err := bench.DefaultCorpus()
	if err == nil && c.Corpus != "" {
		err = corpus.ReadSentences(c.Corpus)
	}
	if err != nil {
		return nil, err
	}
	snap, _, err := config.LoadSnapshot(plain, nil)
	if err != nil {
		return nil, err
	}
	judge := engine.New(snap, engine.Options{})
	var full *engine.Engine
	suite.Texts = func(s *bench.Scenario) ([]bench.Text, error) {
		by := judge
		if s.Model {
			if _, err := onnx.Find(""); err != nil {
				return nil, nil // left out, and the report says so
			}
			if full == nil {
				store, err := localModels(0)
				if err != nil {
					return nil, err
				}
				snap, _, err := config.LoadSnapshot(c.Policy, store)
				if err != nil {
					return nil, err
				}
				full = engine.New(snap, engine.Options{})
			}
			by = full
		}
		from := corpus
		if s.Model {
			from = corpus.WithModels()
		}
		tokens, violating := c.Tokens, c.Violating
		if s.Tokens > 0 {
			tokens, violating = s.Tokens, s.Violating
		}
		const distinct = 400
		return from.Texts(by, c.Profile, distinct, tokens, violating, c.Seed)
	}
	return judge, nil
}

// child is a process that this one has started.
type child struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr *bytes.Buffer
	target bench.Target
}

// start starts a server with a policy, or the echo.
func (c *benchCmd) start(ctx context.Context, dir, name string, policy *string) (*child, error) {
	address := "unix:" + filepath.Join(dir, name+".sock")
	admin, err := freePort()
	if err == nil && c.TCP {
		address, err = freePort()
	}
	if err != nil {
		return nil, err
	}
	args := []string{"bench-floor", "--listen", address, "--raw", filepath.Join(dir, "raw")}
	if policy != nil {
		conf := map[string]any{
			"listen": "", "admin": map[string]any{"listen": admin, "pprof": true}, "watch": false, "log": map[string]any{"level": "error"},
			"cache": map[string]any{"max_bytes": 0}, // texts repeat here, and would cost no inference
		}
		if path, ok := strings.CutPrefix(address, "unix:"); ok {
			conf["unix"] = map[string]any{"path": path}
		} else {
			conf["listen"] = address
		}
		if *policy != "" {
			conf["policy"] = *policy
		}
		data, err := json.Marshal(conf) // JSON is YAML
		if err != nil {
			return nil, err
		}
		file := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return nil, err
		}
		args = []string{"serve", "--config", file}
	}
	p, err := startChild(ctx, args...)
	if err != nil {
		return nil, err
	}
	if p.target.Conn, err = bench.Dial(address); err != nil {
		p.end()
		return nil, err
	}
	p.target.PID = p.cmd.Process.Pid
	if policy != nil {
		p.target.Admin = admin
	}
	if err := bench.Ready(ctx, p.target.Conn, time.Minute); err != nil {
		p.end()
		return nil, fmt.Errorf("bench: %s did not start: %w: %s", args[0], err, bytes.TrimSpace(p.stderr.Bytes()))
	}
	return p, nil
}

// startChild starts a process of this binary, which ends with this one.
func startChild(ctx context.Context, args ...string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &child{cmd: exec.CommandContext(ctx, self, args...), stderr: &bytes.Buffer{}}
	p.cmd.Stderr = p.stderr
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = 5 * time.Second
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return p, p.cmd.Start()
}

// freePort returns an address on loopback that nobody listens on.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// end ends the process, if there is one, and waits for it.
func (p *child) end() {
	if p == nil {
		return
	}
	if p.target.Conn != nil {
		_ = p.target.Conn.Close()
	}
	_ = p.stdin.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	_ = p.cmd.Wait()
}
