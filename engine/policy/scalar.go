package policy

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/seed-4f09bd3a/weir/internal/strictyaml"
)

// The scalars of the file check themselves, so that errors are where they are.

type policyName string

var policyNames = regexp.MustCompile(`^[\pL\pN][\pL\pN ._-]{0,63}$`)

func (n *policyName) UnmarshalText(b []byte) error {
	if !policyNames.Match(b) {
		return fmt.Errorf("%s: want up to 64 letters, digits, blanks, dots, hyphens and underscores", strictyaml.Quote(string(b)))
	}
	*n = policyName(b)
	return nil
}

// Names of profiles and rules go into metrics and onto the wire.
var ids = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func parseID(b []byte) (string, error) {
	if !ids.Match(b) {
		return "", fmt.Errorf("%s: want up to 64 letters a to z, digits, dots, hyphens and underscores", strictyaml.Quote(string(b)))
	}
	return string(b), nil
}

type profileName string

func (n *profileName) UnmarshalText(b []byte) error {
	id, err := parseID(b)
	*n = profileName(id)
	return err
}

type ruleName string

func (n *ruleName) UnmarshalText(b []byte) error {
	id, err := parseID(b)
	*n = ruleName(id)
	return err
}

// language is a BCP 47 tag in lower case.
type language string

var languages = regexp.MustCompile(`^[a-z]{2,8}(-[a-z0-9]{1,8})*$`)

func (l *language) UnmarshalText(b []byte) error {
	*l = language(strings.ToLower(string(b)))
	if !languages.MatchString(string(*l)) {
		return errors.New("want a BCP 47 language such as en or zh-Hant")
	}
	return nil
}

type probability float32

func (p *probability) UnmarshalText(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 32)
	if err != nil {
		return fmt.Errorf("%s: want a number in [0, 1]", strictyaml.Quote(string(b)))
	}
	if !(f >= 0 && f <= 1) {
		return fmt.Errorf("%.60s: out of range [0, 1]", b)
	}
	*p = probability(f)
	return nil
}

type holdbackRunes int

func (r *holdbackRunes) UnmarshalText(b []byte) error {
	return parseRunes((*int)(r), b, MaxHoldbackRunes)
}

type sustainRunes int

func (r *sustainRunes) UnmarshalText(b []byte) error {
	return parseRunes((*int)(r), b, MaxSustainRunes)
}

func parseRunes(into *int, b []byte, most int) error {
	n, err := strconv.Atoi(string(b))
	if err != nil || n < 0 || n > most {
		return fmt.Errorf("%s: want a whole number of runes in [0, %d]", strictyaml.Quote(string(b)), most)
	}
	*into = n
	return nil
}

type severityName Severity

func (s *severityName) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	*s = severityName(v)
	return err
}

// patternAction is an action or off, which is allow.
type patternAction Action

func (a *patternAction) UnmarshalText(b []byte) error {
	if string(b) == "off" {
		*a = patternAction(Allow)
		return nil
	}
	v, err := ParseAction(string(b))
	if err != nil {
		return fmt.Errorf("%w, off", err)
	}
	*a = patternAction(v)
	return nil
}

// categoryKey is a category or discrimination, which stands for its grounds.
type categoryKey struct {
	category Category
	all      bool
}

func (k *categoryKey) UnmarshalText(b []byte) (err error) {
	if string(b) == "discrimination" {
		k.all = true
		return nil
	}
	if k.category, err = ParseCategory(string(b)); err != nil {
		return fmt.Errorf("%w, or discrimination for its eight grounds", err)
	}
	return nil
}

// String returns the key as it is written.
func (k categoryKey) String() string {
	if k.all {
		return "discrimination"
	}
	return k.category.String()
}

// categories returns what the key stands for.
func (k categoryKey) categories() []Category {
	if !k.all {
		return []Category{k.category}
	}
	var out []Category
	for c := DiscriminationEthnicity; c <= DiscriminationHealth; c++ {
		out = append(out, c)
	}
	return out
}
