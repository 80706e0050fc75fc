package strictyaml

import (
	"fmt"
	"strings"
)

// suggest names the known key nearest to an unknown one, or lists the keys.
func suggest(key string, known []string) string {
	best, least := "", len(key)/2+1
	for _, k := range known {
		if len(key) > maxQuoted {
			break // no misspelling of anything, and distance is quadratic
		}
		if n := distance(key, k); n < least {
			best, least = k, n
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %s?", best)
	}
	return ": want one of " + strings.Join(known, ", ")
}

// distance is the Levenshtein distance of two short strings, in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
