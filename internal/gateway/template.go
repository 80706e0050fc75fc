package gateway

import "bytes"

// template is an event of which only one text changes: the next one is often the
// same but for that text. It is then guarded without being read: the text is what
// stands between the bytes before it and the bytes behind it, and what may be
// shown of it goes out between the bytes that went out around it before.
//
// It is safe because both kinds of bytes around it are the same and the text has
// no quote, no backslash and no control character: so it is the whole of the
// string that begins with the last byte before it, and every other value of the
// event is what it was. What a format does with an event must follow from those
// values, from the text and from state that it looks at again; see the learn
// methods. FuzzTemplate compares answers with and without.
type template struct {
	channel         *channel // nil if nothing was learned
	names           []byte   // event, id and retry of the event
	before, after   []byte   // of the text, in the data
	prefix, suffix  []byte   // of the quoted text, in what goes out
	learned, fitted int      // events
}

const (
	maxTemplate = 4 << 10 // bytes of an event that is learned; 4 KiB
	patience    = 9       // events learned in vain before no more are
)

// fit returns the text of an event that is like the template.
func (t *template) fit(e *event) (text []byte, ok bool) {
	if t.channel == nil || len(e.data) <= len(t.before)+len(t.after) || !bytes.HasPrefix(e.data, t.before) || !bytes.HasSuffix(e.data, t.after) ||
		!e.named(t.names) {
		return nil, false
	}
	text = e.data[len(t.before) : len(e.data)-len(t.after)]
	for _, c := range text {
		if c == '"' || c == '\\' || c < 0x20 {
			return nil, false
		}
	}
	t.fitted++
	return text, true
}

// learn takes an event with its value, as it goes out, and the node of the text
// that belongs to a channel, and reports whether it is the template now. It
// changes the node.
func (t *template) learn(e *event, n, text *node, length int, c *channel) bool {
	t.learned++
	if text.at == 0 || len(e.data) > maxTemplate || t.learned == 1 || t.learned > patience+t.fitted {
		return false // the first event is seldom like the others, and must be quick
	}
	t.channel = c
	t.names = e.appendNames(t.names[:0])
	t.before = append(t.before[:0], e.data[:text.at]...)
	t.after = append(t.after[:0], e.data[text.at+length:]...)
	// Where two texts of one byte make a difference is the place of the text.
	text.text = []byte("a")
	t.prefix = appendEvent(t.prefix[:0], e, n.append)
	text.text = []byte("b")
	t.suffix = appendEvent(t.suffix[:0], e, n.append)
	at := 0
	for t.prefix[at] == t.suffix[at] {
		at++
	}
	t.prefix, t.suffix = t.prefix[:at-1], t.suffix[at+2:] // without quotes
	return true
}

// append writes the event with another text.
func (t *template) append(dst, text []byte) []byte {
	return append(quote(append(dst, t.prefix...), text), t.suffix...)
}
