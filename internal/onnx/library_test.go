package onnx_test

import (
	"os"
	"testing"

	"github.com/seed-4f09bd3a/weir/internal/onnx"
)

// library loads ONNX Runtime. Without it tests are skipped, but not in CI.
func library(t testing.TB) *onnx.Library {
	t.Helper()
	path, err := onnx.Find("")
	if err == nil {
		var l *onnx.Library
		if l, err = onnx.Open(path); err == nil {
			return l
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
	return nil
}
