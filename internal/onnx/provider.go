package onnx

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// Providers returns the names of the execution providers that a configuration
// may list. Which of them works depends on the library and the machine.
func Providers() []string {
	return []string{"cpu", "cuda", "tensorrt", "openvino", "coreml", "directml"}
}

// CheckProviders reports names that are none, or that are listed twice.
func CheckProviders(names []string) error {
	for i, name := range names {
		if !slices.Contains(Providers(), name) {
			return fmt.Errorf("provider %.40q: want one of %s", name, strings.Join(Providers(), ", "))
		}
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("provider %s is listed twice", name)
		}
	}
	return nil
}

// appendProvider makes a session run on the named provider. ONNX Runtime runs
// what a provider has no kernel for on the CPU.
func appendProvider(o *ort.SessionOptions, name string) error {
	switch name {
	case "cpu":
		return nil
	case "cuda":
		cuda, err := ort.NewCUDAProviderOptions()
		if err != nil {
			return err
		}
		defer cuda.Destroy() //nolint:errcheck // they have been copied
		if err := cuda.Update(map[string]string{"device_id": "0"}); err != nil {
			return err
		}
		return o.AppendExecutionProviderCUDA(cuda)
	case "tensorrt":
		trt, err := ort.NewTensorRTProviderOptions()
		if err != nil {
			return err
		}
		defer trt.Destroy() //nolint:errcheck // they have been copied
		if err := trt.Update(map[string]string{"device_id": "0"}); err != nil {
			return err
		}
		return o.AppendExecutionProviderTensorRT(trt)
	case "openvino":
		return o.AppendExecutionProviderOpenVINO(map[string]string{})
	case "coreml":
		return o.AppendExecutionProviderCoreMLV2(map[string]string{})
	case "directml":
		return o.AppendExecutionProviderDirectML(0)
	}
	return fmt.Errorf("want one of %s", strings.Join(Providers(), ", "))
}

// session is a graph, loaded on the first provider that takes it.
type session struct {
	*ort.DynamicAdvancedSession
	provider string
}

// newSession tries the providers in order. Every failure is logged with its
// reason; if all fail, the error has all of them.
func newSession(graph []byte, inputs, outputs []string, o *Options) (*session, error) {
	var failures []error
	for _, name := range o.Providers {
		s, err := trySession(graph, inputs, outputs, name, o.Threads)
		if err == nil {
			return &session{s, name}, nil
		}
		err = fmt.Errorf("provider %s: %w", name, err)
		failures = append(failures, err)
		if o.Log != nil {
			o.Log.Warn("execution provider failed, trying the next", "provider", name, "err", err)
		}
	}
	return nil, errors.Join(failures...)
}

func trySession(graph []byte, inputs, outputs []string, provider string, threads int) (*ort.DynamicAdvancedSession, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	defer o.Destroy() //nolint:errcheck // the session has its own copy
	for _, set := range []error{
		o.SetIntraOpNumThreads(threads), // workers run side by side: threads inside a step would fight with them
		o.SetInterOpNumThreads(1),
		o.SetExecutionMode(ort.ExecutionModeSequential),
		o.SetLogSeverityLevel(ort.LoggingLevelFatal), // what goes wrong is returned; standard error is the program's
		appendProvider(o, provider),
	} {
		if set != nil {
			return nil, set
		}
	}
	return ort.NewDynamicAdvancedSessionWithONNXData(graph, inputs, outputs, o)
}

// Options say how models are run.
type Options struct {
	Providers []string     // tried in order; nil for cpu alone
	Threads   int          // inside one step; 0 for 1
	Log       *slog.Logger // for providers that fail; nil for none
}

func (o *Options) defaults() error {
	if len(o.Providers) == 0 {
		o.Providers = []string{"cpu"}
	}
	if o.Threads < 1 {
		o.Threads = 1
	}
	if err := CheckProviders(o.Providers); err != nil {
		return fmt.Errorf("onnx: %w", err)
	}
	return nil
}
