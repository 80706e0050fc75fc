package pattern

import (
	"math/bits"

	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// A JSON Web Token is three base64url parts with dots between them; the first
// two are JSON objects and so begin with eyJ. It is decided once enough of the
// signature has been read, or when it is longer than anybody should hold; what
// follows is its tail, reported in pieces.
const (
	minJWTPart      = 10      // runes of header and payload, {"alg":"x"} has more
	maxJWTHeader    = 2 << 10 // runes; a longer first part is other base64
	minJWTSignature = 16      // runes; HMAC-SHA-256 has 43
	maxJWTHeld      = 8 << 10 // runes until a token is decided without its signature
	tailPiece       = 64      // runes of a piece of a tail, and so the most that it holds
)

func (s *Set) stepJWT(st *State, r *text.Rune, c byte, k kind, dst []Match) []Match {
	t := &st.secret
	t.total++
	good := true
	switch {
	case k&kBase64URL != 0:
		if t.part == 1 && t.runes < 3 && c != "eyJ"[t.runes] {
			good = false
			break
		}
		t.take(c, k)
		good = t.part > 0 || t.runes <= maxJWTHeader
		if t.part == 2 && t.runes == minJWTSignature || t.part > 0 && t.total >= maxJWTHeld {
			if bits.OnesCount64(t.distinct) < minDistinct {
				good = false
				break
			}
			dst = append(dst, Match{Rule: JWT, Span: policy.Span{Start: policy.Offset(t.start), End: policy.Offset(r.End())}})
			t.phase, t.start, t.runes = secretTail, r.End(), 0
		}
	case k&kDot != 0 && t.part < 2 && t.runes >= minJWTPart:
		t.part++
		t.runes = 0
	default:
		good = false
	}
	if !good {
		st.live &^= mSecret
	}
	return dst
}

// stepTail reports the rest of a decided token, up to the first rune that is
// not base64url or the dot before the signature.
func (s *Set) stepTail(st *State, r *text.Rune, k kind, dst []Match) []Match {
	t := &st.secret
	dot := k&kDot != 0 && t.part == 1
	if dot {
		t.part++
	}
	end := r.End()
	if k&kBase64URL != 0 || dot {
		if t.runes++; t.runes < tailPiece {
			return dst
		}
	} else {
		st.live &^= mSecret
		end = st.end
	}
	if end <= t.start {
		return dst // nothing, or the rest of a rune that folds to several
	}
	dst = append(dst, Match{Rule: JWT, Span: policy.Span{Start: policy.Offset(t.start), End: policy.Offset(end)}, Continues: true})
	t.start, t.runes = end, 0
	return dst
}
