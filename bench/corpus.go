package bench

import (
	"bufio"
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/seed-4f09bd3a/weir/engine"
	"github.com/seed-4f09bd3a/weir/engine/policy"
)

//go:embed corpus/*.txt
var corpusFiles embed.FS

// Text is what one stream sends.
type Text struct {
	Tokens    [][]byte
	Halts     int   // index of the token that completes the violation, or -1
	Mark      int   // the same, also for a server that is not to halt
	Violation int64 // byte at which it begins
	Complete  int64 // byte at which that token ends
}

// leaked counts the runes of the violation that are among the bytes before released.
func (t *Text) leaked(released int64) (runes int64) {
	at := int64(0)
	for _, token := range t.Tokens {
		for _, b := range token {
			if at >= released {
				return runes
			}
			if at >= t.Violation && utf8.RuneStart(b) {
				runes++
			}
			at++
		}
	}
	return runes
}

// Corpus is where texts come from.
type Corpus struct {
	Sentences       []string
	Violations      []string // which lexicon or patterns find
	ModelViolations []string // which only the default classifier finds
}

// WithModels returns the corpus for a policy with the default classifier.
func (c *Corpus) WithModels() *Corpus {
	return &Corpus{Sentences: c.Sentences, Violations: append(c.Violations[:len(c.Violations):len(c.Violations)], c.ModelViolations...)}
}

// DefaultCorpus is the embedded one.
func DefaultCorpus() (*Corpus, error) {
	c := &Corpus{}
	for _, name := range []string{"en", "zh", "ja"} {
		lines, err := embedded(name)
		if err != nil {
			return nil, err
		}
		c.Sentences = append(c.Sentences, lines...)
	}
	var err error
	if c.Violations, err = embedded("violations"); err != nil {
		return nil, err
	}
	c.ModelViolations, err = embedded("violations-model")
	return c, err
}

func embedded(name string) ([]string, error) {
	f, err := corpusFiles.Open("corpus/" + name + ".txt")
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // embedded
	return readLines(f)
}

// ReadSentences takes the sentences from a file instead, one a line; lines that
// begin with # are comments.
func (c *Corpus) ReadSentences(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("bench: corpus: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	lines, err := readLines(f)
	if err == nil && len(lines) < 10 {
		err = fmt.Errorf("%d sentences: want 10 at least, one a line", len(lines))
	}
	if err != nil {
		return fmt.Errorf("bench: corpus %s: %w", path, err)
	}
	c.Sentences = lines
	return nil
}

func readLines(r io.Reader) (out []string, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); line != "" && line[0] != '#' {
			if !utf8.ValidString(line) {
				return nil, errors.New("is not UTF-8")
			}
			out = append(out, line)
		}
	}
	return out, lines.Err()
}

// Texts makes n texts of about so many tokens each, half of it to one and a half,
// of which a share carries a violation. The same seed gives the same texts. judge
// says where a violation halts, and that nothing else does.
func (c *Corpus) Texts(judge *engine.Engine, profile string, n, tokens int, violating float64, seed uint64) ([]Text, error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]Text, n)
	for i := range out {
		// Spread evenly, so that few texts have their share, too.
		bad := int(float64(i+1)*violating) > int(float64(i)*violating)
		for try := 0; ; try++ {
			t := c.text(rng, tokens/2+rng.IntN(tokens+1), bad)
			err := t.judge(judge, profile)
			if err == nil && bad == (t.Halts >= 0) {
				t.Mark = t.Halts
				out[i] = t
				break
			}
			if err != nil {
				return nil, err
			}
			if try == 100 {
				return nil, errors.New("bench: the policy halts harmless sentences of the corpus again and again, or no violation: see --corpus and --policy")
			}
		}
	}
	return out, nil
}

func (c *Corpus) text(rng *rand.Rand, tokens int, bad bool) Text {
	var b strings.Builder
	at := rng.IntN(3*tokens + 1) // of the violation: in the first three quarters
	for b.Len() < 5*tokens {
		if bad && b.Len() >= at {
			b.WriteString(c.Violations[rng.IntN(len(c.Violations))])
			b.WriteString(". ")
			bad = false
		}
		b.WriteString(c.Sentences[rng.IntN(len(c.Sentences))])
		b.WriteByte(' ')
	}
	all := Tokens(b.String())
	return Text{Tokens: all[:min(len(all), max(tokens, 1))], Halts: -1}
}

// judge finds out which token halts the text.
func (t *Text) judge(e *engine.Engine, profile string) error {
	s, err := e.Open(engine.StreamOptions{Profile: profile})
	if err != nil {
		return err
	}
	defer s.Abort()
	received := int64(0)
	for i, token := range t.Tokens {
		received += int64(len(token))
		v, err := s.Write(context.Background(), token)
		if err != nil {
			return err
		}
		if v.Action == policy.Halt {
			t.Halts, t.Violation, t.Complete = i, int64(v.HaltOffset), received
			return nil
		}
	}
	v, err := s.Close(context.Background())
	if err == nil && v.Action == policy.Halt {
		t.Halts, t.Violation, t.Complete = len(t.Tokens)-1, int64(v.HaltOffset), received
	}
	return err
}

// Tokens cuts a text every four bytes, at the next rune.
func Tokens(text string) [][]byte {
	var out [][]byte
	for len(text) > 0 {
		end := min(4, len(text))
		for end < len(text) && !utf8.RuneStart(text[end]) {
			end++
		}
		out = append(out, []byte(text[:end]))
		text = text[end:]
	}
	return out
}
