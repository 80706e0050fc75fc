package config_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-4f09bd3a/weir/internal/config"
)

// What examples/ configures is read as a server reads it, so that it cannot rot.
func TestExamples(t *testing.T) {
	const root = "../../examples"
	var configurations, policies int
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch d.Name() {
		case "weir.yaml":
			configurations++
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			conf, err := config.Parse(path, data)
			if err != nil {
				t.Error(err)
			}
			if !slices.Contains([]string{"image", "docker-compose", "kubernetes"}, filepath.Base(filepath.Dir(path))) {
				break
			}
			// In containers loopback reaches no client, and health checks need the admin port.
			for key, address := range map[string]string{"proxy.listen": conf.Proxy.Listen, "admin.listen": conf.Admin.Listen} {
				if host, _, err := net.SplitHostPort(address); err != nil || host != "" && host != "0.0.0.0" {
					t.Errorf("%s: %s is %q, want every address: %v", path, key, address, err)
				}
			}
			// A policy is named by its place in the container; the file beside the configuration is mounted there.
			if conf.Policy != "" {
				if _, err := os.Stat(filepath.Join(filepath.Dir(path), filepath.Base(conf.Policy))); err != nil || filepath.Dir(conf.Policy) != "/etc/weir" {
					t.Errorf("%s: policy %s: %v", path, conf.Policy, err)
				}
			}
		case "policy.yaml":
			policies++
			snap, _, err := config.LoadSnapshot(path, nil)
			if err != nil {
				t.Error(err)
			} else if snap.LexiconBytes() == 0 {
				t.Errorf("%s: no lexicon", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if configurations < 3 || policies < 3 {
		t.Errorf("read %d configurations and %d policies, want 3 or more of each", configurations, policies)
	}
}
