// Command fold writes the plain view of texts, so that the training pipeline
// sees exactly what the engine sees. It reads one JSON string a line and writes
// one line a text: its folded runes in UTF-8. A folded text holds no line feed,
// since all white space becomes a blank.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/seed-4f09bd3a/weir/engine/text"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fold:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	texts := json.NewDecoder(bufio.NewReaderSize(in, 1<<20))
	w := bufio.NewWriterSize(out, 1<<20)
	for n := 1; ; n++ {
		var s string
		if err := texts.Decode(&s); err == io.EOF {
			return w.Flush()
		} else if err != nil {
			return fmt.Errorf("text %d: %w: want one JSON string a line", n, err)
		}
		if _, err := w.WriteString(string(text.FoldString(s)) + "\n"); err != nil {
			return err
		}
	}
}
