package gateway

import "bytes"

// event is one server-sent event, or a comment. Its slices are the scanner's and
// valid until the next call.
type event struct {
	name    []byte // of the event field; empty for none
	data    []byte // data lines joined by newlines
	id      []byte
	retry   []byte
	comment bool // a comment line: no event, but it keeps connections alive
	hasData bool
}

// appendNames writes the fields beside the data.
func (e *event) appendNames(dst []byte) []byte {
	dst = append(append(dst, e.name...), '\n')
	dst = append(append(dst, e.id...), '\n')
	return append(dst, e.retry...)
}

// named reports whether appendNames writes names.
func (e *event) named(names []byte) bool {
	if len(names) != len(e.name)+len(e.id)+len(e.retry)+2 {
		return false
	}
	id := names[len(e.name):]
	return bytes.HasPrefix(names, e.name) && id[0] == '\n' && bytes.HasPrefix(id[1:], e.id) &&
		id[1+len(e.id)] == '\n' && bytes.HasSuffix(names, e.retry)
}

// scanner cuts a body into server-sent events as the HTML standard has it,
// however the body is cut into pieces: lines end with CR, LF or CRLF, a byte order
// mark may lead, an event ends at an empty line, and what follows the last empty
// line is no event.
type scanner struct {
	limit int // longest event in bytes

	line    []byte // begun and not ended
	size    int    // bytes of the event that is being read
	began   bool   // the byte order mark is behind us
	wasCR   bool   // the last line ended with CR: an LF belongs to it
	current event
	filled  bool // current has fields
	any     bool // there was a field of an event
	strange bool // there was none so far, but a line that is none of an event
}

// scan reads the next piece and calls f for every event that ends in it. f's
// error ends the scan.
func (s *scanner) scan(piece []byte, f func(*event) error) error {
	for len(piece) > 0 {
		if s.wasCR {
			s.wasCR = false
			if piece[0] == '\n' {
				piece = piece[1:]
				continue
			}
		}
		end := bytes.IndexByte(piece, '\n')
		if end < 0 {
			end = len(piece)
		}
		if cr := bytes.IndexByte(piece[:end], '\r'); cr >= 0 { // IndexAny takes five times as long
			end = cr
		}
		if s.size += end; s.size > s.limit {
			return errEventTooLong
		}
		if end == len(piece) {
			s.line = append(s.line, piece...)
			return nil
		}
		line := piece[:end]
		if len(s.line) > 0 {
			s.line = append(s.line, line...)
			line = s.line
		}
		s.wasCR = piece[end] == '\r'
		piece = piece[end+1:]
		err := s.end(line, f)
		s.line = s.line[:0]
		if err != nil {
			return err
		}
	}
	return nil
}

// end takes a whole line.
func (s *scanner) end(line []byte, f func(*event) error) error {
	if !s.began {
		s.began = true
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	if len(line) == 0 {
		defer s.reset()
		if !s.filled {
			return nil
		}
		return f(&s.current)
	}
	if line[0] == ':' {
		return f(&event{comment: true})
	}
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch e := &s.current; string(name) {
	case "data":
		if e.hasData {
			e.data = append(e.data, '\n')
		}
		e.data, e.hasData = append(e.data, value...), true
	case "event":
		e.name = append(e.name[:0], value...)
	case "id":
		e.id = append(e.id[:0], value...)
	case "retry":
		e.retry = append(e.retry[:0], value...)
	default:
		s.strange = s.strange || !s.any
		return nil // the standard ignores other fields
	}
	s.filled, s.any, s.strange = true, true, false
	return nil
}

// pending reports whether an event has begun that has not ended.
func (s *scanner) pending() bool { return s.filled || len(s.line) > 0 }

// done reports whether nothing but the end of the event that says the end is missing.
func (s *scanner) done() bool {
	if s.filled {
		return string(s.current.data) == "[DONE]" && len(s.line) == 0
	}
	return string(s.line) == "data: [DONE]" || string(s.line) == "data:[DONE]"
}

func (s *scanner) reset() {
	e := &s.current
	*e = event{name: e.name[:0], data: e.data[:0], id: e.id[:0], retry: e.retry[:0]}
	s.filled, s.size = false, 0
}

// plainField returns the value of a field beside the data, or nothing if it could be
// text of a model, or the end of a line to some reader.
func plainField(value []byte) []byte {
	if len(value) > 64 {
		return nil
	}
	for _, c := range value {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-', c == ':', c == '/':
		default:
			return nil
		}
	}
	return value
}

// appendEvent writes an event whose data is JSON on one line.
func appendEvent(dst []byte, e *event, data func(dst []byte) []byte) []byte {
	field := func(name string, value []byte) {
		if len(value) > 0 {
			dst = append(append(append(append(dst, name...), ": "...), value...), '\n')
		}
	}
	if e != nil {
		field("event", plainField(e.name))
		field("id", plainField(e.id))
		field("retry", plainField(e.retry))
	}
	return append(data(append(dst, "data: "...)), "\n\n"...)
}
