package pattern

import "github.com/seed-4f09bd3a/weir/engine/text"

// kind is the set of roles that a folded rune can play in the formats.
type kind uint16

const (
	kDigit     kind = 1 << iota // 0-9
	kLetter                     // a-z, folded
	kWord                       // letter, digit or underscore of a script that separates words
	kHex                        // a-f
	kSpace                      // the one rune that stands for a run of white space
	kHyphen                     // hyphen-minus and the hyphens and dashes written for it between digits
	kDot                        // .
	kPlus                       // +
	kParen                      // ( or )
	kMoney                      // currency sign: what follows is an amount
	kSlash                      // /
	kColon                      // :
	kLocal                      // local part of an e-mail address
	kBase64                     // base64 with padding
	kBase64URL                  // base64url
	kWide                       // not ASCII
)

// asciiKinds is read-only.
var asciiKinds = makeASCIIKinds()

func makeASCIIKinds() (table [128]kind) {
	add := func(chars string, k kind) {
		for i := range len(chars) {
			table[chars[i]] |= k
		}
	}
	const digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyz"
	add(digits, kDigit)
	add(letters, kLetter)
	add(digits+letters+"_", kWord|kLocal|kBase64URL)
	add(digits+letters+"+/=", kBase64)
	add("abcdef", kHex)
	add(" ", kSpace)
	add("-", kHyphen|kLocal|kBase64URL)
	add(".", kDot|kLocal)
	add("+", kPlus|kLocal)
	add("%", kLocal)
	add("()", kParen)
	add("$", kMoney)
	add("/", kSlash)
	add(":", kColon)
	return table
}

// wideKind returns the kind of a rune beyond ASCII.
func wideKind(r *text.Rune) kind {
	switch r.R {
	case 0x2010, 0x2011, 0x2012, 0x2013, 0x2212: // hyphens, figure dash, en dash, minus
		return kWide | kHyphen
	case 0xA2, 0xA3, 0xA5, 0x20A9, 0x20AC: // ¢ £ ¥ ₩ €
		return kWide | kMoney
	}
	if r.Class&text.Word != 0 {
		return kWide | kWord
	}
	return kWide
}

// exact returns the ASCII character that r was before case folding.
// It is 0 beyond ASCII.
func exact(r *text.Rune) byte {
	if uint32(r.R) >= 128 {
		return 0
	}
	c := byte(r.R)
	if r.Class&text.Upper != 0 && 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}
