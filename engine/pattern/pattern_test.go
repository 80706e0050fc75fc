package pattern_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	. "github.com/seed-4f09bd3a/weir/engine/pattern"
	"github.com/seed-4f09bd3a/weir/engine/policy"
	"github.com/seed-4f09bd3a/weir/engine/text"
)

// unmark returns a case's text without its marks, and the marked spans.
func unmark(marked string) (plain string, spans []policy.Span) {
	var b strings.Builder
	for _, r := range marked {
		switch r {
		case '«':
			spans = append(spans, policy.Span{Start: policy.Offset(b.Len())})
		case '»':
			spans[len(spans)-1].End = policy.Offset(b.Len())
		default:
			b.WriteRune(r)
		}
	}
	return b.String(), spans
}

// scanAll scans the runes in one piece.
func scanAll(s *Set, runes []text.Rune) []Match {
	var st State
	matches := s.Scan(&st, runes, nil)
	return s.Close(&st, matches)
}

func TestCases(t *testing.T) {
	s := NewSet(Rules(), Rules())
	for _, c := range patternCases {
		t.Run(c.rule.String()+"/"+c.name, func(t *testing.T) {
			plain, spans := unmark(c.text)
			matches := scanAll(s, fold(plain))
			var want []Match
			for i, span := range spans {
				continues := (c.rule == JWT || c.rule == PrivateKey) && i > 0 && spans[i-1].End == span.Start
				want = append(want, Match{Rule: c.rule, Span: span, Continues: continues})
			}
			if diff := cmp.Diff(want, matches); diff != "" {
				t.Errorf("matches in %q (-want +got):\n%s", plain, diff)
			}
		})
	}
}

// TestEachRuleHasCases keeps the table complete: a positive and a negative case
// for every rule.
func TestEachRuleHasCases(t *testing.T) {
	positive, negative := map[Rule]bool{}, map[Rule]bool{}
	for _, c := range patternCases {
		if strings.Contains(c.text, "«") {
			positive[c.rule] = true
		} else {
			negative[c.rule] = true
		}
	}
	negative[JPPassport], negative[USPassport] = true, true // those of cn_passport
	for _, r := range Rules() {
		if !positive[r] || !negative[r] {
			t.Errorf("rule %v has positive cases: %v, negative cases: %v", r, positive[r], negative[r])
		}
	}
}

// TestRuleAlone checks that a rule finds the same whatever other rules are on.
func TestRuleAlone(t *testing.T) {
	for _, c := range patternCases {
		plain, spans := unmark(c.text)
		var found []policy.Span
		for _, m := range scanAll(NewSet([]Rule{c.rule}, nil), fold(plain)) {
			found = append(found, m.Span)
		}
		if diff := cmp.Diff(spans, found); diff != "" {
			t.Errorf("%v/%s (-want +got):\n%s", c.rule, c.name, diff)
		}
	}
}

func TestIBANCountries(t *testing.T) {
	// Examples of the SWIFT IBAN registry.
	examples := strings.Split("AD1200012030200359100100 AE070331234567890123456 AL47212110090000000235698741 AT611904300234573201 "+
		"AZ21NABZ00000000137010001944 BA391290079401028494 BE68539007547034 BG80BNBG96611020345678 BH67BMAG00001299123456 "+
		"BR1800360305000010009795493C1 BY13NBRB3600900000002Z00AB00 CH9300762011623852957 CR05015202001026284066 "+
		"CY17002001280000001200527600 CZ6508000000192000145399 DK5000400440116243 DO28BAGR00000001212453611324 EE382200221020145685 "+
		"EG380019000500000000263180002 ES9121000418450200051332 FI2112345600000785 FO6264600001631634 FR1420041010050500013M02606 "+
		"GE29NB0000000101904917 GI75NWBK000000007099453 GL8964710001000206 GR1601101250000000012300695 GT82TRAJ01020000001210029690 "+
		"HR1210010051863000160 HU42117730161111101800000000 IE29AIBK93115212345678 IL620108000000099999999 IQ98NBIQ850123456789012 "+
		"IS140159260076545510730339 IT60X0542811101000000123456 JO94CBJO0010000000000131000302 KW81CBKU0000000000001234560101 "+
		"KZ86125KZT5004100100 LB62099900000001001901229114 LC55HEMM000100010012001200023015 LI21088100002324013AA LT121000011101001000 "+
		"LU280019400644750000 LV80BANK0000435195001 MC5811222000010123456789030 MD24AG000225100013104168 ME25505000012345678951 "+
		"MK07250120000058984 MR1300020001010000123456753 MU17BOMM0101101030300200000MUR PK36SCBL0000001123456702 "+
		"PL61109010140000071219812874 PS92PALS000000000400123456702 PT50000201231234567890154 QA58DOHB00001234567890ABCDEFG "+
		"RO49AAAA1B31007593840000 RS35260005601001611379 SA0380000000608010167519 SC18SSCB11010000000000001497USD "+
		"SE4550000000058398257466 SI56263300012039086 SK3112000000198742637541 SM86U0322509800000000270100 ST23000100010051845310146 "+
		"SV62CENR00000000000000700025 TL380080012345678910157 TN5910006035183598478831 TR330006100519786457841326 "+
		"UA213223130000026007233566001 VA59001123000012345678 VG96VPVG0000012345678901 XK051212012345678906", " ")
	s := NewSet([]Rule{IBAN}, nil)
	for _, example := range examples {
		want := []Match{{Rule: IBAN, Span: policy.Span{End: policy.Offset(len(example))}}}
		if diff := cmp.Diff(want, scanAll(s, fold(example))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", example, diff)
		}
	}
}

func TestRuleIDs(t *testing.T) {
	for _, r := range Rules() {
		if got, err := ParseRule(r.String()); err != nil || got != r {
			t.Errorf("ParseRule(%q) = %v, %v", r.String(), got, err)
		}
		if r.Doc() == "" || r.Severity() == policy.SeverityNone {
			t.Errorf("%v has no doc line or no severity", r)
		}
		if c := r.Category(); c != policy.Privacy && c != policy.IP {
			t.Errorf("%v has category %v", r, c)
		}
	}
	_, err := ParseRule("zzterm")
	if err == nil || !strings.Contains(err.Error(), `"zzterm"`) || !strings.Contains(err.Error(), "us_ssn") {
		t.Errorf("ParseRule(zzterm) = %v, want an error that names it and lists the rules", err)
	}
	if got := Rule(200).String(); got != "rule(200)" {
		t.Errorf("Rule(200).String() = %q", got)
	}
}

func ExampleSet_Scan() {
	s := NewSet([]Rule{CNMobile, Email}, []Rule{CNMobile})
	var st State
	for _, chunk := range []string{"Call 138001", "38001 now"} {
		runes := fold(chunk)
		for i := range runes {
			runes[i].Start += st.End()
		}
		for _, m := range s.Scan(&st, runes, nil) {
			fmt.Println("match", m.Rule, m.Span)
		}
		if start, held := s.Hold(&st); held {
			fmt.Println("hold from", start)
		}
	}
	// Output:
	// hold from 5
	// match cn_mobile {5 16}
}
