package pattern_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/seed-4f09bd3a/weir/engine/pattern"
)

var (
	emailDomainRun = regexp.MustCompile(`(?i)^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)*\.?`)
	emailDomain    = regexp.MustCompile(`(?i)^([a-z0-9][a-z0-9-]*\.)+(com|co|cn|jp|io|org|app)$`)
	emailReserved  = regexp.MustCompile(`(?i)(^|\.)example\.(com|org)$|\.(example|test)$`)
	emailAnyEnd    = regexp.MustCompile(`(?i)^([a-z0-9][a-z0-9-]*\.)+(com|co|cn|jp|io|org|app|example|test)$`)
)

// emailOracle finds addresses from their @ outwards, in a whole ASCII text.
func emailOracle(text string) (found []string) {
	free := 0 // where the domain before ended
	for at := range len(text) {
		if text[at] != '@' || at < free {
			continue
		}
		start := at
		for start > free && (isWordByte(text, start-1) || strings.Contains(".%+-", text[start-1:start])) && text[start-1:min(start+1, at)] != ".." {
			start--
		}
		for start < at && (!isWordByte(text, start) || isWordByte(text, start-1)) {
			start++
		}
		local := text[start:at]
		if local == "" || len(local) > 64 || strings.HasSuffix(local, ".") || strings.EqualFold(local, "git") {
			continue
		}
		run := emailDomainRun.FindString(text[at+1:])
		free = at + 1 + len(run)
		best := ""
		for n := range len(run) + 1 {
			domain := run[:n]
			next := at + 1 + n
			if emailAnyEnd.MatchString(domain) && !isWordByte(text, next) {
				best = domain
			}
		}
		if emailDomain.MatchString(best) && !emailReserved.MatchString(best) {
			found = append(found, fmt.Sprintf("%d:%s@%s", start, local, best))
		}
	}
	return found
}

func TestEmailOracle(t *testing.T) {
	parts := []string{"zz", "a", "B1", "git", "@", "@", "@", ".", ".", "-", "_", "+", "%", " ", ",", "example", "zzcorp", ".com", ".com", ".cn", ".co.jp", ".io", ".test", ".org", "x.y", "1"}
	random := rand.New(rand.NewPCG(3, 4))
	s := NewSet([]Rule{Email}, nil)
	matched := 0
	for range 40000 {
		var b strings.Builder
		for range 2 + random.IntN(9) {
			b.WriteString(parts[random.IntN(len(parts))])
		}
		plain := strings.Join(strings.Fields(b.String()), " ")
		var found []string
		for _, m := range scanAll(s, fold(plain)) {
			found = append(found, fmt.Sprintf("%d:%s", m.Span.Start, plain[m.Span.Start:m.Span.End]))
		}
		if diff := cmp.Diff(emailOracle(plain), found); diff != "" {
			t.Fatalf("in %q (-oracle +got):\n%s", plain, diff)
		}
		matched += len(found)
	}
	if matched < 500 {
		t.Errorf("only %d matches in all texts", matched)
	}
}
