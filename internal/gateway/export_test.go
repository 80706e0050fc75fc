package gateway

// Plain makes an answer read every event into memory of its own and use no
// template.
func Plain(a *Answer) { a.plain = true }
