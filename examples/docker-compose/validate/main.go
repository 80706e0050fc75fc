// Command validate loads a compose file as `docker compose config` does: with the
// schema of the Compose Specification, interpolation and consistency checks.
//
//	go run . ../compose.yaml
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "validate: want one compose file")
		os.Exit(2)
	}
	options, err := cli.NewProjectOptions(os.Args[1:])
	if err == nil {
		var project, e = options.LoadProject(context.Background())
		if err = e; err == nil {
			var out []byte
			if out, err = project.MarshalYAML(); err == nil {
				_, err = os.Stdout.Write(out)
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "validate:", err)
		os.Exit(1)
	}
}
