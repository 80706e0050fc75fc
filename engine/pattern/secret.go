package pattern

import (
	"math/bits"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// secretFormat is one kind of token: a prefix, then characters of an alphabet.
// No prefix begins another one.
type secretFormat struct {
	rule     Rule
	prefix   string // exact case
	alphabet string // of what follows
	min, max uint16 // characters after the prefix
	digits   uint16 // least number of digits after the prefix
}

const (
	upperDigit = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	lowerHex   = "0123456789abcdef"
	letters    = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	alnum      = letters + "0123456789"
	urlSafe    = alnum + "-_"
)

// allSecretFormats returns the formats as their vendors document them, or where
// they do not, as their keys have looked for years. Keys for test modes and
// public identifiers are left out. The lengths of sk- cover the many vendors
// that use it; words such as sk-fading-circle have no digits.
func allSecretFormats() []secretFormat {
	key := func(prefix, alphabet string, least, most, digits uint16) secretFormat {
		return secretFormat{rule: APIKey, prefix: prefix, alphabet: alphabet, min: least, max: most, digits: digits}
	}
	return []secretFormat{
		{rule: JWT, prefix: "eyJ"}, // base64url of {"; see jwt.go

		key("AKIA", upperDigit, 16, 16, 0), // AWS IAM: access key ids
		key("ASIA", upperDigit, 16, 16, 0), // AWS STS: temporary access key ids
		key("ghp_", alnum, 36, 251, 1),     // GitHub: token formats
		key("gho_", alnum, 36, 251, 1),
		key("ghu_", alnum, 36, 251, 1),
		key("ghs_", alnum, 36, 251, 1),
		key("ghr_", alnum, 36, 251, 1),
		key("github_pat_", alnum+"_", 82, 240, 1),
		key("glpat-", urlSafe, 20, 64, 1),   // GitLab: personal access tokens
		key("sk-", urlSafe, 32, 256, 3),     // OpenAI, Anthropic, DeepSeek, Moonshot, DashScope, OpenRouter
		key("gsk_", alnum, 40, 64, 2),       // Groq
		key("xai-", alnum, 64, 96, 2),       // xAI
		key("r8_", alnum, 37, 40, 2),        // Replicate
		key("hf_", alnum, 34, 40, 0),        // Hugging Face: user access tokens
		key("xoxa-", alnum+"-", 20, 255, 6), // Slack: token types
		key("xoxb-", alnum+"-", 20, 255, 6),
		key("xoxp-", alnum+"-", 20, 255, 6),
		key("xoxr-", alnum+"-", 20, 255, 6),
		key("xoxs-", alnum+"-", 20, 255, 6),
		key("xapp-", alnum+"-", 40, 255, 6),
		key("AIza", urlSafe, 35, 35, 0),             // Google Cloud API keys
		key("GOCSPX-", urlSafe, 28, 28, 0),          // Google OAuth client secrets
		key("npm_", alnum, 36, 36, 0),               // npm: granular and classic tokens
		key("pypi-AgE", urlSafe, 50, 512, 2),        // PyPI: API tokens, a macaroon in base64
		key("sk_live_", alnum, 24, 247, 1),          // Stripe: secret keys
		key("rk_live_", alnum, 24, 247, 1),          // Stripe: restricted keys
		key("SG.", urlSafe+".", 66, 66, 1),          // SendGrid: 22 characters, a dot, 43 characters
		key("LTAI", alnum, 12, 26, 1),               // Alibaba Cloud AccessKey ids
		key("AKID", alnum, 32, 36, 1),               // Tencent Cloud SecretIds
		key("dop_v1_", lowerHex, 64, 64, 4),         // DigitalOcean
		key("shpat_", lowerHex+"ABCDEF", 32, 32, 4), // Shopify Admin API
	}
}

// minDistinct is how many different characters the part behind a prefix needs.
// Sixteen random ones out of 36 have fewer in one key of 20,000; placeholders
// such as sk-xxxxxxxx have fewer always.
const minDistinct = 8

// maxPrefix is the length of the longest prefix.
const maxPrefix = len("github_pat_")

// secretFormats are the formats of the enabled rules, by their prefixes' bytes.
type secretFormats struct {
	formats   []secretFormat
	alphabets [][2]uint64            // of each format, a bit for each ASCII character
	at        [maxPrefix][128]uint64 // formats with this character at this position of the prefix
	complete  [maxPrefix + 1]uint64  // formats with a prefix of this length
	hold      uint64                 // formats whose rule holds
}

func compileSecrets(enabled, hold ruleSet) (sf secretFormats) {
	for _, f := range allSecretFormats() {
		if !enabled.has(f.rule) {
			continue
		}
		bit := uint64(1) << len(sf.formats)
		var alphabet [2]uint64
		for i := range len(f.alphabet) {
			alphabet[f.alphabet[i]>>6] |= 1 << (f.alphabet[i] & 63)
		}
		sf.formats = append(sf.formats, f)
		sf.alphabets = append(sf.alphabets, alphabet)
		for i := range len(f.prefix) {
			sf.at[i][f.prefix[i]] |= bit
		}
		sf.complete[len(f.prefix)] |= bit
		if hold.has(f.rule) {
			sf.hold |= bit
		}
	}
	return sf
}

type secretPhase uint8

const (
	secretPrefix secretPhase = iota
	secretKey
	secretJWT
	secretTail // the rest of a JSON Web Token that has been decided
)

type secretState struct {
	start    int64
	formats  uint64 // whose prefix agrees so far; one bit after the prefix
	distinct uint64 // base64url characters seen after the prefix
	latest   uint64 // latest eight characters after the prefix
	runes    uint16 // after the prefix; in a JWT of the current part, in its tail of the piece
	total    uint16 // runes of a JWT
	digits   uint16 // after the prefix
	rising   uint16 // characters after the prefix that follow their predecessor in ASCII
	position uint8  // in the prefix
	part     uint8  // of a JWT
	phase    secretPhase
}

// beginSecret starts a token with a letter or digit whose left neighbour is no
// word. Behind a hyphen it would be the rest of a longer word.
func (s *Set) beginSecret(st *State, r *text.Rune) {
	formats := s.secrets.at[0][exact(r)]
	if formats == 0 || st.prev&kHyphen != 0 {
		return
	}
	st.secret = secretState{start: r.Start, formats: formats, position: 1}
	st.live |= mSecret
}

func (s *Set) stepSecret(st *State, r *text.Rune, k kind, dst []Match) []Match {
	t := &st.secret
	c := exact(r)
	switch t.phase {
	case secretPrefix:
		t.formats &= s.secrets.at[t.position][c]
		t.position++
		if t.formats == 0 {
			st.live &^= mSecret
		} else if done := t.formats & s.secrets.complete[t.position]; done != 0 {
			t.phase = secretKey
			if s.secrets.formats[bits.TrailingZeros64(done)].rule == JWT {
				t.phase, t.runes, t.total = secretJWT, 3, 3
			}
		}
		return dst
	case secretKey:
		return s.stepKey(st, c, k, dst)
	case secretJWT:
		return s.stepJWT(st, r, c, k, dst)
	default:
		return s.stepTail(st, r, k, dst)
	}
}

func (s *Set) stepKey(st *State, c byte, k kind, dst []Match) []Match {
	t := &st.secret
	i := bits.TrailingZeros64(t.formats)
	f := &s.secrets.formats[i]
	if s.secrets.alphabets[i][c>>6]>>(c&63)&1 != 0 && !(c == '.' && t.runes == f.max) {
		if t.runes == f.max {
			st.live &^= mSecret
			return dst
		}
		t.take(c, k)
		return dst
	}
	st.live &^= mSecret
	if k&kWord == 0 && t.runes >= f.min && t.digits >= f.digits && t.random() {
		dst = append(dst, Match{Rule: APIKey, Span: policy.Span{Start: policy.Offset(t.start), End: policy.Offset(st.end)}})
	}
	return dst
}

// take counts a character after the prefix.
func (t *secretState) take(c byte, k kind) {
	t.runes++
	t.distinct |= 1 << base64Value(c)
	if k&kDigit != 0 {
		t.digits++
	}
	if c == byte(t.latest)+1 {
		t.rising++
	}
	t.latest = t.latest<<8 | uint64(c)
}

// random reports whether the characters after the prefix look drawn at random:
// enough of them differ, they are no series such as abcdefgh12345678, and they
// do not end in EXAMPLE, as keys in the documentation of AWS do.
func (t *secretState) random() bool {
	const example = 'E'<<48 | 'X'<<40 | 'A'<<32 | 'M'<<24 | 'P'<<16 | 'L'<<8 | 'E'
	return bits.OnesCount64(t.distinct) >= minDistinct && 2*t.rising < t.runes && t.latest&(1<<56-1) != example
}

// base64Value returns a number below 64 that differs for all base64url
// characters.
func base64Value(c byte) uint8 {
	switch {
	case c >= 'a':
		return c - 'a' // to 25
	case 'A' <= c && c <= 'Z':
		return c - 'A' + 26 // to 51
	case '0' <= c && c <= '9':
		return c - '0' + 52 // to 61
	case c == '_':
		return 62
	}
	return 63
}
