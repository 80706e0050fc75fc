package survey

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxDocument bounds one line of a corpus.
const maxDocument = 64 << 20 // 64 MiB

// Corpus is a list of files, each a sequence of documents: NAME.jsonl has one
// JSON object with a string "text" per line, anything else is plain text with
// one document per line. Either may be compressed, as NAME.jsonl.gz.
type Corpus struct {
	Files []string
	Where map[string]string // a JSON document counts only if these top-level strings are equal

	// Progress, if not nil, is called after every document with the bytes read
	// of all files and their sum, compressed ones counted compressed.
	Progress func(read, total int64)
}

// Each calls f with every document that counts. It stops at the first error of
// a file, which names file and line, or of f.
func (c *Corpus) Each(f func(text string) error) error {
	var total, before int64
	for _, name := range c.Files {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("survey: %w", err)
		}
		total += info.Size()
	}
	for _, name := range c.Files {
		n, err := c.file(name, f, func(read int64) {
			if c.Progress != nil {
				c.Progress(before+read, total)
			}
		})
		if err != nil {
			return err
		}
		before += n
	}
	return nil
}

// countingReader counts what was read of a file.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func (c *Corpus) file(name string, f func(string) error, progress func(int64)) (int64, error) {
	file, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("survey: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	counter := &countingReader{r: file}
	var r io.Reader = counter
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(counter); err != nil {
			return 0, fmt.Errorf("survey: %s: %w", name, err)
		}
	}
	isJSON := strings.HasSuffix(strings.TrimSuffix(name, ".gz"), ".jsonl")
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxDocument)
	for n := 1; lines.Scan(); n++ {
		text := lines.Text()
		if isJSON {
			var ok bool
			if text, ok, err = c.document(lines.Bytes()); err != nil {
				return 0, fmt.Errorf("survey: %s:%d: %w", name, n, err)
			} else if !ok {
				continue
			}
		}
		if err := f(text); err != nil {
			return 0, err
		}
		progress(counter.n)
	}
	if err := lines.Err(); err != nil {
		return 0, fmt.Errorf("survey: %s: %w", name, err)
	}
	return counter.n, nil
}

// document returns the text of one JSON object, unless Where leaves it out.
// Errors do not quote the text.
func (c *Corpus) document(line []byte) (text string, ok bool, err error) {
	var object map[string]any
	if err := json.Unmarshal(line, &object); err != nil {
		return "", false, fmt.Errorf("want a JSON object per line")
	}
	text, ok = object["text"].(string)
	if !ok {
		return "", false, fmt.Errorf(`want a string "text" in the object`)
	}
	for key, want := range c.Where {
		if got, _ := object[key].(string); got != want {
			return "", false, nil
		}
	}
	return text, true, nil
}
