package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// version is set by the Makefile.
var version = "dev"

type versionCmd struct{}

// Run prints version, commit and toolchain.
func (versionCmd) Run() error {
	commit := "unknown commit"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				commit = s.Value
			}
		}
	}
	fmt.Printf("weir %s (%s) %s %s/%s\n", version, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
