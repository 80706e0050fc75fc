package pattern

import (
	"fmt"
	"strings"

	"github.com/seed-4f09bd3a/weir/engine/policy"
)

// Rule is one kind of personal information or secret. Its id, as policies
// spell it, is what String returns.
type Rule uint8

// The rules. doc.go tells what each accepts and what it refuses on purpose.
const (
	CNResidentID Rule = iota
	CNMobile
	CNPassport
	BankCard
	JPMyNumber
	JPPhone
	JPPassport
	USSSN
	USPassport
	Email
	IPv4
	IPv6
	IBAN
	APIKey
	PrivateKey
	JWT
	NumRules = iota
)

// ruleInfo is what is known of a rule besides how to find it.
type ruleInfo struct {
	id       string
	category policy.Category
	severity policy.Severity
	doc      string
}

var rules = [NumRules]ruleInfo{
	CNResidentID: {"cn_resident_id", policy.Privacy, policy.High,
		"PRC citizen identity number: 18 characters with province code, birth date and check character (GB 11643-1999; ISO 7064 MOD 11-2)"},
	CNMobile: {"cn_mobile", policy.Privacy, policy.Medium,
		"PRC mobile number: 11 digits in a segment that MIIT has assigned, bare or 3-4-4, with or without +86 (ITU-T E.164)"},
	CNPassport: {"cn_passport", policy.Privacy, policy.High,
		"PRC, Hong Kong or Macao passport number: letter and 8 digits, or E, letter and 7 digits, after a word for passport"},
	BankCard: {"bank_card", policy.Privacy, policy.High,
		"payment card number of a known issuer range and length with Luhn check digit (ISO/IEC 7812-1), bare or in the groups printed on cards"},
	JPMyNumber: {"jp_my_number", policy.Privacy, policy.High,
		"Japanese Individual Number: 12 digits with check digit, grouped 4-4-4 or after its name (MIC Ordinance No. 85 of 2014, Art. 5)"},
	JPPhone: {"jp_phone", policy.Privacy, policy.Medium,
		"Japanese telephone number: mobile bare or grouped, landline grouped, with or without +81 (MIC numbering plan; ITU-T E.164)"},
	JPPassport: {"jp_passport", policy.Privacy, policy.High,
		"Japanese passport number: 2 letters and 7 digits, after a word for passport (ICAO Doc 9303)"},
	USSSN: {"us_ssn", policy.Privacy, policy.High,
		"US Social Security number: 3-2-4 with hyphens, or any form after its name; never issued areas, groups and serials refused (SSA POMS RM 10201)"},
	USPassport: {"us_passport", policy.Privacy, policy.High,
		"US passport number: 9 digits, or letter and 8 digits, after a word for passport (ICAO Doc 9303)"},
	Email: {"email", policy.Privacy, policy.Low,
		"e-mail address: subset of RFC 5321/5322 in common use, known top-level domain, reserved domains of RFC 2606 refused"},
	IPv4: {"ipv4", policy.Privacy, policy.Low,
		"public IPv4 address: four decimal octets (RFC 791), special-purpose blocks of RFC 6890 refused"},
	IPv6: {"ipv6", policy.Privacy, policy.Low,
		"global unicast IPv6 address in 2000::/3 (RFC 4291), documentation blocks of RFC 3849 and RFC 9637 refused"},
	IBAN: {"iban", policy.Privacy, policy.High,
		"International Bank Account Number: registered country and length, mod 97 check (ISO 13616-1; ISO 7064 MOD 97-10)"},
	APIKey: {"api_key", policy.IP, policy.High,
		"API key or token with a prefix, alphabet and length that its vendor documents"},
	PrivateKey: {"private_key", policy.IP, policy.Critical,
		"private key in PEM text from its header on (RFC 7468; OpenSSH and PGP armour)"},
	JWT: {"jwt", policy.IP, policy.High,
		"signed JSON Web Token in compact form (RFC 7519, RFC 7515)"},
}

// String returns the rule's id.
func (r Rule) String() string {
	if int(r) < len(rules) {
		return rules[r].id
	}
	return fmt.Sprintf("rule(%d)", uint8(r))
}

// Category returns the category that matches of r belong to: Privacy for
// personal information, IP for secrets. r must be a rule.
func (r Rule) Category() policy.Category { return rules[r].category }

// Severity returns the severity of r unless a policy says otherwise. r must be
// a rule.
func (r Rule) Severity() policy.Severity { return rules[r].severity }

// Doc returns one line: what r finds and by which standard. r must be a rule.
func (r Rule) Doc() string { return rules[r].doc }

// ParseRule returns the rule with the given id. The error names the id and
// lists the known ones.
func ParseRule(id string) (Rule, error) {
	for i := range rules {
		if rules[i].id == id {
			return Rule(i), nil
		}
	}
	known := make([]string, 0, NumRules)
	for i := range rules {
		known = append(known, rules[i].id)
	}
	return 0, fmt.Errorf("unknown pattern rule %q: want one of %s", id, strings.Join(known, ", "))
}

// Rules returns all rules in the order of their constants.
func Rules() []Rule {
	all := make([]Rule, NumRules)
	for i := range all {
		all[i] = Rule(i)
	}
	return all
}

// ruleSet is a set of rules.
type ruleSet uint32

func setOf(list []Rule) ruleSet {
	var s ruleSet
	for _, r := range list {
		s |= 1 << r
	}
	return s
}

func (s ruleSet) has(r Rule) bool { return s&(1<<r) != 0 }
