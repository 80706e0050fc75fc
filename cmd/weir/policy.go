package main

import (
	"fmt"
	"os"

	"github.com/seed-4f09bd3a/weir/internal/config"
)

type policyCmd struct {
	Check policyCheckCmd `cmd:"" help:"Validate a policy and the packs that it names; print all problems."`
	Show  policyShowCmd  `cmd:"" help:"Print the effective policy with the origin of each value."`
}

type policyCheckCmd struct {
	File string `arg:"" type:"existingfile" help:"Policy file."`
}

// Run compiles the policy as a server would.
func (c *policyCheckCmd) Run() error {
	store, err := localModels(0)
	if err != nil {
		return err
	}
	snap, files, err := config.LoadSnapshot(c.File, store)
	if err != nil {
		return err
	}
	entries := 0
	for _, p := range snap.Packs() {
		entries += len(p.Entries)
	}
	fmt.Printf("%s is valid: %s, %s with %s, %s, %s read, snapshot %s\n", c.File,
		counted(len(snap.Policy().ProfileNames()), "profile"), counted(len(snap.Packs()), "pack"), counted(entries, "entry"),
		counted(len(snap.Models()), "model"), counted(len(files), "file"), snap.Version())
	return nil
}

type policyShowCmd struct {
	File    string `arg:"" optional:"" type:"existingfile" help:"Policy file; without it the embedded policy."`
	Profile string `help:"Show this profile only." placeholder:"NAME"`
}

// Run prints to standard output.
func (c *policyShowCmd) Run() error {
	p, err := config.LoadPolicy(c.File)
	if err != nil {
		return err
	}
	return p.Show(os.Stdout, c.Profile)
}
