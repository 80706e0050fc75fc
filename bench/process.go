package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// process reads what the kernel counts for a process; Linux only.
type process struct{ pid int }

// cpu returns the seconds of CPU time so far, in steps of 10 ms.
func (p process) cpu() (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	if err != nil {
		return 0, fmt.Errorf("bench: CPU time of process %d: %w", p.pid, err)
	}
	_, rest, _ := strings.Cut(string(data), ") ") // the name before it may have blanks
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("bench: /proc/%d/stat has %d fields: want 13", p.pid, len(fields))
	}
	ticks := 0
	for _, f := range fields[11:13] { // user, system
		n, err := strconv.Atoi(f)
		if err != nil {
			return 0, fmt.Errorf("bench: /proc/%d/stat: %w", p.pid, err)
		}
		ticks += n
	}
	return float64(ticks) / 100, nil
}

// resident returns the bytes of memory in use.
func (p process) resident() (float64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		return 0, fmt.Errorf("bench: memory of process %d: %w", p.pid, err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 64)
			return kib * 1024, err
		}
	}
	return 0, fmt.Errorf("bench: /proc/%d/status has no VmRSS", p.pid)
}
