package gateway

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// The arguments of a tool call are JSON in a string: what their reader sees of
// a line break is a line break, not a backslash and an n. So their channels judge
// what stands for each escape. To keep offsets what they are, an escape becomes as
// many bytes: filler, which folding drops, and then the rune.

// filler fills up what stands for an escape. Every detector drops it.
const filler = 0x01

// isJSON reports whether the member of that name holds JSON in a string.
func isJSON(name string) bool {
	switch name {
	case "arguments", "partial_json", "function_call_arguments", "mcp_call_arguments":
		return true
	}
	return false
}

// escape returns the length of the escape that text begins with and the rune that
// it stands for, or the rune -1 if it stands for itself. A length of 0 says that
// text ends in the middle of it.
func escape(text []byte) (length int, r rune) {
	if len(text) < 2 {
		return 0, -1
	}
	switch text[1] {
	case 'n':
		return 2, '\n'
	case 'r':
		return 2, '\r'
	case 't':
		return 2, '\t'
	case 'b':
		return 2, '\b'
	case 'f':
		return 2, '\f'
	case '"', '\\', '/':
		return 2, rune(text[1])
	case 'u':
	default:
		return 1, -1
	}
	unit, length := escapedUnit(text)
	if length != 6 || unit < 0 || !utf16.IsSurrogate(unit) {
		return length, unit
	}
	if unit >= 0xdc00 {
		return 6, utf8.RuneError
	}
	switch rest := text[6:]; {
	case len(rest) == 0, len(rest) == 1 && rest[0] == '\\':
		return 0, -1 // its other half may come
	case rest[0] != '\\' || rest[1] != 'u':
		return 6, utf8.RuneError
	}
	low, length := escapedUnit(text[6:])
	switch {
	case length == 0:
		return 0, -1
	case low < 0xdc00 || low > 0xdfff:
		return 6, utf8.RuneError
	}
	return 12, utf16.DecodeRune(unit, low)
}

// escapedUnit reads \u and four digits: 0 bytes if text ends before, 1 byte and -1 if it is none.
func escapedUnit(text []byte) (unit rune, length int) {
	for i := 2; i < 6; i++ {
		if i == len(text) {
			return -1, 0
		}
		if c := text[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return -1, 1
		}
	}
	n, _ := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), 6
}

// unescaped returns what is judged of a text with escapes, as long as the text. It
// is the text itself if there are none.
func unescaped(text []byte) []byte {
	at := bytes.IndexByte(text, '\\')
	if at < 0 {
		return text
	}
	out := append(make([]byte, 0, len(text)), text[:at]...)
	for text = text[at:]; len(text) > 0; {
		if text[0] != '\\' {
			out, text = append(out, text[0]), text[1:]
			continue
		}
		n, r := escape(text)
		if n == 0 {
			return append(out, text...)
		}
		if r < 0 {
			out = append(out, text[:n]...)
		} else {
			for range n - utf8.RuneLen(r) {
				out = append(out, filler)
			}
			out = utf8.AppendRune(out, r)
		}
		text = text[n:]
	}
	return out
}

// cutEscape returns how many bytes of text end before an escape that is not whole.
func cutEscape(text []byte) int {
	for i := 0; i < len(text); {
		next := bytes.IndexByte(text[i:], '\\')
		if next < 0 {
			break
		}
		n, _ := escape(text[i+next:])
		if n == 0 {
			return i + next
		}
		i += next + n
	}
	return len(text)
}

// snap returns at, or if that is in the middle of an escape of text, the escape's
// beginning, or its end.
func snap(text []byte, at int, end bool) int {
	for i := 0; i < at; {
		next := bytes.IndexByte(text[i:at], '\\')
		if next < 0 {
			break
		}
		n, _ := escape(text[i+next:])
		if i += next + max(n, 1); i > at {
			if end {
				return i
			}
			return i - n
		}
	}
	return at
}
