package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/term"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/internal/config"
	"github.com/seed-4f09bd3a/weir/internal/server"
	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
	"github.com/seed-4f09bd3a/weir/models"
	weirv1 "github.com/seed-4f09bd3a/weir/proto/weir/v1"
)

type demoCmd struct {
	Language string        `help:"en, zh, ja or all." enum:"en,zh,ja,all" default:"all"`
	Profile  string        `help:"Profile that judges the recordings." default:"default" placeholder:"NAME"`
	Delay    time.Duration `help:"Time between tokens; on a terminal 60ms if not given." placeholder:"DURATION"`
}

// recording is a generation as a model server made it.
type recording struct {
	Title  string   `yaml:"title"`
	Prompt string   `yaml:"prompt"`
	Tokens []string `yaml:"tokens"`
}

// Run starts a server on a Unix socket, replays the recordings through it, and
// stops it.
func (c *demoCmd) Run() error {
	dir, err := os.MkdirTemp("", "weir-demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	conf := config.Default()
	conf.Listen, conf.Unix.Path, conf.DrainTimeout = "", filepath.Join(dir, "weir.sock"), time.Second
	log := slog.New(slog.DiscardHandler)
	store, err := newModelStore(&conf, log, nil)
	if err != nil {
		return err
	}
	snap, files, err := config.LoadSnapshot("", store)
	if err != nil {
		return err
	}
	var eng *engine.Engine
	metrics := server.NewMetrics(version, func() *engine.Snapshot { return eng.Snapshot() })
	eng = engine.New(snap, engine.Options{Trace: metrics.Trace()})
	reload := config.NewReloader(eng, "", files, log, nil)
	reload.Models = store
	srv, err := server.New(server.Options{
		Config: conf, Engine: eng, Metrics: metrics, Log: log, Version: version, Reload: reload,
	})
	if err != nil {
		return err
	}
	listeners, err := server.Listen(&conf, log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- srv.Serve(ctx, listeners...) }()
	err = c.replayAll(conf.Unix.Path)
	stop()
	return errors.Join(err, <-stopped)
}

func (c *demoCmd) replayAll(socket string) error {
	conn, err := grpc.NewClient("unix:"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}))
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // the process ends
	screen := newScreen(os.Stdout)
	if !screen.terminal {
		fmt.Println("Each line is one token: what the model wrote, what the reader sees, and what is held back after it.")
	} else if c.Delay == 0 {
		c.Delay = 60 * time.Millisecond
	}
	all := models.Demos()
	for _, lang := range []string{"en", "zh", "ja"} {
		if c.Language != "all" && c.Language != lang {
			continue
		}
		var r recording
		if err := strictyaml.Unmarshal(lang+".yaml", all[lang], &r); err != nil {
			return err
		}
		if err := c.replay(weirv1.NewModerationServiceClient(conn), screen, &r, lang); err != nil {
			return err
		}
	}
	return nil
}

// replay sends one recording token by token, as a model server would, and shows
// every answer. ask makes the server answer each token, so that the screen keeps
// step; a model server leaves it out.
func (c *demoCmd) replay(client weirv1.ModerationServiceClient, screen *screen, r *recording, lang string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stream, err := client.Moderate(ctx)
	if err != nil {
		return err
	}
	request := &weirv1.ModerateRequest{Ask: true, Open: &weirv1.OpenStream{
		Profile: c.Profile, Prompt: []byte(r.Prompt), Language: lang,
	}}
	if err := stream.Send(request); err != nil {
		return err
	}
	screen.title(r)
	var text []byte
	var shown, sent int64
	for i := -1; ; i++ {
		if i >= 0 {
			token := r.Tokens[i]
			text = append(text, token...)
			request = &weirv1.ModerateRequest{Chunk: []byte(token), Ask: true, Finish: i == len(r.Tokens)-1}
			if err := stream.Send(request); err != nil && !errors.Is(err, io.EOF) {
				return err
			}
			sent++
			time.Sleep(c.Delay)
		}
		answer, err := stream.Recv()
		for err == nil && answer.Prompt {
			answer, err = stream.Recv()
		}
		if err != nil {
			return err
		}
		v := answer.Verdict
		if i >= 0 {
			screen.step(r.Tokens[i], release(text, shown, v), string(text[v.ReleasedOffset:]), v.Action == weirv1.Action_ACTION_HALT)
		}
		shown = v.ReleasedOffset
		for _, f := range v.Findings {
			screen.notes = append(screen.notes, f.Explanation)
		}
		if v.Final {
			screen.end(v, len(r.Tokens)-int(sent))
			return nil
		}
	}
}

// release returns the newly released text as the reader sees it.
func release(text []byte, from int64, v *weirv1.Verdict) string {
	var b strings.Builder
	for _, e := range v.Edits {
		b.Write(text[from:e.StartOffset])
		b.WriteString(e.Replacement)
		from = e.EndOffset
	}
	b.Write(text[from:v.ReleasedOffset])
	return b.String()
}

// screen shows a stream: on a terminal in place, elsewhere a line per token.
type screen struct {
	w        io.Writer
	terminal bool
	notes    []string
}

func newScreen(f *os.File) *screen {
	return &screen{w: f, terminal: term.IsTerminal(int(f.Fd()))}
}

const (
	bold, dim, red, yellow, plain = "\x1b[1m", "\x1b[2m", "\x1b[31;1m", "\x1b[33m", "\x1b[0m"
	save, restore, clearRest      = "\x1b7", "\x1b8", "\x1b[J"
	room                          = 8 // lines of the longest recording on a narrow terminal
)

func (s *screen) title(r *recording) {
	s.notes = nil
	if s.terminal {
		// Saved positions do not follow when the screen scrolls, so make room first.
		fmt.Fprintf(s.w, "\n%s%s%s\n%s> %s%s\n\n", bold, r.Title, plain, dim, r.Prompt, plain)
		fmt.Fprintf(s.w, "%s\x1b[%dA%s", strings.Repeat("\n", room), room, save)
		return
	}
	fmt.Fprintf(s.w, "\n%s\n> %s\n", r.Title, r.Prompt)
}

// step shows one token: released text stays, held text is drawn behind it and
// gone at the next step.
func (s *screen) step(token, released, held string, halted bool) {
	if s.terminal {
		fmt.Fprintf(s.w, "%s%s%s%s", restore, clearRest, released, save)
		if !halted && held != "" {
			fmt.Fprintf(s.w, "%s%s%s", yellow, held, plain)
		}
		return
	}
	state := ""
	switch {
	case halted:
		state = "HALT"
	case held != "":
		state = fmt.Sprintf("%q held", held)
	}
	fmt.Fprintf(s.w, "  %-14q %-24q %s\n", token, released, state)
}

// end shows the last verdict.
func (s *screen) end(v *weirv1.Verdict, unsent int) {
	if s.terminal {
		if v.Action == weirv1.Action_ACTION_HALT {
			fmt.Fprintf(s.w, "%s■ %s%s", red, v.Replacement, plain)
		}
		fmt.Fprintln(s.w)
	} else if v.Action == weirv1.Action_ACTION_HALT {
		fmt.Fprintf(s.w, "  shown instead: %s\n", v.Replacement)
	}
	fmt.Fprintln(s.w)
	for _, n := range s.notes {
		fmt.Fprintln(s.w, "  "+n)
	}
	switch v.Action {
	case weirv1.Action_ACTION_HALT:
		fmt.Fprintf(s.w, "  %d bytes were generated, %d shown, %d of the violation; the last %d tokens were never generated\n",
			v.ReceivedOffset, v.ReleasedOffset, max(v.ReleasedOffset-v.GetHaltOffset(), 0), unsent)
	default:
		fmt.Fprintf(s.w, "  %d bytes were generated, all were shown\n", v.ReceivedOffset)
	}
}
