package strictyaml

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"
)

// syntax notes an error of the YAML parser, whose text begins with
// "yaml: line N: ", or without the line if it cannot read the characters.
func (p *Problems) syntax(data []byte, err error) {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if number, rest, ok := strings.Cut(strings.TrimPrefix(message, "line "), ": "); ok {
		if line, err := strconv.Atoi(number); err == nil {
			p.Add(Pos{line, 1}, "", "not YAML: %s", rest)
			return
		}
	}
	p.Add(unreadable(data), "", "not YAML: %s", message)
}

// unreadable returns where the first character is that no YAML file may
// contain, or the start of the file if there is none.
func unreadable(data []byte) Pos {
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 {
			begin := bytes.LastIndexByte(data[:i], '\n') + 1
			return Pos{bytes.Count(data[:i], []byte{'\n'}) + 1, utf8.RuneCount(data[begin:i]) + 1}
		}
		i += n
	}
	return Pos{1, 1}
}
