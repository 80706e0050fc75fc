package pattern

// numberFormat is one way to write a number of a rule.
type numberFormat struct {
	rule    Rule
	groups  []uint8 // digits of each group
	joins   join    // allowed between groups
	plus    bool    // a plus sign comes first
	uniform bool    // all joins must be the same
	strict  bool    // uniform; if white space joins it, none joins it to other digits
	extends bool    // the first groups of a longer format
	leads   uint16  // bit d is set if d may be the first digit
	context context // that must be near
	valid   func(v number) bool
}

// number is the value of all groups of a candidate together.
type number struct {
	value  uint64 // of the digits, without X
	digits uint8  // X counts as one
	withX  bool
}

// prefix returns the first n digits.
func (v number) prefix(n uint8) uint64 { return v.value / pow10[v.digits-n] }

// pow10 is read-only; a number has at most 19 digits.
var pow10 = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19}

// allNumberFormats returns every format. Where two fit the same groups, the
// earlier one wins.
func allNumberFormats() []numberFormat {
	const (
		spaced     = joinSpace | joinHyphen
		telephone  = joinSpace | joinHyphen | joinParen
		hyphenated = joinHyphen
	)
	type groups = []uint8
	return []numberFormat{
		{rule: CNResidentID, groups: groups{18}, leads: digitSet("12345678"), valid: validResidentID},
		{rule: CNResidentID, groups: groups{6, 8, 4}, joins: spaced, uniform: true, leads: digitSet("12345678"), valid: validResidentID},

		{rule: BankCard, groups: groups{14}, leads: digitSet("3"), valid: validCard},
		{rule: BankCard, groups: groups{15}, leads: digitSet("3"), valid: validCard},
		{rule: BankCard, groups: groups{16}, leads: digitSet("23456"), valid: validCard},
		{rule: BankCard, groups: groups{17}, leads: digitSet("6"), valid: validCard},
		{rule: BankCard, groups: groups{18}, leads: digitSet("6"), valid: validCard},
		{rule: BankCard, groups: groups{19}, leads: digitSet("6"), valid: validCard},
		{rule: BankCard, groups: groups{4, 6, 4}, joins: spaced, uniform: true, leads: digitSet("3"), valid: validCard},
		{rule: BankCard, groups: groups{4, 6, 5}, joins: spaced, uniform: true, leads: digitSet("3"), valid: validCard},
		{rule: BankCard, groups: groups{6, 13}, joins: spaced, uniform: true, leads: digitSet("6"), valid: validCard},
		{rule: BankCard, groups: groups{4, 4, 4, 4}, joins: spaced, uniform: true, extends: true, leads: digitSet("23456"), valid: validCard},
		{rule: BankCard, groups: groups{4, 4, 4, 4, 3}, joins: spaced, uniform: true, leads: digitSet("6"), valid: validCard},

		{rule: JPMyNumber, groups: groups{4, 4, 4}, joins: spaced, uniform: true, strict: true, leads: anyDigit, valid: validMyNumber},
		{rule: JPMyNumber, groups: groups{12}, leads: anyDigit, context: aboutMyNumber, valid: validMyNumber},

		{rule: USSSN, groups: groups{3, 2, 4}, joins: hyphenated, leads: digitSet("012345678"), valid: validSSN},
		{rule: USSSN, groups: groups{3, 2, 4}, joins: spaced, uniform: true, leads: digitSet("012345678"), context: aboutSSN, valid: validSSN},
		{rule: USSSN, groups: groups{9}, leads: digitSet("012345678"), context: aboutSSN, valid: validSSN},

		{rule: CNMobile, groups: groups{11}, leads: digitSet("1"), valid: validCNMobile},
		{rule: CNMobile, groups: groups{3, 4, 4}, joins: telephone, leads: digitSet("1"), valid: validCNMobile},
		{rule: CNMobile, groups: groups{13}, plus: true, leads: digitSet("8"), valid: validCNMobile},
		{rule: CNMobile, groups: groups{15}, leads: digitSet("0"), valid: validCNMobile}, // 0086
		{rule: CNMobile, groups: groups{2, 11}, plus: true, joins: telephone, leads: digitSet("8"), valid: validCNMobile},
		{rule: CNMobile, groups: groups{2, 11}, joins: telephone, leads: digitSet("8"), valid: validCNMobile},
		{rule: CNMobile, groups: groups{4, 11}, joins: telephone, leads: digitSet("0"), valid: validCNMobile},
		{rule: CNMobile, groups: groups{2, 3, 4, 4}, plus: true, joins: telephone, leads: digitSet("8"), valid: validCNMobile},
		{rule: CNMobile, groups: groups{2, 3, 4, 4}, joins: telephone, leads: digitSet("8"), valid: validCNMobile},
		{rule: CNMobile, groups: groups{4, 3, 4, 4}, joins: telephone, leads: digitSet("0"), valid: validCNMobile},

		{rule: JPPhone, groups: groups{11}, leads: digitSet("0"), valid: validJPMobile},
		{rule: JPPhone, groups: groups{3, 4, 4}, joins: telephone, leads: digitSet("0"), valid: validJPMobile},
		{rule: JPPhone, groups: groups{2, 4, 4}, joins: telephone, leads: digitSet("0"), valid: validJPLandline},
		{rule: JPPhone, groups: groups{3, 3, 4}, joins: telephone, leads: digitSet("0"), valid: validJPLandline},
		{rule: JPPhone, groups: groups{4, 2, 4}, joins: telephone, leads: digitSet("0"), valid: validJPLandline},
		{rule: JPPhone, groups: groups{5, 1, 4}, joins: telephone, leads: digitSet("0"), valid: validJPLandline},
		{rule: JPPhone, groups: groups{12}, plus: true, leads: digitSet("8"), valid: validJPInternational},
		{rule: JPPhone, groups: groups{11}, plus: true, leads: digitSet("8"), valid: validJPInternational},
		{rule: JPPhone, groups: groups{2, 10}, plus: true, joins: telephone, leads: digitSet("8"), valid: validJPInternational},
		{rule: JPPhone, groups: groups{2, 9}, plus: true, joins: telephone, leads: digitSet("8"), valid: validJPInternational},
		{rule: JPPhone, groups: groups{2, 2, 4, 4}, plus: true, joins: telephone, leads: digitSet("8"), valid: validJPInternational},
		{rule: JPPhone, groups: groups{2, 1, 4, 4}, plus: true, joins: telephone, leads: digitSet("8"), valid: validJPInternational},
		{rule: JPPhone, groups: groups{2, 2, 3, 4}, plus: true, joins: telephone, leads: digitSet("8"), valid: validJPInternational},
		{rule: JPPhone, groups: groups{2, 3, 2, 4}, plus: true, joins: telephone, leads: digitSet("8"), valid: validJPInternational},
		{rule: JPPhone, groups: groups{2, 4, 1, 4}, plus: true, joins: telephone, leads: digitSet("8"), valid: validJPInternational},
	}
}

const anyDigit = 1<<10 - 1

func digitSet(digits string) (set uint16) {
	for i := range len(digits) {
		set |= 1 << (digits[i] - '0')
	}
	return set
}

// numberFormats are the formats of the enabled rules.
type numberFormats struct {
	formats  []numberFormat
	byLast   [maxGroupDigits + 1][]uint8 // indexes by the digits of the last group, in order
	holding  [10][]uint8                 // indexes of those whose rule holds, by first digit
	plusHeld bool                        // one of those begins with a plus sign
}

func compileNumbers(enabled, hold ruleSet) (nf numberFormats) {
	for _, f := range allNumberFormats() {
		if !enabled.has(f.rule) {
			continue
		}
		i := uint8(len(nf.formats))
		nf.formats = append(nf.formats, f)
		last := f.groups[len(f.groups)-1]
		nf.byLast[last] = append(nf.byLast[last], i)
		if hold.has(f.rule) {
			for d := range nf.holding {
				if f.leads>>d&1 != 0 {
					nf.holding[d] = append(nf.holding[d], i)
				}
			}
			nf.plusHeld = nf.plusHeld || f.plus
		}
	}
	return nf
}

// findNumber returns the index of the format that the groups up to the last one
// fit and the first of these groups: the leftmost such group, then the earliest
// format. The index is -1 when there is none.
func (s *Set) findNumber(st *State) (format int, from uint8) {
	n := &st.number
	candidates := s.numbers.byLast[n.digits[n.groups-1]]
	if len(candidates) == 0 {
		return -1, 0
	}
	for from = range n.groups {
		for _, i := range candidates {
			f := &s.numbers.formats[i]
			if len(f.groups) == int(n.groups-from) && n.fits(f, from) && n.inContext(f, st, from) && f.valid(n.number(from)) {
				return int(i), from
			}
		}
	}
	return -1, 0
}

// fits reports whether the groups from the given one are groups of f as far as
// they go; the last one may still grow if it is being read.
func (n *numberState) fits(f *numberFormat, from uint8) bool {
	count := n.groups - from
	if int(count) > len(f.groups) || n.withX && f.rule != CNResidentID {
		return false
	}
	switch n.joins[from] {
	case joinHyphen:
		return false
	case joinPlus:
		if !f.plus {
			return false
		}
	default:
		if f.plus || f.strict && n.joins[from]&joinSoft != 0 && n.spaced(from) {
			return false
		}
	}
	for i := range count {
		at := from + i
		if i > 0 {
			if n.joins[at]&f.joins == 0 || f.uniform && i > 1 && n.joins[at] != n.joins[at-1] {
				return false
			}
		}
		if n.digits[at] == f.groups[i] {
			continue
		}
		if i < count-1 || n.phase != numberGroup || n.digits[at] > f.groups[i] {
			return false
		}
	}
	return f.leads>>n.lead(from)&1 != 0
}

// lead returns the first digit of a group.
func (n *numberState) lead(i uint8) uint64 {
	digits := n.digits[i]
	if n.withX && i == n.groups-1 {
		digits--
	}
	return n.values[i] / pow10[digits-1]
}

// spaced reports whether white space joins the first two groups from the given
// one.
func (n *numberState) spaced(from uint8) bool {
	return from+1 < n.groups && n.joins[from+1]&joinSoft != 0
}

func (n *numberState) inContext(f *numberFormat, st *State, from uint8) bool {
	return f.context == noContext || st.words.near(f.context, n.starts[from])
}

// number joins the groups from the given one. They have at most 19 digits.
func (n *numberState) number(from uint8) number {
	v := number{withX: n.withX}
	for i := from; i < n.groups; i++ {
		digits := n.digits[i]
		v.digits += digits
		if n.withX && i == n.groups-1 {
			digits--
		}
		v.value = v.value*pow10[digits] + n.values[i]
	}
	return v
}

// holdNumber adds the start of the earliest group from which a number of a hold
// rule could still be read. It asks less than findNumber does of the same
// groups, never more, so that what findNumber accepts later was held.
func (s *Set) holdNumber(st *State, h *holdback) {
	n := &st.number
	if n.phase == numberPlus {
		if s.numbers.plusHeld {
			h.at(n.starts[0])
		}
		return
	}
	if n.pending != 0 && s.hold.has(s.numbers.formats[n.pending-1].rule) {
		h.at(n.starts[n.pendingFrom])
	}
	for from := range n.groups {
		for _, i := range s.numbers.holding[n.lead(from)] {
			f := &s.numbers.formats[i]
			if n.fits(f, from) && n.goesOn(f, from) && n.inContext(f, st, from) {
				h.at(n.starts[from])
				return
			}
		}
	}
}

// goesOn reports whether a number of f can end after the runes read so far,
// given that the groups from the given one fit f.
func (n *numberState) goesOn(f *numberFormat, from uint8) bool {
	if n.phase != numberGap {
		return true
	}
	if int(n.groups-from) == len(f.groups) {
		return n.gap&joinSoft == 0 // after a soft gap it was decided or is pending
	}
	return !n.withX && n.gap&f.joins != 0
}
