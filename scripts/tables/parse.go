package main

import (
	"fmt"
	"strconv"
	"strings"
)

// parseSimplified reads lines "traditional<TAB>simplified[ simplified…]". Only
// the first choice counts: it is the one for text without context.
func parseSimplified(file []byte) (map[rune]rune, error) {
	m := map[rune]rune{}
	for i, line := range strings.Split(string(file), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		from, to, ok := strings.Cut(line, "\t")
		to, _, _ = strings.Cut(to, " ")
		f, t := []rune(from), []rune(to)
		if !ok || len(f) != 1 || len(t) != 1 {
			return nil, fmt.Errorf("line %d: want one rune, a tab, one rune", i+1)
		}
		m[f[0]] = t[0]
	}
	// 薴 → 苧 → 苎: follow to the end, so that folding twice changes nothing.
	for from, to := range m {
		for range m {
			next, ok := m[to]
			if !ok || next == to {
				break
			}
			to = next
		}
		m[from] = to
	}
	return m, nil
}

// parseConfusables reads lines "SOURCE ;	TARGET… ;	type	# comment", runes in
// hexadecimal.
func parseConfusables(file []byte) (map[rune][]rune, error) {
	m := map[rune][]rune{}
	text := strings.TrimPrefix(string(file), "\ufeff")
	for i, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		if strings.TrimSpace(line) == "" {
			continue
		}
		fields := strings.Split(line, ";")
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d: want three fields", i+1)
		}
		from, err := parseHex(fields[0])
		if err != nil || len(from) != 1 {
			return nil, fmt.Errorf("line %d: bad source", i+1)
		}
		to, err := parseHex(fields[1])
		if err != nil || len(to) == 0 {
			return nil, fmt.Errorf("line %d: bad target", i+1)
		}
		m[from[0]] = to
	}
	return m, nil
}

func parseHex(s string) ([]rune, error) {
	var runes []rune
	for _, f := range strings.Fields(s) {
		n, err := strconv.ParseUint(f, 16, 32)
		if err != nil {
			return nil, err
		}
		runes = append(runes, rune(n))
	}
	return runes, nil
}
