package pattern

import (
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// ipv4State reads four octets.
type ipv4State struct {
	start  int64
	end    int64 // End of the fourth octet; 0 before a dot follows it
	octets [4]uint8
	value  uint16 // of the current octet
	octet  uint8  // index of the current octet
	digits uint8  // of the current octet
}

// beginIPv4 starts an address with a digit, unless what stands before it makes
// it a part of a version: agent/1.2.3.4, name-1.2.3.4. A slash is good after
// another one, as in a URL.
func (s *Set) beginIPv4(st *State, r *text.Rune) {
	if st.prev&(kDot|kHyphen) != 0 || st.prev&kSlash != 0 && st.before&kSlash == 0 {
		return
	}
	st.ipv4 = ipv4State{start: r.Start, value: uint16(r.R - '0'), digits: 1}
	st.live |= mIPv4
}

func (s *Set) stepIPv4(st *State, r *text.Rune, k kind, dst []Match) []Match {
	a := &st.ipv4
	if a.end == 0 {
		switch {
		case k&kDigit != 0:
			// A leading zero is no decimal octet, but common in dates.
			if a.digits > 0 && a.value == 0 || a.value*10+uint16(r.R-'0') > 255 {
				st.live &^= mIPv4
				return dst
			}
			a.value = a.value*10 + uint16(r.R-'0')
			a.digits++
			return dst
		case k&kDot != 0 && a.digits > 0:
			a.octets[a.octet] = uint8(a.value)
			if a.octet == 3 {
				a.end = st.end // a fifth number may follow, or the sentence ends
				return dst
			}
			a.octet++
			a.value, a.digits = 0, 0
			return dst
		}
		a.octets[a.octet] = uint8(a.value)
		if a.octet != 3 || a.digits == 0 || k&kHyphen != 0 {
			st.live &^= mIPv4
			return dst
		}
		a.end = st.end
	}
	st.live &^= mIPv4
	if k&kWord == 0 && a.public() && !st.words.near(aboutVersion, a.start) {
		dst = append(dst, Match{Rule: IPv4, Span: policy.Span{Start: policy.Offset(a.start), End: policy.Offset(a.end)}})
	}
	return dst
}

// public reports whether the address can belong to somebody: it is in none of
// the special-purpose blocks of RFC 6890. Addresses with all octets below 32
// are refused too: numbers of sections and versions look like them, and only
// one random address in 4,096 does. So are three blocks whose addresses are far
// more often object identifiers: X.500 attributes, certificate extensions and
// the curves of RFC 8410.
func (a *ipv4State) public() bool {
	o := a.octets
	switch {
	case o[0] == 0, o[0] == 10, o[0] == 127, o[0] >= 224,
		o[0] == 100 && o[1]&0xC0 == 64,                      // 100.64.0.0/10, shared by carriers
		o[0] == 169 && o[1] == 254,                          // link local
		o[0] == 172 && o[1]&0xF0 == 16,                      // private
		o[0] == 192 && o[1] == 168,                          // private
		o[0] == 192 && o[1] == 0 && o[2] == 0,               // protocol assignments
		o[0] == 192 && o[1] == 0 && o[2] == 2,               // documentation
		o[0] == 198 && o[1]&0xFE == 18,                      // benchmarking
		o[0] == 198 && o[1] == 51 && o[2] == 100,            // documentation
		o[0] == 203 && o[1] == 0 && o[2] == 113,             // documentation
		o[0] == 2 && o[1] == 5 && (o[2] == 4 || o[2] == 29), // OIDs
		o[0] == 1 && o[1] == 3 && o[2] == 101,               // OIDs
		o[0]|o[1]|o[2]|o[3] < 32:
		return false
	}
	return true
}

// ipv6State reads groups of hexadecimal digits. Only 2000::/3 is looked for, so
// that the first group has four digits; times, MAC addresses and C++ names
// begin otherwise.
type ipv6State struct {
	start  int64
	end    int64     // End of the last group, or of the double colon
	groups [2]uint16 // value of the first two groups
	value  uint16    // of the current group
	count  uint8     // groups
	digits uint8     // of the current group
	colons uint8     // since the last group
	double bool      // a double colon was read
}

func (s *Set) beginIPv6(st *State, r *text.Rune) {
	if r.R != '2' && r.R != '3' || st.prev&(kDot|kHyphen) != 0 ||
		st.prev&kColon != 0 && st.before&(kDigit|kHex|kColon) != 0 {
		return
	}
	st.ipv6 = ipv6State{start: r.Start, value: uint16(r.R - '0'), count: 1, digits: 1}
	st.live |= mIPv6
}

func (s *Set) stepIPv6(st *State, r *text.Rune, k kind, dst []Match) []Match {
	a := &st.ipv6
	switch {
	case k&(kDigit|kHex) != 0:
		if a.colons > 0 {
			a.colons, a.digits, a.value = 0, 0, 0
			a.count++
		}
		a.digits++
		a.value = a.value<<4 | hexValue(r.R)
		if a.digits > 4 || a.count > 8 {
			st.live &^= mIPv6
		}
		return dst
	case k&kColon != 0 && a.colons == 0 && (a.count > 1 || a.digits == 4):
		a.endGroup(st.end)
		a.colons = 1
		return dst
	case k&kColon != 0 && a.colons == 1 && !a.double:
		a.double, a.colons = true, 2
		a.end = r.End()
		return dst
	}
	st.live &^= mIPv6
	if a.colons == 0 {
		a.endGroup(st.end)
	}
	complete := a.count == 8 && !a.double || a.double && 3 <= a.count && a.count <= 7
	if complete && k&(kWord|kColon) == 0 && !a.documentation() {
		dst = append(dst, Match{Rule: IPv6, Span: policy.Span{Start: policy.Offset(a.start), End: policy.Offset(a.end)}})
	}
	return dst
}

func (a *ipv6State) endGroup(end int64) {
	if a.count == 1 || a.count == 2 && !a.double {
		a.groups[a.count-1] = a.value
	}
	a.end = end
}

// documentation reports whether the address is in 2001:db8::/32 or 3fff::/20.
// Behind a double colon the second group is zero.
func (a *ipv6State) documentation() bool {
	return a.groups[0] == 0x2001 && a.groups[1] == 0xDB8 || a.groups[0] == 0x3FFF && a.groups[1] < 0x1000
}

func hexValue(r rune) uint16 {
	if r <= '9' {
		return uint16(r - '0')
	}
	return uint16(r-'a') + 10
}
