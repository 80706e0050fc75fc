package tune

import (
	"strconv"
	"strings"
)

// percent writes a share as a reader says it: three digits, or as few as do.
func percent(share float64) string {
	v := share * 100
	digits := 3
	switch {
	case v >= 99.9 && v < 100:
		digits = 4 // 99.95, not 100
	case v < 0.1:
		digits = 2
	}
	s := strconv.FormatFloat(v, 'g', digits, 64)
	if strings.Contains(s, "e") {
		s = strconv.FormatFloat(v, 'f', -1, 64)
		if v < 0.001 && v > 0 {
			s = "< 0.001"
		}
	}
	return s + " %"
}

// thousands writes a count with separators.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// number writes a threshold as a policy would.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// number100 writes a share as percent does, without the sign.
func number100(share float64) string { return strings.TrimSuffix(percent(share), " %") }

// capital begins a sentence with a word.
func capital(word string) string { return strings.ToUpper(word[:1]) + word[1:] }
