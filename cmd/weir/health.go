package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/seed-4f09bd3a/weir/internal/config"
)

// healthCmd asks a running weir whether it takes streams. It is for images without
// a shell, whose health checks have no other program to run.
type healthCmd struct {
	commonFlags
	Timeout time.Duration `help:"How long to wait for the answer." default:"3s"`
}

// Run returns an error, and so exits with 1, unless /readyz of the admin address
// answers 200. The address is found as serve and proxy find theirs.
func (c *healthCmd) Run() error {
	conf, err := c.configuration(func(*config.Config) {})
	if err != nil {
		return err
	}
	if conf.Admin.Listen == "" {
		return errors.New("health: admin.listen is empty: give the server an admin address, and --admin here")
	}
	host, port, err := net.SplitHostPort(conf.Admin.Listen)
	if err != nil {
		return fmt.Errorf("health: --admin: %w", err)
	}
	switch host { // every address: a loopback one is among them. Not localhost, a name that some images cannot look up
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/readyz", http.NoBody)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	transport := &http.Transport{} // no proxy from the environment: the server is here
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("health: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // nothing was written
	body, _ := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("health: %s: %q", response.Status, body)
	}
	fmt.Println("ready")
	return nil
}
