package bench

// Shares is for tests.
var Shares = shares

// Leaked is for tests.
func (t *Text) Leaked(released int64) int64 { return t.leaked(released) }
